# SPDX-License-Identifier: Apache-2.0
"""What the machine tests share: which set runs, the hypervisor under test, images, and how a machine is started."""
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from linux import Linux  # noqa: E402
from machine import ROOT, Machine  # noqa: E402

BUDGET = 900  # seconds of the default set on two cores
GUESTS = os.path.join(ROOT, "build", "guest")
CACHE = os.path.join(ROOT, "build", "cache", "guest")
FETCH = {"Image-debian": "linux", "Image-debian-rt": "linux-rt", "Image-debian-cloud": "linux-cloud",
         "Image-debian-new": "linux-new"}


# Every test that starts a machine exists for both GICs. In the default set GICv2 runs these; the rest of it is marked full.
GICV2_DEFAULT = re.compile("|".join((
    r"test_conformance\[v2-(cortex-a53-2|cortex-a72-4|max-1)-True\]",
    r"test_debian\[v2-(direct-1-128M|direct-2-1G|uboot-4-1G)\]", r"test_timer_ticks_and_load_on_all_cpus\[v2\]",
    r"test_(poweroff|reboot)_of_one_leaves_the_other\[v2\]",
    r"test_each_scans_everything\[v2-\w+-\w+\]", r"test_a_fault_on_another_core_stops_all\[v2\]",
    r"test_the_other_vm_goes_on\[v2-(loop|storm)\]", r"test_log_on_the_shared_console\[v2\]",
)))


def pytest_configure(config):
    config.addinivalue_line("markers", "full: only in the whole set (ARMATURE_TEST_ALL=1, make test-all)")
    config.addinivalue_line("markers", "one_gic: not for each GIC version; GICv3 unless the test says otherwise")


def pytest_generate_tests(metafunc):
    if "gic" in metafunc.fixturenames and not metafunc.definition.get_closest_marker("one_gic"):
        metafunc.parametrize("gic", [3, 2], ids=["v3", "v2"], indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """The default set leaves out what is marked full, unless it was named on the command line."""
    for item in items:
        if getattr(item, "callspec", None) and item.callspec.params.get("gic") == 2 and not GICV2_DEFAULT.fullmatch(item.name):
            item.add_marker(pytest.mark.full)
    if os.environ.get("ARMATURE_TEST_ALL") == "1" or config.getoption("-m"):
        return
    left_out = [item for item in items if item.get_closest_marker("full") and not any(a.endswith(item.name) for a in config.args)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_sessionstart(session):
    session.config.started = time.monotonic()


def pytest_terminal_summary(terminalreporter, config):
    spent = time.monotonic() - config.started
    whole = os.environ.get("ARMATURE_TEST_ALL") == "1"
    terminalreporter.write_line(f"machine tests: {spent:.0f} s" + ("" if whole else f" of a budget of {BUDGET} s"))


def make(*goals, timeout=600):
    """make in the source tree, apart from any make that started us."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "--no-print-directory", "-s", *goals], cwd=ROOT, env=environment, timeout=timeout,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    assert done.returncode == 0, f"make {' '.join(goals)}:\n{done.stdout[-4000:]}"


@pytest.fixture(scope="session")
def hypervisor(tmp_path_factory):
    """The image under test, copied with its symbols so that a build beside us changes nothing."""
    source = os.environ.get("ARMATURE_HYP") or os.path.join(ROOT, "build", "qemu_virt", "armature.bin")
    if not os.path.exists(source):
        make(f"CONFIG={os.path.basename(os.path.dirname(source))}", "all")
    folder = tmp_path_factory.mktemp("hyp")
    for path in (source, os.path.splitext(source)[0] + ".elf"):
        if os.path.exists(path):
            shutil.copy2(path, folder)
    return os.path.join(folder, os.path.basename(source))


@pytest.fixture(scope="session")
def image():
    """image(NAME): the path of a guest image: our own ('rtos.elf'), Debian's ('Image-debian'), 'initrd.cpio.gz'."""
    def find(name):
        if name in FETCH:
            path = os.path.join(CACHE, name)
            if not os.path.exists(path):
                subprocess.run([os.path.join(ROOT, "tools", "fetch"), FETCH[name]], check=True, timeout=600)
            return path
        path = os.path.join(CACHE if name == "initrd.cpio.gz" else GUESTS, name)
        if not os.path.exists(path):
            make(os.path.relpath(path, ROOT))
        return path
    return find


@pytest.fixture
def gic(request):
    """The version of the machine's GIC: a test that starts a machine runs for each."""
    return getattr(request, "param", 3)


@pytest.fixture
def machine(tmp_path, hypervisor, gic):
    """machine(*arguments of `armature run`, timeout=..., qemu=[...]): starts one; all are ended with the test."""
    started = []

    def start(*arguments, hyp=None, **kwargs):
        folder = tmp_path / f"machine{len(started)}"
        version = () if "--gic" in arguments else ("--gic", gic)
        started.append(Machine(folder, (*version, *arguments), hypervisor=hyp or hypervisor, **kwargs))
        return started[-1]
    start.folder = tmp_path
    yield start
    for each in started:
        each.end()


@pytest.fixture
def linux(machine, image):
    """linux(...): one VM with Debian's kernel, its console the machine's, at its shell."""
    def start(*arguments, kernel="Image-debian", cpus=1, append="console=ttyAMA0", **kwargs):
        started = machine("--kernel", image(kernel), "--initrd", image("initrd.cpio.gz"), "--append", append,
                          "--cpus", cpus, *arguments, **{"timeout": 90, **kwargs})
        guest = Linux(started)
        guest.login()
        return guest
    return start
