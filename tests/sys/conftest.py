# SPDX-License-Identifier: Apache-2.0
"""What the machine tests share: which set runs, the hypervisor under test, images, and how a machine is started."""
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from build import hypervisor_build  # noqa: E402
from hil.environment import environment_end, environment_of, environment_prepare  # noqa: E402
from linux import Linux  # noqa: E402
from machine import ROOT, EmulatedMachine  # noqa: E402
from saved import arguments_key, restore, save  # noqa: E402
from target import DEFAULT, TARGETS  # noqa: E402

WORKER = os.environ.get("PYTEST_XDIST_WORKER")  # one of several processes that share the tests; none: the only one
BUDGET = 900  # seconds of the default set on two cores
GUESTS = os.path.join(ROOT, "build", "guest")
CACHE = os.path.join(ROOT, "build", "cache", "guest")
FETCH = {"Image-debian": "linux", "Image-debian-rt": "linux-rt", "Image-debian-cloud": "linux-cloud",
         "Image-debian-new": "linux-new"}


# Every test that starts a machine exists for each target (target.py). In the default set GICv2 and the Pi run these; the rest of theirs is
# marked full.
DEFAULT_SET = {"v2": (
    r"test_conformance\[v2-(cortex-a53-2|cortex-a72-4|max-1)-True\]",
    r"test_debian\[v2-(direct-1-128M|direct-2-1G|uboot-4-1G)\]", r"test_timer_ticks_and_load_on_all_cpus\[v2\]",
    r"test_(poweroff|reboot)_of_one_leaves_the_other\[v2\]",
    r"test_each_scans_everything\[v2-\w+\]", r"test_a_fault_on_another_core_stops_all\[v2\]",
    r"test_the_other_vm_goes_on\[v2-(loop|storm)\]", r"test_log_on_the_shared_console\[v2\]",
    r"test_interrupts_of_a_device\[v2-2\]", r"test_provoked_fault_is_caught\[v2-[\w-]+\]", r"test_latency_report\[v2-alone\]",
    r"test_a_gic_(that_the_machine_cannot_give|described_as_the_machine_has_it)\[v2\]", r"test_more_vcpus_than_a_gicv2_has_interfaces\[v2\]",
), "rpi4": (
    r"test_conformance\[rpi4-cortex-a72-4-True\]", r"test_reboot_of_one_leaves_the_other\[rpi4\]",
    r"test_a_fault_on_another_core_stops_all\[rpi4\]", r"test_log_on_the_shared_console\[rpi4\]",
    r"test_provoked_fault_is_caught\[rpi4-[\w-]+\]",
)}


def pytest_configure(config):
    environment_prepare(config)
    config.addinivalue_line("markers", "full: only in the whole set (ARMATURE_TEST_ALL=1, make test-all)")
    config.addinivalue_line("markers", "alone: its cores run side by side and wait for each other: nothing else runs meanwhile (with -n)")
    config.addinivalue_line("markers", "one_gic: not for each target; QEMU's virt with a GICv3 unless the test says otherwise")
    config.addinivalue_line("markers", "targets(NAME...): for these alone, not for each")
    config.addinivalue_line("markers", "needs(FEATURE..., cores=N, memory=MIB): what it cannot do without (target.py); skipped where that lacks")
    for target in TARGETS:
        config.addinivalue_line("markers", f"{target}: set on each test of that target; -m {target} runs all of them")


def pytest_unconfigure(config):
    environment_end(config)


def pytest_generate_tests(metafunc):
    if "target" not in metafunc.fixturenames or metafunc.definition.get_closest_marker("one_gic"):
        return
    only = metafunc.definition.get_closest_marker("targets")
    environment = environment_of(metafunc.config)
    if environment:
        metafunc.parametrize("target", [environment.target], ids=[environment.name], indirect=True)
        return
    chosen = [TARGETS[name] for name in (only.args if only else TARGETS)]
    metafunc.parametrize("target", chosen, ids=[target.name for target in chosen], indirect=True)


def target_apply(item):
    """The marks of the item's target: its name, full outside its default set, skip where it lacks something."""
    target = getattr(item, "callspec", None) and item.callspec.params.get("target")
    environment = environment_of(item.config)
    if environment and environment_refuses(item, environment):
        item.add_marker(pytest.mark.skip(reason=environment_refuses(item, environment)))
    if not target:
        return
    only = item.get_closest_marker("targets")
    if not environment:
        item.add_marker(target.name)
        in_set = only and target.name == only.args[0] or target is DEFAULT
        if not in_set and not any(re.fullmatch(name, item.name) for name in DEFAULT_SET[target.name]):
            item.add_marker(pytest.mark.full)
    for needs in item.iter_markers("needs"):
        reason = target.lacks(*needs.args, **needs.kwargs)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def environment_refuses(item, environment):
    """Why the test has nothing to do with the environment's machine; None: it has."""
    only = item.get_closest_marker("targets")
    if only and environment.base.name not in only.args:
        return f"{environment.name}: the test is for {', '.join(only.args)}"
    if item.get_closest_marker("one_gic") and not (environment.base is DEFAULT and environment.emulated):
        return f"{environment.name}: the test is for QEMU's virt machine alone"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """The default set leaves out what is marked full, unless it was named on the command line."""
    for item in items:
        target_apply(item)
    if os.environ.get("ARMATURE_TEST_ALL") == "1" or config.getoption("-m"):
        return
    named = {argument.rpartition("::")[2] for argument in config.args}
    left_out = [item for item in items if item.get_closest_marker("full") and not named & {item.name, item.name.partition("[")[0]}]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_sessionstart(session):
    session.config.started = time.monotonic()


def pytest_terminal_summary(terminalreporter, config):
    spent = time.monotonic() - config.started
    whole = os.environ.get("ARMATURE_TEST_ALL") == "1" or environment_of(config)
    terminalreporter.write_line(f"machine tests: {spent:.0f} s" + ("" if whole else f" of a budget of {BUDGET} s"))


@contextlib.contextmanager
def alone(path, how=fcntl.LOCK_EX):
    """Others of this run that hold the same file wait, those of pytest's other workers (-n) among them."""
    with open(path, "ab") as file:
        fcntl.flock(file, how)
        yield


def make(*goals, timeout=600):
    """make in the source tree, apart from any make that started us, and one at a time."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    with alone(os.path.join(ROOT, "build", "make.lock")):
        done = subprocess.run(["make", "--no-print-directory", "-s", *goals], cwd=ROOT, env=environment, timeout=timeout,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    assert done.returncode == 0, f"make {' '.join(goals)}:\n{done.stdout[-4000:]}"


@pytest.fixture(autouse=True)
def turn(request, tmp_path_factory):
    """With workers: a test that needs all of the host's cores (`alone`) has them."""
    if not WORKER:
        yield
        return
    how = fcntl.LOCK_EX if request.node.get_closest_marker("alone") else fcntl.LOCK_SH
    with alone(tmp_path_factory.getbasetemp().parent / "turn.lock", how):
        yield


@pytest.fixture
def target(request):
    """The machine: a test that starts one runs for each."""
    return getattr(request, "param", DEFAULT)


@pytest.fixture
def gic(target):
    """The version of its GIC."""
    return target.gic


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """Of the whole run, pytest's workers share it."""
    return tmp_path_factory.getbasetemp().parent if WORKER else tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def hypervisors(shared_folder):
    """What is there already, by configuration and options; pytest's workers share it."""
    def find(name, make_one):
        folder = shared_folder / re.sub(r"\W+", "-", f"hyp-{name}")
        with alone(f"{folder}.lock"):
            made = folder / "made"
            if not made.exists():
                folder.mkdir(exist_ok=True)
                made.write_text(make_one(str(folder)), encoding="utf-8")
            return made.read_text(encoding="utf-8")
    return find


@pytest.fixture
def hypervisor(target, hypervisors):
    """The target's image under test, copied with its symbols so that a build beside us changes nothing."""
    def copy(folder):
        named = os.environ.get(target.hypervisor_variable())
        source = named or os.path.join(ROOT, "build", target.config, "armature.bin")
        if not os.path.exists(source) or not named and target.config != DEFAULT.config:
            make(f"CONFIG={os.path.basename(os.path.dirname(source))}", "all")
        for path in (source, os.path.splitext(source)[0] + ".elf"):
            if os.path.exists(path):
                shutil.copy2(path, folder)
        return os.path.join(folder, os.path.basename(source))
    for what in target.fetch:
        subprocess.run([os.path.join(ROOT, "tools", "fetch"), what], check=True, timeout=600)
    return hypervisors((target.config, os.environ.get(target.hypervisor_variable())), copy)


@pytest.fixture
def hypervisor_with(target, hypervisors):
    """hypervisor_with(OPTION=value, ...): the target's image of that configuration."""
    def find(**options):
        return hypervisors((target.config, *sorted(options.items())), lambda folder: hypervisor_build(str(folder), options, target.config))
    return find


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


@pytest.fixture(scope="session")
def versions(record_testsuite_property, environment):
    """Of the hypervisors that said theirs: in the JUnit file of the run, with the environment's name."""
    found = set()
    record_testsuite_property("environment", environment.name if environment else "QEMU")
    yield found
    record_testsuite_property("hypervisor", ", ".join(sorted(found)))


@pytest.fixture(scope="session")
def environment(pytestconfig):
    """The environment file's; None without one."""
    found = environment_of(pytestconfig)
    yield found
    if found:
        found.close()


@pytest.fixture(scope="session")
def runs():
    """Of `once`."""
    return {}


@pytest.fixture
def once(request, runs):
    """once(key, run): what run() answered when it was first asked for, in this repetition (--count): tests that look at the same run."""
    repetition = request.getfixturevalue("__pytest_repeat_step_number") if request.config.getoption("count", 1) > 1 else None

    def find(key, run):
        if (repetition, key) not in runs:
            runs[repetition, key] = run()
        return runs[repetition, key]
    return find


@pytest.fixture
def machine(tmp_path, hypervisor, target, environment, versions, shared_folder):
    """
    machine(*arguments of `armature run`, timeout=..., qemu=[...]): starts one; all are ended with the test. machine.target is what it is.
    With reach=function it is in the state that reach(machine) brings it to; an emulator keeps that for the next who asks (saved.py).
    """
    started = []

    def start_at(*arguments, reach, hyp=None, **kwargs):
        if environment and not environment.emulated:
            made = start(*arguments, hyp=hyp, **kwargs)
            reach(made)
            return made
        folder = shared_folder / f"saved-{target.name}-{arguments_key([hyp or hypervisor, reach.__module__, reach.__qualname__, *arguments])}"
        with alone(f"{folder}.lock"):
            if not (folder / "texts").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                save(lambda **more: start(*arguments, hyp=hyp, **kwargs, **more), reach, folder)
        return restore(lambda **more: start(*arguments, hyp=hyp, **kwargs, **more), folder)

    def start(*arguments, hyp=None, timeout=60, reach=None, **kwargs):
        if reach:
            return start_at(*arguments, hyp=hyp, timeout=timeout, reach=reach, **kwargs)
        folder = tmp_path / f"machine{len(started)}"
        own = () if "--gic" in arguments else target.arguments()
        if environment and not environment.emulated:
            from hil.serial_machine import SerialMachine  # needs labgrid
            kwargs.update(strategy=environment.strategy(), target=target, firmware=environment.firmware)
            kind = SerialMachine
        else:
            kind = EmulatedMachine
        started.append(kind(folder, (*own, *arguments), hypervisor=hyp or hypervisor, timeout=timeout,
                            patience=target.patience * (2 if WORKER else 1), **kwargs))
        ending.callback(started[-1].end)
        return started[-1]
    start.folder, start.target = tmp_path, target
    with contextlib.ExitStack() as ending:
        yield start
    versions.update(*(re.findall(r"^R hyp version=(\S+)", each.results(), re.M) for each in started))


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
