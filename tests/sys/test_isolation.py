# SPDX-License-Identifier: Apache-2.0
"""
Two VMs cannot see each other's memory: each fills its RAM with a marker, then reads and writes every page around it, of the host's RAM
and of the host's devices, and looks for the other's marker.
"""
import re

import pytest
from descriptions import vm, vms_write

# The distance of what is tried. Every device of the host lies at a multiple of 64 KiB (but for the Pi's), so does all RAM worth having.
COARSE, EVERY_PAGE = 0x10000, 0x1000
MARKERS = ("0x5ca9000000000001", "0x5ca9000000000002")


def scanner(target, name, core, size, marker, foreign, step):
    return vm(name, "scan", affinity=(core,), memory=(0x40000000, size),
              bootargs=f"marker={marker} foreign={foreign} wait=2 step={step:#x} scan={target.ram[0]:x}+{target.ram[1]:x},{target.devices}")


@pytest.mark.parametrize("step", [COARSE, pytest.param(EVERY_PAGE, marks=pytest.mark.full)], ids=["coarse", "every_page"])
def test_each_scans_everything(machine, image, step):
    description = vms_write(machine.folder / "vms.dts", scanner(machine.target, "one", 0, 16 << 20, *MARKERS, step),
                            scanner(machine.target, "two", 1, 24 << 20, *MARKERS[::-1], step))
    started = machine("--vms", description, "--image", f"scan={image('scan.bin')}", timeout=60 if step > 0x1000 else 500)
    status = started.wait()
    text = started.text("console.txt")
    results = re.findall(r"SCAN ok pages=(\d+) faults=(\d+)", text)
    assert len(results) == 2 and "FAILED" not in text, started.story()
    assert all(pages == faults and int(pages) * step > 4 << 30 for pages, faults in results), results
    assert status == 0, started.story()


def test_seeds_are_another_lifes_too(machine, image):
    """What a guest was given to be unpredictable with, the guest in its place after a reset is not given again."""
    description = vms_write(machine.folder / "vms.dts", vm("seed", "seed"))
    started = machine("--vms", description, "--image", f"seed={image('seed.bin')}", timeout=60)
    lives = [started.expect(rb"SEED tree 0x([0-9a-f]+) with (\d+) seeds\.", 30).groups() for _ in range(3)]
    if machine.target.board != "qemu-virt" and lives[0][1] == b"0":
        pytest.skip("the machine's tree has no seed")
    assert all(seeds == b"2" for _, seeds in lives), started.story()
    assert len({tree for tree, _ in lives}) == 3, started.story()
