# SPDX-License-Identifier: Apache-2.0
"""More vCPUs than cores: shares follow priorities and budgets, counted in the guests' own seconds."""
import re
import time

import pytest
from descriptions import vm, vms_write

PATH = 4000  # instructions of EL2, in a build with assertions, between a guest's last and first and the scheduler's account

def share_of(machine, name):
    """Milliseconds that the VM's vCPUs ran together."""
    machine.send(f"status {name}\r")
    cpus = int(machine.expect(rb"vm %b: \w+, \d+ of (\d+) " % name.encode(), 60)[1])
    return sum(int(machine.expect(rb"vcpu %d [^\n]*ran (\d+) ms" % n, 60)[1]) for n in range(cpus))


def spinner(name, lines="", cores=(0,), cpus=1):
    """All its vCPUs compute; on one core each is pinned, else they float."""
    node = vm(name, "fault", None, cpus, (0,) * cpus, bootargs="do=everywhere,loop", vm_lines=lines)
    return node if len(cores) == 1 else node.replace("affinity = <" + " ".join("0" * cpus) + ">;", f"runmask = <{sum(1 << c for c in cores):#x}>;")


def shares(machine, image, seconds, *nodes, cores=1, beside=()):
    """What part of the cores' time each VM had within so many guest seconds, counted when all run. `beside`: others, on cores behind these."""
    names = [re.search(r"(\w+) \{", node)[1] for node in nodes]
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes, *beside), "--image", f"fault={image('fault.bin')}",
                      *(("--image", f"bench={image('bench.bin')}") if beside else ()), "--smp", cores + len(beside),
                      "--icount", "--console", "mux", timeout=120 + 120 * seconds)
    started.escape("0")
    before = [0]
    while min(before) < 50:
        time.sleep(1)
        before = [share_of(started, name) for name in names]
    total = before
    while sum(total) - sum(before) < seconds * 1000 * cores:
        time.sleep(2)
        total = [share_of(started, name) for name in names]
    started.end()
    ran = [b - a for a, b in zip(before, total)]
    return [each / sum(ran) for each in ran]


def are(found, wanted):
    assert all(abs(a - b) < 0.02 for a, b in zip(found, wanted)), (found, wanted)


FLOATING = (0, 1)
SPORADIC = "priority = <30>; budget-us = <2000>; period-us = <10000>; background-priority = <{}>;"
FORMS = {
    "equals": ([spinner(name) for name in ("one", "two", "three")], 1, (1 / 3, 1 / 3, 1 / 3)),
    "budget": ([spinner("limited", "priority = <30>; budget-us = <3000>; period-us = <10000>;"), spinner("rest")], 1, (0.3, 0.7)),
    # A fifth by its budget, and turns among equals of what is left.
    "background-equal": ([spinner("limited", SPORADIC.format(16)), spinner("rest")], 1, (0.2 + 0.4, 0.4)),
    "background-two": ([spinner("limited", SPORADIC.format(16)), spinner("one"), spinner("two")], 1, (0.2 + 0.8 / 3, 0.8 / 3, 0.8 / 3)),
    # Nothing is left for the background: the middle one always computes.
    "background-below": ([spinner("limited", SPORADIC.format(5)), spinner("middle", "priority = <10>;")], 1, (0.2, 0.8)),
    # A budget above a budget; the lowest has what both leave.
    "three-levels": ([spinner("high", "priority = <40>; budget-us = <1000>; period-us = <10000>;"),
                      spinner("middle", "priority = <30>; budget-us = <4000>; period-us = <20000>;"), spinner("low")], 1, (0.1, 0.2, 0.7)),
    # Three vCPUs on two cores, two of them of one VM: two thirds of a core each.
    "floating": ([spinner("two", cores=FLOATING, cpus=2), spinner("one", cores=FLOATING)], 2, (2 / 3, 1 / 3)),
}
DEFAULT = ("background-equal", "floating")
# Counted time runs the cores by turns that end at the next timer of any: without one, a core that is told to take the limited one hears of it
# milliseconds later, and the budget is lost (docs/SCHEDULING.md).
TICKER = vm("ticker", "bench", affinity=(2,), bootargs="tick=500")


@pytest.mark.one_gic
@pytest.mark.parametrize("form,seconds", [*((form, 2) for form in DEFAULT), *(pytest.param(form, 10, marks=pytest.mark.full) for form in FORMS)])
def test_shares(machine, image, form, seconds):
    nodes, cores, wanted = FORMS[form]
    are(shares(machine, image, seconds, *nodes, cores=cores), wanted)


@pytest.mark.one_gic
@pytest.mark.parametrize("seconds", [3, pytest.param(10, marks=pytest.mark.full)])
def test_shares_of_a_floating_budget(machine, image, seconds):
    nodes = [spinner("limited", "priority = <30>; budget-us = <6000>; period-us = <10000>;", FLOATING), spinner("one", cores=FLOATING),
             spinner("two", cores=FLOATING)]
    are(shares(machine, image, seconds, *nodes, cores=2, beside=(TICKER,)), (0.3, 0.35, 0.35))


@pytest.mark.one_gic
@pytest.mark.parametrize("form,gaps", [("budget", 300), pytest.param("budget", 5000, marks=pytest.mark.full), pytest.param("turns", 200, marks=pytest.mark.full)])
def test_stolen_time_to_the_tick(machine, image, form, gaps):
    """
    Two VMs that compute on one core, a tick of the counter an instruction. What a guest sees gone is what pvtime says was stolen and EL2's way from
    its interrupt to the account and from the account to the guest: never less, never more than PATH, whatever time the other had.
    """
    limit = "priority = <30>; budget-us = <300>; period-us = <1000>;" if form == "budget" else ""
    nodes = [vm(name, "steal", affinity=(0,), bootargs=f"gaps={gaps}", vm_lines=lines, devices='pvtime { compatible = "armature,pvtime"; };')
             for name, lines in (("one", limit), ("two", ""))]
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"steal={image('steal.bin')}", "--smp", 1, "--icount",
                      "--cpu", "cortex-a72,cntfrq=1000000000", "--console", "mux", timeout=900)
    for number in (1, 2):
        if number == 2:
            time.sleep(5)  # what is typed interrupts too, and would be in a gap: the second, whose gaps are as many, has measured by then
            started.escape("2")
        said = started.expect(rb"STEAL gaps (\d+) took (\d+) gone (\d+) stolen (\d+) sum (\d+) least (-?\d+) most (-?\d+)\r", 600)
        count, took, gone, stolen, total, least, most = map(int, said.groups())
        assert count == gaps and stolen == total and 0 < least <= most < PATH, said[0]
        assert count * least <= gone - stolen <= count * most and gone < took, said[0]
        assert stolen / took > 0.2, said[0]
