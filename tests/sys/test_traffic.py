# SPDX-License-Identifier: Apache-2.0
"""Random traffic of threads on four cores that run vCPUs besides: nothing deadlocks, nothing is lost, nothing comes early or twice."""
import os
import re
import subprocess

import pexpect
import pytest
from build import hypervisor_build, source_copy
from descriptions import vm, vms_write
from machine import ROOT

TRAFFIC = os.path.join(ROOT, "tests", "vdev-traffic")
CORES = 4
SEEDS = (1, 2)


@pytest.fixture(scope="session")
def with_traffic(tmp_path_factory):
    return hypervisor_build(str(tmp_path_factory.mktemp("traffic")), {"VDEV_EXTERNAL": '"tests/vdev-traffic"'})


def floating(node):
    return re.sub(r"affinity = <[^>]*>;", f"runmask = <{(1 << CORES) - 1:#x}>;", node)


def traffic_vm(name, seconds, seed):
    """Its guest ticks on the same cores, below the threads."""
    return floating(vm(name, "rtos", affinity=(0,), devices=f'traffic {{ compatible = "test,traffic"; test,seconds = <{seconds}>; test,seed = <{seed}>; }};'))


# ARMATURE_TRAFFIC_SEED repeats a run, as far as cores that run side by side can be repeated.
@pytest.mark.one_gic
@pytest.mark.parametrize("seconds, counted", [pytest.param(20, False, marks=pytest.mark.alone), (5, True),
                                              pytest.param(600, False, marks=[pytest.mark.alone, pytest.mark.full])])
def test_random_traffic(machine, image, with_traffic, seconds, counted):
    """Cores side by side, and one after another by counted instructions: many more operations, whatever else the host does."""
    first = int(os.environ.get("ARMATURE_TRAFFIC_SEED", "1"))
    # Four vCPUs more, that are started and go off, and send each other interrupts, on whatever core is free.
    racing = floating(vm("racing", "conformance", cpus=CORES, affinity=range(CORES), bootargs=f"subjects=races,sgi races={50 * seconds} repeat=1"))
    nodes = [traffic_vm(f"traffic{n}", seconds, first + n) for n in range(2)]
    started = machine("--bindings", TRAFFIC, "--smp", CORES, *(["--icount"] if counted else []), "--console", "mux", "--vms",
                      vms_write(machine.folder / "vms.dts", *nodes, racing),
                      "--image", f"rtos={image('rtos.elf')}", "--image", f"conformance={image('conformance.bin')}", hyp=with_traffic,
                      timeout=240 + 2 * seconds)
    started.expect(rb"\[console: traffic0")
    started.escape("3")
    started.expect(rb"\[console: racing")
    for n in range(2):
        started.expect_result(rf"R vm traffic{n} state=ended", 200 + seconds)
    log = started.log()
    good = dict(re.findall(r"traffic(\d)/traffic\S*: TRAFFIC good: (\d+) operations", log))
    assert "TRAFFIC fails" not in log and sorted(good) == ["0", "1"], started.story()
    assert all(int(count) > (1000 * seconds if counted else seconds / 4) for count in good.values()), good
    # The third VM may not be done; all that it tested is well.
    started.console.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=2)
    said = started.text("console.txt").replace("\r", "")
    assert re.search(r"^ok \d+ - ", said, re.M) and not re.search(r"^not ok", said, re.M), started.story()
    assert started.vm_state("racing") in ("running", "ended off"), started.story()


BOUND = 5_000_000  # instructions: what low does while it holds the mutex, some switches; the rival computes for 2,000,000,000


def inversion(machine, hypervisor, image):
    """How many instructions the important thread waited for the mutex."""
    node = vm("inverted", "rtos", affinity=(0,), devices='traffic { compatible = "test,traffic"; test,inversion; };')
    started = machine("--bindings", TRAFFIC, "--smp", 1, "--icount", "--console", "mux", "--vms", vms_write(machine.folder / "vms.dts", node),
                      "--image", f"rtos={image('rtos.elf')}", hyp=hypervisor, timeout=240)
    started.expect_result(r"R vm inverted state=ended cause=off", 100)
    return int(re.search(r"INVERSION high waited (\d+) ns", started.log())[1])


@pytest.mark.one_gic
def test_priority_inversion(machine, image, with_traffic):
    """Low holds what high waits for, and what lies between computes on: high waits for low alone."""
    assert inversion(machine, with_traffic, image) < BOUND


@pytest.mark.full
@pytest.mark.one_gic
def test_priority_inversion_is_found(machine, image, tmp_path):
    """Without inheritance the test above fails: high waits until the rival is done."""
    source = source_copy(tmp_path / "source")
    patch = os.path.join(ROOT, "tests", "defects", "threads", "inheritance.patch")
    subprocess.run(["patch", "-p1", "--batch", "--forward", "-i", patch], cwd=source, check=True, timeout=30, stdin=subprocess.DEVNULL)
    without = hypervisor_build(str(tmp_path / "build"), {"VDEV_EXTERNAL": '"tests/vdev-traffic"'}, source=source)
    assert inversion(machine, without, image) > BOUND
