# SPDX-License-Identifier: Apache-2.0
"""
Two VMs cannot see each other's memory: each fills its RAM with a marker, then reads and writes every page around it, of the host's RAM
and of the host's devices, and looks for the other's marker.
"""
import re

import pytest
from descriptions import vm, vms_write

HOST = {"small": ("1G", "40000000+40000000"), "large": ("4G", "40000000+100000000")}
MARKERS = ("0x5ca9000000000001", "0x5ca9000000000002")
HIGH_DEVICES = "4000000000+4000000,4010000000+10000000"  # redistributors and PCIe configuration of QEMU's virt


def scanner(name, core, base, marker, foreign, ranges):
    return vm(name, "scan", affinity=(core,), memory=(base, 16 << 20),
              bootargs=f"marker={marker} foreign={foreign} wait=2 scan={ranges}")


@pytest.mark.parametrize("size", ["small", pytest.param("large", marks=pytest.mark.full)])
def test_each_scans_everything(machine, image, size):
    memory, ranges = HOST[size]
    ranges += "," + HIGH_DEVICES
    description = vms_write(machine.folder / "vms.dts", scanner("one", 0, 0x40000000, *MARKERS, ranges),
                            scanner("two", 1, 0x60000000, *MARKERS[::-1], ranges))
    started = machine("--vms", description, "--image", f"scan={image('scan.bin')}", "--mem", memory, timeout=240)
    status = started.wait()
    text = started.text("console.txt")
    results = re.findall(r"SCAN ok pages=(\d+) faults=(\d+)", text)
    assert len(results) == 2 and "FAILED" not in text, started.story()
    assert all(pages == faults and int(pages) > 500_000 for pages, faults in results), results
    assert status == 0, started.story()
