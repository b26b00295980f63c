# SPDX-License-Identifier: Apache-2.0
"""Guests that know nothing of us: as Debian's packages give them, and one built for another layout."""
import os
import re

import pytest
from descriptions import vm, vms_write
from machine import ROOT

UBOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"


def test_uboot_as_a_guest(machine):
    """It was built for QEMU's virt: tree at the start of RAM, its environment read from the flash window."""
    flash = 'memory@4000000 { device_type = "memory"; reg = <0x0 0x04000000 0x0 0x00200000>; armature,read-only; };'
    node = vm("uboot", "uboot", memory=(0x40000000, 256 << 20), vm_lines="", devices=flash,
              chosen="armature,kernel-load = <0x0 0x40200000>; armature,entry = <0x0 0x40200000>;"
                     " armature,dtb-address = <0x0 0x40000000>;")
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--image", f"uboot={UBOOT}", timeout=60)
    started.expect(rb"U-Boot 20\d\d")
    started.expect(rb"DRAM: +256 MiB")
    started.expect(rb"autoboot: +\d")
    started.send("\r")
    started.expect(rb"=> ")
    started.send("echo here $arch\r")
    started.expect(rb"\r?\nhere arm\r?\n")
    started.expect(rb"=> ")
    started.send("poweroff\r")
    assert started.wait() == 0, started.story()


@pytest.mark.needs("gicv3")  # its description names one
@pytest.mark.parametrize("kind", ["bin", "elf"])
def test_qnx_layout_by_description_alone(machine, image, kind):
    """RAM, PL011, interrupt and entry are where the guest was built to find them; it gets no tree."""
    description = open(os.path.join(ROOT, "dts", "qemu-virt", "qnx-layout.dts"), encoding="utf-8").read()
    if kind == "elf":
        description = description.replace("armature,kernel-load = <0x0 0x80000000>;", "")
    path = machine.folder / "vms.dts"
    path.write_text(description)
    started = machine("--vms", path, "--image", f"guest={image('qnx_layout.' + kind)}", timeout=30)
    assert started.wait() == 0, started.story()
    assert "".join(re.findall(r"^LAYOUT.*\n", started.text("console.txt").replace("\r", ""), re.M)) == (
        "LAYOUT CurrentEL 0x0000000000000004, x0 0x0000000000000000, main at 0x0000000080000000, end of RAM good\n"
        "LAYOUT interrupt 0x0000000000000025, UARTMIS 0x0000000000000020\nLAYOUT end\n"), started.story()
