# SPDX-License-Identifier: Apache-2.0
"""Cards with a boot script of the test's own."""
import os
import subprocess

from machine import tool_run


def card_make(folder, bundle, hypervisor, script, *arguments):
    """A card by `armature sdcard`, its boot script replaced."""
    card, source, compiled = (os.path.join(folder, name) for name in ("card.img", "boot.cmd", "boot.scr"))
    done = tool_run("sdcard", "--bundle", bundle, "--hyp", hypervisor, *arguments, "-o", card)
    assert done.returncode == 0, done.stdout
    with open(source, "w", encoding="utf-8") as file:
        file.write(script)
    subprocess.run(["mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-d", source, compiled], check=True,
                   stdout=subprocess.DEVNULL, timeout=20)
    subprocess.run(["mcopy", "-o", "-i", f"{card}@@1M", compiled, "::boot.scr"], check=True, timeout=20)
    return card
