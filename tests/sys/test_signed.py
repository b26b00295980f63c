# SPDX-License-Identifier: Apache-2.0
"""Verified boot: the stock U-Boot, given the public key, starts the signed card and refuses an altered one."""
import subprocess

import pytest
from descriptions import rtos_vm, vms_write
from machine import tool_run

FIT = "armature.itb"
pytestmark = pytest.mark.needs("fit")


def keys_make(folder):
    folder.mkdir()
    subprocess.run(["openssl", "req", "-batch", "-new", "-newkey", "rsa:2048", "-nodes", "-x509", "-subj", "/CN=dev",
                    "-keyout", folder / "dev.key", "-out", folder / "dev.crt"], check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder


def card_make(folder, image, hypervisor, keys, gic, name="card.img", control="control.dtb"):
    done = tool_run("sdcard", "--sign", keys, "--control-dtb", folder / control, "--gic", gic, "--hyp", hypervisor, "--host-args", "console=mux",
                    "--vms", vms_write(folder / "rtos.dts", rtos_vm(affinity=(0,))), "--image", f"rtos={image('rtos.elf')}",
                    "-o", folder / name)
    assert done.returncode == 0, done.stdout
    return folder / name


def card_alter(card, near):
    """One bit of the signed file, at that part of it."""
    fit = card.parent / FIT
    subprocess.run(["mcopy", "-n", "-i", f"{card}@@1M", f"::{FIT}", fit], check=True, timeout=20)
    data = bytearray(fit.read_bytes())
    data[int(len(data) * near)] ^= 1
    fit.write_bytes(data)
    subprocess.run(["mcopy", "-o", "-i", f"{card}@@1M", fit, f"::{FIT}"], check=True, timeout=20)


def refused(machine, card, control):
    started = machine("--card", card, "--host-dtb", control, timeout=20, log=False)
    started.expect(rb"Armature: not started", 20)
    assert b"Armature rtos" not in started.before


@pytest.fixture
def signed(tmp_path, image, hypervisor, gic):
    keys = keys_make(tmp_path / "keys")
    return card_make(tmp_path, image, hypervisor, keys, gic), tmp_path / "control.dtb"


def test_signed_card_boots_and_an_altered_one_does_not(machine, signed):
    card, control = signed
    started = machine("--card", card, "--host-dtb", control, timeout=40, log=False)
    started.expect(rb"sha256,rsa2048:dev\+")
    started.expect(rb"Armature rtos: ")
    started.end()
    for near in (0.2, 0.9):  # the hypervisor, the bundle
        card_alter(card, near)
        refused(machine, card, control)
        card_alter(card, near)


def test_card_signed_by_somebody_else_is_refused(machine, signed, tmp_path, image, hypervisor, gic):
    _, control = signed
    other = card_make(tmp_path, image, hypervisor, keys_make(tmp_path / "other"), gic, "other.img", "other.dtb")
    refused(machine, other, control)
