# SPDX-License-Identifier: Apache-2.0
"""vdevs: the teaching example, one from outside the tree, ROM."""
import os
import re

import pytest
from build import make_run
from descriptions import vm, vms_write
from machine import ROOT, tool_run

SAMPLE = os.path.join(ROOT, "tests", "vdev-sample")
TRACE_AT, ROM_AT = 0x0A000000, 0x04000000


def trace(options=""):
    return f'trace@a000000 {{ compatible = "armature,trace"; reg = <0x0 {TRACE_AT:#x} 0x0 0x1000>; {options} }};'


def word(text, what, at):
    """What the probe said of its accesses to an address: numbers, or 'ESR ...'."""
    found = re.findall(rf"WORD {what} {at:#x}: (ESR 0x\w+|0x\w+)", text)
    return [int(value, 16) if value.startswith("0x") else value for value in found]


# The teaching example

def counted(value, start, seconds=60):
    """The word counts seconds, and so do the tests' slow machines."""
    return start <= value < start + seconds

def test_trace_words_of_two_vms_keep_apart(machine, image):
    """Each writes its own, waits until the other surely has, and reads its own."""
    nodes = [vm(name, "word", affinity=(core,), devices=trace(), bootargs=f"word={TRACE_AT:#x} write={value:#x} wait=1500")
             for core, (name, value) in enumerate((("one", 0x11111111), ("two", 0x22222222)))]
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"word={image('word.bin')}", timeout=40)
    assert started.wait() == 0, started.story()
    text = started.text("console.txt")
    before, _, one, two = sorted(word(text, "load", TRACE_AT))
    assert counted(before, 0) and counted(one, 0x11111112) and counted(two, 0x22222223), started.story()
    assert word(text, "byte", TRACE_AT) == word(text, "behind", TRACE_AT + 4) == ["ESR 0x96000010"] * 2, started.story()


def test_trace_tells_the_log_at_a_limited_rate(machine, image):
    node = vm("guest", "word", devices=trace("armature,emit-logger; armature,emit-trace = <17>;"),
              bootargs=f"word={TRACE_AT:#x} write=0x1000 more=2000")
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--image", f"word={image('word.bin')}", timeout=40)
    assert started.wait() == 0, started.story()
    first, last = word(started.text("console.txt"), "load", TRACE_AT)
    assert counted(first, 0) and counted(last, 0x17D0), started.story()
    told = re.findall(r"guest/trace@a000000: the word is (0x\w+)", started.log())
    assert told[:2] == ["0x1000", "0x1001"] and len(told) < 100, started.story()


def test_trace_word_is_zero_again_after_a_restart(machine, image):
    node = vm("guest", "word", devices=trace(), bootargs=f"word={TRACE_AT:#x} write=0x5 reset=1")
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--image", f"word={image('word.bin')}", timeout=40)
    started.expect(rb"WORD end[\s\S]*WORD end")
    loads = word(started.text("console.txt"), "load", TRACE_AT)
    started.end()
    assert len(loads) >= 4 and all(counted(value, start) for value, start in zip(loads, (0, 5, 0, 5))), started.story()


@pytest.mark.parametrize("options, reason", [
    ('armature,emit-logger = "yes";', r"/bad/trace@a000000: armature,emit-logger takes no value"),
    ("armature,emit-trace = <1 2>;", r"/bad/trace@a000000: armature,emit-trace is 8 bytes, not one number of 4"),
    ("interrupts = <0 9 4>;", r"/bad/trace@a000000: interrupts given, but a trace raises none"),
])
def test_trace_options_that_are_refused(machine, image, options, reason):
    started = machine("--vms", vms_write(machine.folder / "vms.dts", vm("bad", "word", devices=trace(options))), "--no-check",
                      "--image", f"word={image('word.bin')}", timeout=20)
    assert started.wait() == 4 and re.search(reason, started.log()), started.story()


# A vdev from outside the tree

@pytest.fixture
def with_sample(hypervisor_with):
    return hypervisor_with(VDEV_EXTERNAL='"tests/vdev-sample"')


def sample_run(machine, image, **kwargs):
    return machine("--bindings", SAMPLE, "--vms", os.path.join(SAMPLE, "doorbell.dts"), "--image", f"doorbell={image('doorbell.bin')}",
                   timeout=30, **kwargs)


def test_sample_is_built_in_and_works(machine, image, with_sample):
    started = sample_run(machine, image, hyp=with_sample)
    assert started.wait() == 0, started.story()
    rings = "".join(f"DOORBELL interrupt 48, RING {n:#x}\n" for n in (1, 2, 3))
    said = "".join(re.findall(r"^DOORBELL.*\n", started.text("console.txt").replace("\r", ""), re.M))
    assert said == ("DOORBELL at 0xa000000, COUNT 0x100\n" + rings + "DOORBELL end: 3 interrupts, COUNT 0x103, RING 0x0, pending 0\n"), started.story()


def test_sample_is_unknown_without_it(machine, image):
    started = sample_run(machine, image)
    assert started.wait() == 4, started.story()
    assert '/ringer/doorbell@a000000: no vdev for "example,doorbell"' in started.log()


def test_sample_description_needs_its_schema():
    path = os.path.join(SAMPLE, "doorbell.dts")
    done = tool_run("check", "--bindings", SAMPLE, path)
    assert done.returncode == 0, done.stdout
    done = tool_run("check", path)
    assert done.returncode == 2 and 'no vdev for "example,doorbell"' in done.stdout and "--bindings" in done.stdout, done.stdout


@pytest.fixture
def elsewhere(tmp_path):
    """elsewhere(source text, goals of make...): a folder outside the tree with that vdev; `output`: what is built goes there."""
    folder, output = tmp_path / "elsewhere", tmp_path / "out"
    folder.mkdir()

    def run(source, *goals):
        if source:
            (folder / "own.c").write_text(source)
        make_run(ROOT, "CONFIG=qemu_virt", f"O={output}", f"VDEV_EXTERNAL={folder}", *goals)
    run.folder, run.output = folder, output
    return run


def test_checks_see_a_vdev_outside_the_tree(elsewhere):
    """Code that stays calls what belongs to startup; the core's own headers are used. Without either it passes."""
    with open(os.path.join(SAMPLE, "doorbell.c"), encoding="utf-8") as file:
        good = file.read()
    clang = f"{elsewhere.output}/check/external/own.c.ok"
    elsewhere(good, clang, "check-includes")
    with pytest.raises(AssertionError, match="calling function 'doorbell_option' requires holding .*STARTUP"):
        elsewhere(good + "static int late(struct vdev_builder *b)\n{\n    return doorbell_option(b, NULL);\n}\n", clang)
    with pytest.raises(AssertionError, match="vdevs may not include hyp/vm.h"):
        elsewhere('#include "hyp/vm.h"\n' + good, "check-includes")


@pytest.mark.full
def test_one_control_function_is_checked_too(elsewhere):
    """hyp/api/control.h: what a code of the running phase reaches is no startup code, though the same function calls it at startup."""
    with open(os.path.join(ROOT, "tests", "vdev-recorder", "bootword.c"), encoding="utf-8") as file:
        good = file.read()
    elsewhere(good, "check-startup", "check-stack")
    with pytest.raises(AssertionError, match=r"bootword_control_running.*qvm_parse_num"):
        elsewhere(good.replace("case OPT_AT:", "case VDEV_CTRL_RESET: case OPT_AT:"), "check-startup")


def test_folder_that_holds_no_vdev_is_named(elsewhere):
    with pytest.raises(AssertionError, match="CONFIG_VDEV_EXTERNAL: no .c file in the folder '.*/elsewhere'"):
        elsewhere(None, "all")
    elsewhere.folder.rmdir()
    with pytest.raises(AssertionError, match="CONFIG_VDEV_EXTERNAL: there is no folder '.*/elsewhere'"):
        elsewhere(None, "all")


# ROM

def rom_vm(image_name="rom", vm_lines="", bootargs=""):
    rom = (f'memory@4000000 {{ device_type = "memory"; reg = <0x0 {ROM_AT:#x} 0x0 0x2000>; armature,read-only;'
           f' armature,image = "{image_name}"; }};')
    return vm("guest", "word", devices=rom, vm_lines=vm_lines, bootargs=f"word={ROM_AT:#x} write=0x5 {bootargs}")


@pytest.fixture
def rom(machine, image):
    """Runs the probe on a ROM of two pages, whose image is a bit longer than the first."""
    def start(**kwargs):
        contents = machine.folder / "rom.img"
        contents.write_bytes(b"ROM!" + bytes(0xFFC) + b"more")
        started = machine("--vms", vms_write(machine.folder / "vms.dts", rom_vm(**kwargs)), "--image", f"word={image('word.bin')}",
                          "--image", f"rom={contents}", timeout=30)
        return started
    return start


ROM_WORD, ROM_MORE = int.from_bytes(b"ROM!", "little"), int.from_bytes(b"more", "little")


def test_rom_has_its_image_and_keeps_it(rom):
    """A write is a synchronous external abort on a store; what is behind the image is zero."""
    started = rom(bootargs="behind=0x1000")
    assert started.wait() == 0, started.story()
    text = started.text("console.txt")
    assert word(text, "load", ROM_AT) == [ROM_WORD] * 2 and word(text, "byte", ROM_AT) == [ord("R")], started.story()
    assert word(text, "behind", ROM_AT + 0x1000) == [ROM_MORE]
    assert re.search(rf"WORD store {ROM_AT:#x}: ESR 0x96000050 FAR {ROM_AT:#x}\b", text), started.story()


def test_rom_behind_its_image_is_zero(rom):
    started = rom(bootargs="behind=0x1ffc")
    assert started.wait() == 0 and word(started.text("console.txt"), "behind", ROM_AT + 0x1FFC) == [0], started.story()


def test_rom_behind_its_end_is_nothing(rom):
    started = rom(bootargs="behind=0x2000")
    assert started.wait() == 0 and word(started.text("console.txt"), "behind", ROM_AT + 0x2000) == ["ESR 0x96000010"]


def test_ram_has_its_image_at_each_start(machine, image):
    """What the guest wrote over it is gone after a restart."""
    contents = machine.folder / "ram.img"
    contents.write_bytes(b"ROM!" + bytes(0xFFC))
    ram = rom_vm(image_name="ram", bootargs="reset=1").replace("armature,read-only;", "")
    started = machine("--vms", vms_write(machine.folder / "vms.dts", ram), "--image", f"word={image('word.bin')}",
                      "--image", f"ram={contents}", timeout=30)
    started.expect(rb"WORD end[\s\S]*WORD end")
    loads = word(started.text("console.txt"), "load", ROM_AT)
    started.end()
    assert loads[:4] == [ROM_WORD, 5, ROM_WORD, 5], loads


def test_rom_write_is_ignored_by_policy(rom):
    started = rom(vm_lines='armature,unsupported-reference = "ignore";')
    assert started.wait() == 0, started.story()
    text = started.text("console.txt")
    assert word(text, "store", ROM_AT) == [5] and word(text, "load", ROM_AT) == [ROM_WORD] * 2, started.story()


def test_rom_write_ends_the_vm_by_policy(rom):
    started = rom(vm_lines='armature,unsupported-reference = "abort";')
    assert started.wait() == 4 and started.vm_state("guest") == "ended crash", started.story()


# What is reserved is not assigned

def test_reserved_is_not_assigned(machine, image):
    """A PL011 with no reg goes to the first free place, or behind it where that is reserved."""
    places = []
    for reserve in ("", "armature,reserve {{ reg = <0x0 {:#x} 0x0 0x1000>; }};"):
        bare = 'serial { compatible = "arm,pl011", "arm,primecell"; armature,backend = "null"; };'
        node = vm("guest", "word", devices=bare + (reserve.format(places[0]) if reserve else ""), bootargs="word=0x40000000")
        started = machine("--vms", vms_write(machine.folder / f"vms{len(places)}.dts", node), "--image", f"word={image('word.bin')}",
                          timeout=30)
        assert started.wait() == 0, started.story()
        found = re.search(r"vdev serial@([0-9a-f]+) \(pl011\)", started.log())
        assert found, started.story()
        places.append(int(found[1], 16))
    assert places[1] == places[0] + 0x1000, places
