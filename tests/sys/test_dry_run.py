# SPDX-License-Identifier: Apache-2.0
"""armature,dry-run: a VM is built and its tree can be looked at; it never starts, and nothing waits for it."""
import os
import re

import libfdt
from descriptions import linux_vm, rtos_vm, vm, vms_write
from machine import tool_run

UNPLACED = 'extra { compatible = "arm,pl011", "arm,primecell"; armature,backend = "null"; };'


def dry(node):
    return node.replace('compatible = "armature,vm";', 'compatible = "armature,vm"; armature,dry-run;', 1)


def tree_of(folder, name):
    with open(os.path.join(folder, f"{name}.dtb"), "rb") as file:
        return libfdt.FdtRo(file.read())


def text(tree, path, name):
    return tree.getprop(tree.path_offset(path), name).as_str()


def cells(tree, path, name):
    data = bytes(tree.getprop(tree.path_offset(path), name))
    return [int.from_bytes(data[i:i + 4], "big") for i in range(0, len(data), 4)]


def test_tree_of_a_dry_run_beside_a_vm_that_runs(machine, image):
    """The tree has what was described and what was assigned. The other VM runs to its end, and the machine ends with it."""
    trees = machine.folder / "trees"
    node = dry(vm("look", "rtos", cpus=3, bootargs="hello there", devices=UNPLACED, affinity=(2, 2, 2)))
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node, rtos_vm("real", affinity=(2,))), "--trees", trees,
                      "--image", f"rtos={image('rtos.elf')}", timeout=40)
    # One console: the dry run's is not there to be in front.
    started.expect(rb"\[console: real")
    started.expect(rb"rtos> ")
    started.escape("0")
    started.expect(rb"armature> ")
    started.send("status look\r")
    started.expect(rb"vm look: a dry run: built, never started")
    started.escape("1")
    started.send("off\r")
    assert started.wait() == 0, started.story()
    found = re.search(r"^R vm look state=ended cause=dry-run code=0 entry=0x([0-9a-f]+) tree=0x([0-9a-f]+)$", started.results(), re.M)
    assert found and 0x40000000 <= int(found[1], 16) < int(found[2], 16) < 0x41000000, started.story()
    assert "R vm look state=running" not in started.results() and started.vm_state("real") == "ended off"
    tree = tree_of(trees, "look")
    assert text(tree, "/chosen", "bootargs") == "hello there"
    assert cells(tree, "/memory@40000000", "reg") == [0, 0x40000000, 0, 16 << 20]
    assert text(tree, "/cpus/cpu@2", "enable-method") == "psci"
    place = re.search(r"vm look: vdev extra@([0-9a-f]+) \(pl011\)", started.log())[1]
    assert cells(tree, f"/extra@{place}", "reg") == [0, int(place, 16), 0, 0x1000]
    assert cells(tree, f"/extra@{place}", "interrupts")[0] == 0
    assert os.listdir(trees) == ["look.dtb"]


def test_nothing_but_dry_runs(machine, image):
    trees = machine.folder / "trees"
    nodes = [dry(linux_vm("first", cpus=1, affinity=(0,))), dry(linux_vm("second", cpus=2))]
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--trees", trees, "--image", f"linux={image('Image-debian')}",
                      "--image", f"initrd={image('initrd.cpio.gz')}", timeout=40)
    assert started.wait() == 0, started.story()
    start, end = (cells(tree_of(trees, "second"), "/chosen", f"linux,initrd-{name}")[-1] for name in ("start", "end"))
    assert end - start == os.path.getsize(image("initrd.cpio.gz"))
    assert tree_of(trees, "first").path_offset("/cpus/cpu@0") > 0
    # Device trees as any tool reads them.
    done = tool_run("check", os.path.join(trees, "first.dtb"))
    assert "is refused" in done.stdout and "armature,vms" in done.stdout, done.stdout


def test_dry_run_that_cannot_be_built(machine, image):
    node = dry(vm("wrong", "rtos", devices='trace@a000000 { compatible = "armature,trace"; interrupts = <0 9 4>; };'))
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--no-check", "--trees", machine.folder / "trees",
                      "--image", f"rtos={image('rtos.elf')}", timeout=20)
    assert started.wait() == 4 and started.vm_state("wrong") == "ended refused", started.story()
    assert "/wrong/trace@a000000: interrupts given, but a trace raises none" in started.log()
    assert os.listdir(machine.folder / "trees") == []


def test_gic_and_timer_in_the_tree(machine, image, gic):
    """As large as they are; a GICv2's timers say to which CPUs their interrupts go, as its binding wants it."""
    trees = machine.folder / "trees"
    node = dry(vm("look", "rtos", cpus=3))
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--trees", trees, "--image", f"rtos={image('rtos.elf')}", timeout=40)
    assert started.wait() == 0, started.story()
    tree = tree_of(trees, "look")
    assert cells(tree, "/intc@8000000", "reg")[1::2] == {2: [0x8000000, 0x1000, 0x8010000, 0x2000],
                                                         3: [0x8000000, 0x10000, 0x80a0000, 0x60000]}[gic]
    assert set(cells(tree, "/timer", "interrupts")[2::3]) == {0x704 if gic == 2 else 4}
