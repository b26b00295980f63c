# SPDX-License-Identifier: Apache-2.0
"""
Two VMs cannot see each other's memory: each fills its RAM with a marker, then reads and writes every page around it, of the host's RAM
and of the host's devices, and looks for the other's marker.
"""
import re

import pytest
from descriptions import vm, vms_write

# (memory of the host, distance of what is tried). Every device of the host lies at a multiple of 64 KiB, so does all RAM worth having.
COARSE, EVERY_PAGE = ("2G", 0x10000), ("2G", 0x1000)
HOST_RAM, HIGH_DEVICES = "40000000+80000000", "4000000000+4000000,4010000000+10000000"  # of QEMU's virt
MARKERS = ("0x5ca9000000000001", "0x5ca9000000000002")


def scanner(name, core, size, marker, foreign, step):
    return vm(name, "scan", affinity=(core,), memory=(0x40000000, size),
              bootargs=f"marker={marker} foreign={foreign} wait=2 step={step:#x} scan={HOST_RAM},{HIGH_DEVICES}")


@pytest.mark.parametrize("memory, step", [COARSE, pytest.param(*EVERY_PAGE, marks=pytest.mark.full)])
def test_each_scans_everything(machine, image, memory, step):
    description = vms_write(machine.folder / "vms.dts", scanner("one", 0, 16 << 20, *MARKERS, step),
                            scanner("two", 1, 24 << 20, *MARKERS[::-1], step))
    started = machine("--vms", description, "--image", f"scan={image('scan.bin')}", "--mem", memory, timeout=60 if step > 0x1000 else 500)
    status = started.wait()
    text = started.text("console.txt")
    results = re.findall(r"SCAN ok pages=(\d+) faults=(\d+)", text)
    assert len(results) == 2 and "FAILED" not in text, started.story()
    assert all(pages == faults and int(pages) * step > 4 << 30 for pages, faults in results), results
    assert status == 0, started.story()
