# SPDX-License-Identifier: Apache-2.0
"""
The latency report of the benchmark guest, alone and beside a VM that walks through memory, by the method of docs/BENCH.md; and the Performance Monitors
that it is counted with. On a board the figures are cycles, under counted time they are instructions; the report, build/latency/TARGET.txt, says which.
"""
import os
import re

import pytest
from descriptions import vm, vms_write
from machine import ROOT

COUNT = 200
PMU = "armature,pmu;"
ROWS = ("nothing", "timer deadline to handler", "SGI to self to handler", "HVC PSCI_VERSION", "read GICD_TYPER", "read PL011 FR")


def clock(target):
    """Counted time where there is any."""
    return ["--icount"] if "icount" in target.features else []


def rows_of(started):
    started.expect(rb"# latency in (\w+), .*?\n")
    unit = started.console.match[1].decode()
    started.expect(rb"# latency end")
    text = started.before.decode().replace("\r", "")
    return unit, {row[0]: [int(n) for n in row[1:]] for row in re.findall(r"^LATENCY ([^\t]+)\t(\d+)\t(\d+)\t(\d+)\t(\d+)\t(\d+)$", text, re.M)}


def report_write(target, form, unit, rows):
    os.makedirs(os.path.join(ROOT, "build", "latency"), exist_ok=True)
    with open(os.path.join(ROOT, "build", "latency", f"{target.name}-{form}.txt"), "w", encoding="utf-8") as file:
        file.write(f"{target.name}, {form}: {unit}, first-level caches emptied before each, n = {COUNT}\n")
        file.write(f"{'':28}{'min':>9}{'mean':>9}{'p99':>9}{'max':>9}\n")
        for name, (_, *figures) in rows.items():
            file.write(f"{name:28}" + "".join(f"{n:9}" for n in figures) + "\n")


@pytest.mark.needs(cores=2)
@pytest.mark.parametrize("form", ["alone", "beside-a-neighbour"])
def test_latency_report(machine, image, form):
    nodes = [vm("measured", "bench", affinity=(0,), bootargs=f"cold={COUNT}", vm_lines=PMU)]
    if form != "alone":
        nodes.append(vm("neighbour", "bench", affinity=(1,), bootargs="neighbour=1"))
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"bench={image('bench.bin')}", *clock(machine.target),
                      "--console", "mux", timeout=120)
    unit, rows = rows_of(started)
    assert unit == "cycles" and tuple(rows) == ROWS, started.story()
    for name, (count, least, mean, p99, most) in rows.items():
        assert count == COUNT and 0 < least <= mean <= most and least <= p99 <= most, (name, rows[name])
    if clock(machine.target):
        unit = "instructions (counted time)"
        # A call to EL2 and back is within the window, and EL2's instructions are counted.
        assert all(rows[name][1] > 10 * rows["nothing"][1] for name in ROWS[1:]), rows
    else:
        unit = "cycles (PMU)"
    report_write(machine.target, form, unit, rows)


def test_monitors_of_one_that_shares_its_core(machine, image):
    nodes = [vm("counts", "pmu", affinity=(0,), vm_lines=PMU), vm("beside", "bench", affinity=(0,), bootargs="neighbour=1")]
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"pmu={image('pmu.bin')}", "--image",
                      f"bench={image('bench.bin')}", *clock(machine.target), "--console", "mux", timeout=120)
    started.expect(rb"PMU version (\d+) counters (\d+)")
    version, counters = int(started.console.match[1]), int(started.console.match[2])
    assert version and counters
    started.expect(rb"PMU cycles (\d+) of (\d+) ns")
    cycles, ns = int(started.console.match[1]), int(started.console.match[2])
    started.expect(rb"PMU done: (\d+) wrong")
    assert started.console.match[1] == b"0", started.story()
    if clock(machine.target):
        assert 0.35 * ns < cycles < 0.65 * ns  # a cycle is a nanosecond then, and the core is shared by halves


def test_monitors_are_hidden_from_others(machine, image):
    started = machine("--kernel", image("conformance.bin"), "--append", "hyp=1 subjects=traps,idregs", timeout=60)
    assert started.wait() == 0, started.story()
    assert re.search(r"^ok \d+ - PMU is hidden", started.text("console.txt"), re.M), started.story()


@pytest.mark.needs("models")
def test_monitors_that_are_not_there(machine, image):
    """Only the VM that wants them is refused, by name."""
    nodes = [vm("wants", "rtos", affinity=(0,), vm_lines=PMU), vm("other", "rtos", affinity=(1,))]
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"rtos={image('rtos.elf')}", "--cpu", "cortex-a72,pmu=off",
                      "--console", "mux", timeout=60)
    started.expect_log(r"/wants: armature,pmu: the cores have no Performance Monitors", 20)
    started.expect_result(r"^R vm wants state=ended cause=refused", 5)
    started.expect_result(r"^R vm other state=running", 20)
