# SPDX-License-Identifier: Apache-2.0
"""What vdevs are called with, and when: two recorders in each of two VMs, against the order that docs/API.md states."""
import os
import re

import libfdt
import pytest
from descriptions import vm, vms_write
from machine import ROOT

RECORDER = os.path.join(ROOT, "tests", "vdev-recorder")
ONE, TWO, BOOT_WORD = 0x0A000000, 0x0A010000, 0x40F00000
HIGHEST_PAGE = 0x40FFF000  # of the VM's RAM
OPTIONS = "test,number = <3 5>; test,text = \"a\", \"bc\";"
LINE = re.compile(r"INFO +(\w+)/(\w+)(?:@[0-9a-f]+)?: REC (\S+) value=(\d+) phase=(\w+) core=(-?\d+) locks=(\d+) mtx=(\d) gasp=(\d)")


@pytest.fixture
def with_recorder(hypervisor_with):
    return hypervisor_with(VDEV_EXTERNAL='"tests/vdev-recorder"')


def recorders():
    return "".join(f'{name}@{at:x} {{ compatible = "test,recorder"; reg = <0x0 {at:#x} 0x0 0x1000>, <0x0 {at + 0x1000:#x} 0x0 0x1000>;'
                   f' interrupts = <0 {20 + n} 4>; {options} }};\n'
                   for n, (name, at, options) in enumerate((("first", ONE, OPTIONS + " test,passes;"), ("second", TWO, OPTIONS))))


def recorder_vm(name, core, extra="", boot=BOOT_WORD):
    return vm(name, "record", affinity=(core,), bootargs=f"one={ONE:#x} two={TWO:#x} boot={boot:#x}", devices=recorders() + extra,
              vm_lines='armature,on-reset = "restart";')


def order():
    """The rows of the table: (codes, one by one?, phase, core)."""
    with open(os.path.join(ROOT, "docs", "API.md"), encoding="utf-8") as file:
        table = re.search(r"<!-- order -->\n(.*?)<!-- end -->", file.read(), re.S)[1]
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.strip().split("\n")[2:]]
    return {step: (codes.split(", "), which == "one by one", phase, core) for step, codes, which, phase, core in rows}


def expected(steps, passes):
    """(vdev, callback, value, phase, core) of those steps; `passes` are the options of each vdev in the factory's order."""
    found = []
    for step in steps:
        codes, one_by_one, phase, core = order()[step]
        calls = [[(name, code, value, phase, core) for code in codes
                  for code, value in (passes[name] if code == "options" else [(code, 0)])] for name in passes]
        found += sum(calls, []) if one_by_one else [call for group in zip(*calls) for call in group]
    return found


OPTION_CALLS = [("number", 3), ("number", 5), ("text", 0), ("text", 0)]
PASSES = {"first": OPTION_CALLS + [("passes", 0)], "second": OPTION_CALLS}
STARTUP, START, RESTART, END = ("create", "place", "tree", "configured"), ("start",), ("end", "restart", "start"), ("end",)


def access_calls(name):
    """What `record` does to one of them, and the locks held there: all, v_mtx, the address space's."""
    return [(name, "vread", (0, 0, 0)), (name, "vwrite", (0, 0, 0)), (name, "read", (0, 0, 0)), (name, "write", (0, 0, 0)),
            (name, "within-gasp", (1, 0, 1)), (name, "within-both", (2, 1, 1)), (name, "signalled", (2, 1, 1)),
            (name, "written", (0, 0, 0)), (name, "read", (0, 0, 0))]


def guest_calls():
    """Of one run of the guest; its two calls are passed on by the first and served by the second."""
    return access_calls("first") + access_calls("second") + [(name, "call", (0, 0, 0)) for name in ("first", "second") * 2]


@pytest.fixture
def trace(machine, image, with_recorder, once):
    """A run through all of the lives of two VMs, of which the tests look at what was recorded."""
    return once(("lives", machine.target.name), lambda: lives_run(machine, image, with_recorder))


def lives_run(machine, image, with_recorder):
    """Both VMs through all of their lives, with STATUS and BUTTON on the way."""
    left = recorder_vm("left", 0, f'bootword {{ compatible = "test,bootword"; test,at = <0x0 {BOOT_WORD:#x}>; }};')
    right = recorder_vm("right", 1, 'bootword { compatible = "test,bootword"; };', HIGHEST_PAGE)
    started = machine("--bindings", RECORDER, "--console", "mux", "--vms",
                      vms_write(machine.folder / "vms.dts", left, right), "--image", f"record={image('record.bin')}", hyp=with_recorder, timeout=60)
    started.expect(rb"\[console: left")
    started.expect(rb"RECORD waits")
    started.escape("2")
    started.expect(rb"RECORD waits")
    started.escape("0")
    for command in ("status left", "button left", "status right", "button right"):
        started.expect(rb"armature> ")
        started.send(command + "\r")
    started.expect(rb"vm right: asked to shut down")
    for n, name in enumerate((b"left", b"right"), 1):
        started.escape(str(n))
        started.expect(rb"\[console: " + name)
        started.send("r")
        started.expect(rb"RECORD waits")
    for n, name in ((1, b"left"), (2, b"right")):
        started.escape(str(n))
        started.expect(rb"\[console: " + name)
        started.send("e")
        started.expect_result(rf"R vm {name.decode()} state=ended cause=off")
    assert started.wait() == 0, started.story()
    return started


def recorded(text, name):
    """(vdev, callback, value, phase, core, locks) of a VM, in order."""
    return [(vdev, what, int(value), phase, int(core), tuple(map(int, locks)))
            for vm_name, vdev, what, value, phase, core, *locks in LINE.findall(text) if vm_name == name]


def test_callbacks_come_in_the_documented_order(trace):
    log = trace.log()
    assert "REC unknown" not in log
    for name, core in (("left", 0), ("right", 1)):
        seen = recorded(log, name)
        told = [call for call in seen if call[1] in ("STATUS", "BUTTON")]
        own = [call for call in seen if call[1] not in ("STATUS", "BUTTON")]
        codes = expected(STARTUP, PASSES)
        runs = [expected(START, PASSES), guest_calls(), expected(RESTART, PASSES), guest_calls(), expected(END, PASSES)]
        for step in [codes] + runs:
            part, own = own[:len(step)], own[len(step):]
            for got, want in zip(part, step):
                if len(want) == 3:  # the guest's accesses
                    assert (got[0], got[1], got[5]) == want and got[3:5] == ("running", core), f"{name}: {got} instead of {want}"
                    continue
                assert got[:4] == want[:4] and got[5] == (0, 0, 0), f"{name}: {got} instead of {want}"
                assert got[4] == {"boot": 0, "one of the VM's": core}.get(want[4], got[4]), f"{name}: {got} on another core than {want[4]}"
            assert len(part) == len(step), f"{name}: {step[len(part):]} is missing\n{trace.story()}"
        peaks = {call[2] for call in seen if call[1] == "signalled"}
        assert min(peaks) > 2, f"{name}: the controller's lock was not taken inside of the vdev's: {peaks}"
        assert not own, f"{name}: more than was expected: {own}"
        assert [call[:2] for call in told] == [(v, c) for c in ("STATUS", "BUTTON") for v in PASSES], told
        assert all(call[3] == "running" and call[5] == (0, 0, 0) for call in told), told


def test_dry_run_ends_where_the_guest_would_be_configured(machine, image, with_recorder):
    """Its tree has a memory reservation for the page that a vdev took."""
    node = recorder_vm("left", 0, 'bootword { compatible = "test,bootword"; };').replace("cpus = <1>;", "cpus = <1>; armature,dry-run;")
    started = machine("--bindings", RECORDER, "--trees", machine.folder, "--vms", vms_write(machine.folder / "vms.dts", node), "--image",
                      f"record={image('record.bin')}", hyp=with_recorder, timeout=20)
    assert started.wait() == 0, started.story()
    assert [call[:5] for call in recorded(started.log(), "left")] == [(v, what, value, phase, 0) for v, what, value, phase, _ in
                                                                      expected(STARTUP[:3], PASSES)], started.story()
    tree = libfdt.FdtRo((machine.folder / "left.dtb").read_bytes())
    assert tree.num_mem_rsv() == 1 and tree.get_mem_rsv(0) == [HIGHEST_PAGE, 0x1000]


def test_one_vm_is_built_after_the_other(trace):
    """Startup has one core, so lines of different VMs are in order too: all of the first VM's, then all of the second's."""
    lines = [(found[0], found[2]) for found in LINE.findall(trace.log()) if found[4] == "startup"]
    assert lines == sorted(lines, key=lambda line: line[0]) and len(lines) == 2 * len(expected(STARTUP[:3], PASSES))
    configured = [found[0] for found in LINE.findall(trace.log()) if found[2] == "GUEST_CONFIGURED"]
    assert configured == ["left", "left", "right", "right"]


def test_status_tells_of_that_vm_alone(trace):
    """`status left` has the VM's own lines and its vdevs', two of which report."""
    text = trace.log()
    reports = re.findall(r"INFO +(\w+)/(\w+)@[0-9a-f]+: started (\d) times, the word is (0x\w+)", text)
    assert reports == [(name, vdev, "1", "0x5a") for name in ("left", "right") for vdev in ("first", "second")], trace.story()
    between = text[text.index("left/first@a000000: started 1"):text.index("right/first@a000000: started 1")]
    assert "vm right: running" in between and text.count("vm left: running") == text.count("vm right: running") == 1
    assert re.search(r"left/pl011@9000000: received \d+, lost 0", text), trace.story()


def test_boot_vdev_alters_each_start(trace):
    """
    It writes once memory is filled and before the first vCPU runs: the first start and the restart alike. One where it was told, one in a
    page of RAM that it took.
    """
    console = trace.text("console.txt")
    assert sorted(re.findall(r"RECORD boot word (0x\w+)", console)) == ["0xb0070001", "0xb0070001", "0xb0070002", "0xb0070002"], trace.story()
    assert re.search(rf"INFO +right/bootword: took the page at {HIGHEST_PAGE:#x}", trace.log()), trace.story()
    assert re.findall(r"INFO +(\w+)/bootword: (\d) starts", trace.log()) == [("left", "1"), ("right", "1")]
    assert re.findall(r"RECORD (one|two): start (\d), word (0x\w+) then (0x\w+)", console).count(("one", "2", "0x0", "0x5a")) == 2


def test_virtual_address_is_the_guests_own(trace):
    """The call reads through the guest's translation; where that has nothing, the instruction is undefined."""
    console = trace.text("console.txt")
    assert console.count("RECORD call 0x600d") == console.count("RECORD call with a bad address: taken 1, class 0x0") == 4, trace.story()


@pytest.mark.parametrize("code, name", [(2, "GUEST_CONFIGURED"), (10, "GUEST_STARTING"), (11, "RESET")])
def test_a_vdev_that_cannot_go_on_ends_its_vm_before_its_first_vcpu(machine, image, with_recorder, code, name):
    left = recorder_vm("left", 0, f'bootword {{ compatible = "test,bootword"; test,refuse = <{code}>; }};')
    right = recorder_vm("right", 1, 'bootword { compatible = "test,bootword"; };', HIGHEST_PAGE)
    started = machine("--bindings", RECORDER, "--console", "mux", "--vms", vms_write(machine.folder / "vms.dts", left, right), "--image",
                      f"record={image('record.bin')}", hyp=with_recorder, timeout=40)
    started.expect(rb"\[console: left")
    if name == "RESET":
        started.expect(rb"RECORD waits")
        started.send("r")
    started.expect_result(r"^R vm left state=ended cause=refused", 20)
    started.escape("2")
    started.expect(rb"RECORD waits")
    started.send("e")
    started.expect_result(r"^R vm right state=ended cause=off", 20)
    assert started.wait() == 4, started.story()  # a VM was refused
    log = started.log()
    assert re.search(rf"ERROR left/bootword: control code {code} fails", log), started.story()
    assert started.text("results.txt").count("R vm left state=running") == (name == "RESET"), started.story()
    told = [call[1] for call in recorded(log, "left") if call[0] == "first"]
    assert told[-1] == "TERMINATE" and ("vread" in told) == (name == "RESET"), told
