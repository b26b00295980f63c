# SPDX-License-Identifier: Apache-2.0
"""Configurations that nobody has tried: the smallest, the largest and some at random are built, and started where they can be."""
import os
import random
import sys

import kconfiglib
import pytest
from build import make_run
from machine import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "tool"))
from test_kconfig import options, random_value  # noqa: E402

pytestmark = [pytest.mark.one_gic, pytest.mark.full]
FIXED = {"LOG_BUFFER_SIZE": "4096"}  # 16 MiB of ring is no image


def kconfig_open():
    os.environ["srctree"] = ROOT
    return kconfiglib.Kconfig("Kconfig", warn_to_stderr=False)


def smallest(kconfig, _):
    for item in options(kconfig):
        if isinstance(item, kconfiglib.Symbol) and item.choice is None and item.type == kconfiglib.BOOL:
            item.set_value(0)
        elif isinstance(item, kconfiglib.Symbol) and item.type == kconfiglib.INT and item.ranges:
            item.set_value(item.ranges[0][0].str_value)
    kconfig.syms["VDEV_PL011"].set_value("y")
    kconfig.syms["MAX_VDEVS"].set_value("4")
    kconfig.syms["MAX_ALARMS"].set_value("64")


def largest(kconfig, _):
    for item in options(kconfig):
        if isinstance(item, kconfiglib.Symbol) and item.choice is None and item.type == kconfiglib.BOOL:
            item.set_value(0 if item.name == "UBSAN" else 2)
        elif isinstance(item, kconfiglib.Symbol) and item.type == kconfiglib.INT and item.ranges:
            item.set_value(item.ranges[0][1].str_value)


def at_random(kconfig, seed):
    dice = random.Random(seed)
    for item in options(kconfig):
        random_value(item, dice)


@pytest.mark.parametrize("choose, seed", [(smallest, 0), (largest, 0), *((at_random, seed) for seed in range(1, 7))],
                         ids=lambda value: getattr(value, "__name__", str(value)))
def test_builds_and_starts(machine, image, tmp_path, choose, seed):
    kconfig = kconfig_open()
    choose(kconfig, seed)
    for name, value in FIXED.items():
        kconfig.syms[name].set_value(value)
    output = tmp_path / "build"
    output.mkdir()
    kconfig.write_config(str(output / ".config"))
    make_run(ROOT, f"O={output}", f"{output}/armature.bin", timeout=900)
    syms = {name: sym.str_value for name, sym in kconfig.syms.items()}
    if syms["BOARD"] != "qemu-virt" or syms["VDEV_PL011"] != "y" or syms["UART_PL011"] != "y" or int(syms["MAX_VDEVS"]) < 3:
        pytest.skip("built; it is for another board, or has no room for the guest's console")
    started = machine("--gic", 3 if syms["GIC_V3"] == "y" else 2, "--smp", 1, "--kernel", image("rtos.elf"), hyp=output / "armature.bin", timeout=60)
    started.expect(rb"rtos> ")
    started.send("off\r")
    assert started.wait() == 0, started.story()
