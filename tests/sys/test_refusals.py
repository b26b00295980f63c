# SPDX-License-Identifier: Apache-2.0
"""What cannot be started says so by name, and what has nothing to do with it starts all the same."""
import re
import struct

import pytest
from descriptions import rtos_vm, vm, vms_write
from machine import tool_run
from stub import start_with_tree, tree_of_the_machine

RTOS_GREETS = rb"Armature rtos: "


def bundle_make(folder, nodes, images, *arguments):
    path = folder / "test.bundle"
    done = tool_run("bundle", "--no-check", vms_write(folder / "test.dts", *nodes),
                    *(f"--image={name}={file}" for name, file in images.items()), "-o", path, *arguments)
    assert done.returncode == 0, done.stdout
    return path


def image_place(bundle, name):
    """(offset in the file, size) of an image's bytes in a bundle."""
    import libfdt
    data = bundle.read_bytes()
    tree_size = struct.unpack_from(">I", data, 0x1004)[0]
    fdt = libfdt.Fdt(data[0x1000:0x1000 + tree_size])
    node = fdt.path_offset(f"/images/{name}")
    offset = struct.unpack(">I", bytes(fdt.getprop(node, "data-offset")))[0]
    size = struct.unpack(">I", bytes(fdt.getprop(node, "data-size")))[0]
    return 0x1000 + (tree_size + 3) // 4 * 4 + offset, size


def byte_flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def good_and(bad):
    """The bad VM first, the good one behind it."""
    return [bad, rtos_vm("good", affinity=(1,))]


# Faults of one VM: (name, its node, what the log says of it)

PL011 = '{name} {{ compatible = "arm,pl011", "arm,primecell"; reg = <0x0 {reg:#x} 0x0 0x1000>; interrupts = <{irq}>; {more} }};'


def device(name="second@9010000", reg=0x9010000, irq="0 2 4", more=""):
    return PL011.format(name=name, reg=reg, irq=irq, more=more)


FAULTS = {
    "no image": (rtos_vm("bad").replace('kernel = "rtos"', 'kernel = "nix"'), r'/bad.*image "nix" is not in the bundle'),
    "unknown vdev": (rtos_vm("bad", devices='foo@a000000 { compatible = "arm,pl012"; reg = <0x0 0xa000000 0x0 0x1000>; };'),
                     r'/bad/foo@a000000: no vdev for "arm,pl012": nearest is "arm,pl011"'),
    "misspelt property of a VM": (rtos_vm("bad", vm_lines="prority = <3>;"),
                                  r'/bad: unknown property "prority": nearest is priority'),
    "misspelt property of chosen": (rtos_vm("bad", chosen='armature,ramdsik = "x";'),
                                    r'/bad/chosen: unknown property "armature,ramdsik": nearest is armature,ramdisk'),
    "misspelt property of a vdev": (rtos_vm("bad", devices=device(more='armature,bckend = "null";')),
                                    r'/bad/second@9010000: unknown property "armature,bckend": nearest is armature,backend'),
    "unknown back end": (rtos_vm("bad", devices=device(more='armature,backend = "consol";')),
                         r'/bad/second@9010000: .*no back end "consol"'),
    "two owners of a page": (rtos_vm("bad", devices=device("second@9000000", 0x9000000)),
                             r"/bad/.*0x9000000.*pl011@9000000|/bad/pl011@9000000.*second@9000000"),
    "two owners of an interrupt": (rtos_vm("bad", devices=device(irq="0 1 4")),
                                   r"/bad/(second@9010000|pl011@9000000).*interrupt (1|33) belongs to"),
    "INTID for an SPI": (rtos_vm("bad", devices=device(irq="0 988 4")), r"/bad/second@9010000: interrupts"),
    "a window over RAM": (rtos_vm("bad", devices=device("second@40100000", 0x40100000)),
                          r"/bad/second@40100000: reg: .* lie over the VM's memory"),
    "unknown action of a watchdog": (rtos_vm("bad", devices='dog@a000000 { compatible = "arm,sp805", "arm,primecell"; '
                                             'armature,action = "dump", "bark"; reg = <0x0 0xa000000 0x0 0x1000>; };'),
                                     r'/bad/dog@a000000: armature,action: "bark" is none of terminate, interrupt, dump'),
    "too much memory": (rtos_vm("bad", memory=(0x40000000, 64 << 30)), r"/bad.*65536 MiB wanted, the largest free piece is"),
    "overlapping memory": (rtos_vm("bad", vm_lines='memory@40800000 { device_type = "memory"; reg = <0x0 0x40800000 0x0 0x1000000>; };'),
                           r"/bad/memory@.*overlap the VM's memory"),
    "no such core": (rtos_vm("bad", affinity=(7,)), r"/bad: affinity: core 7"),
    "entry outside memory": (rtos_vm("bad", chosen="armature,entry = <0x0 0x10000000>;"), r"/bad.*entry 0x10000000 is not inside"),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_wrong_vm_is_named_and_the_other_starts(machine, image, name):
    node, reason = FAULTS[name]
    bundle = bundle_make(machine.folder, good_and(node), {"rtos": image("rtos.elf")})
    started = machine("--bundle", bundle, "--console", "mux", timeout=20)
    started.expect(RTOS_GREETS)
    assert re.search(reason, started.log()), started.story()
    started.expect_result(r"^R vm bad state=ended cause=refused", 5)
    started.expect(rb"rtos> ")
    started.send("off\r")
    assert started.wait() == 4, started.story()


def test_overlapping_identity_vms_name_both_owners(machine, image):
    at = machine.target.ram[0] + 0x20000000
    nodes = [rtos_vm(name, affinity=(core,), memory=(at, 16 << 20), vm_lines="armature,identity;")
             for core, name in enumerate(("first", "second"))]
    elf = image("rtos.bin")
    bundle = bundle_make(machine.folder, nodes, {"rtos": elf})
    started = machine("--bundle", bundle, "--console", "mux", timeout=20)
    reason = started.expect_log(rf"/second.*{at:#x}.*")
    started.expect_result(r"^R vm second state=ended cause=refused", 5)
    assert "first" in reason[0], reason[0]


def test_identity_over_the_hypervisor_is_refused(machine, image):
    at = machine.target.ram[0]
    bundle = bundle_make(machine.folder, good_and(rtos_vm("bad", memory=(at, 16 << 20), vm_lines="armature,identity;")),
                         {"rtos": image("rtos.elf")})
    started = machine("--bundle", bundle, "--console", "mux", timeout=20)
    started.expect(RTOS_GREETS)
    started.expect_log(rf"/bad.*{at:#x}.*not free")


# Damaged bundles

@pytest.mark.parametrize("algorithm", ["crc32", "sha256"])
def test_wrong_hash_is_named_and_the_other_vm_starts(machine, image, algorithm):
    copy = machine.folder / "copy.elf"
    copy.write_bytes(open(image("rtos.elf"), "rb").read())
    nodes = [vm("bad", "hurt", affinity=(0,)), rtos_vm("good", affinity=(1,))]
    bundle = bundle_make(machine.folder, nodes, {"hurt": copy, "rtos": image("rtos.elf")}, "--hash", algorithm)
    at, size = image_place(bundle, "hurt")
    byte_flip(bundle, at + size // 2)
    started = machine("--bundle", bundle, "--console", "mux", timeout=20)
    started.expect(RTOS_GREETS)
    assert re.search(rf'image "hurt": wrong {algorithm}', started.log()), started.story()
    started.send("off\r")
    assert started.wait() == 4, started.story()


def bundle_of_one(machine, image):
    return bundle_make(machine.folder, [rtos_vm(affinity=(0,))], {"rtos": image("rtos.elf")})


@pytest.mark.parametrize("what, keep, reason", [
    ("in its header", 100, r"bundle: truncated"),
    ("behind its header", 4096, r"bundle: truncated"),
    ("in its images", 60000, r"bundle: truncated"),
])
def test_torn_bundle(machine, image, what, keep, reason):
    bundle = bundle_of_one(machine, image)
    bundle.write_bytes(bundle.read_bytes()[:keep])
    stopped(machine("--bundle", bundle, "--console", "mux", timeout=12), reason)


@pytest.mark.parametrize("what, at, reason", [
    ("its magic", 0, r"bundle: no magic"),
    ("its header", 0x12, r"bundle: wrong checksum of the header"),
    ("its tree", 0x1100, r"bundle: wrong checksum of its tree"),
])
def test_damaged_bundle(machine, image, what, at, reason):
    bundle = bundle_of_one(machine, image)
    byte_flip(bundle, at)
    stopped(machine("--bundle", bundle, "--console", "mux", timeout=12), reason)


def test_description_damaged(machine, image):
    bundle = bundle_of_one(machine, image)
    at, size = image_place(bundle, "vms")
    byte_flip(bundle, at + size // 2)
    stopped(machine("--bundle", bundle, "--console", "mux", timeout=12), r'image "vms": wrong crc32')


def test_no_bundle(machine):
    nothing = machine.folder / "nothing"
    nothing.write_bytes(b"")
    stopped(machine("--bundle", nothing, "--console", "mux", timeout=12), r"no bundle: ")


def stopped(started, reason):
    """The reason is said, and the run does not pass for a good one."""
    started.wait_for(started.said, reason, 10)
    assert started.wait() == 4, started.story()


# A machine that cannot be used

@pytest.mark.needs("el1")
def test_entered_at_el1(machine, image):
    started = machine("--kernel", image("rtos.elf"), "--console", "mux", timeout=12, qemu=["-M", "virt,virtualization=off"])
    started.expect(rb"Armature: entered at EL1, it needs EL2")
    started.expect(rb"virtualization=on")


@pytest.mark.targets("v3", "v2")
def test_a_core_that_never_comes_up(machine, image, gic):
    """What needs it is refused by name, a vdev's threads too; the others start."""
    tree = tree_of_the_machine(machine, [("-tx", "/cpus/cpu@3", "reg", "5")])
    threads = rtos_vm("threads", affinity=(0,), devices='trace@a000000 { compatible = "armature,trace"; reg = <0x0 0xa000000 0x0 0x1000>;'
                      ' armature,runmask = <0x8>; };')
    nodes = threads, rtos_vm("pinned", affinity=(3,)), rtos_vm("good", affinity=(1,))
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"rtos={image('rtos.elf')}", "--smp", 4,
                      "--console", "mux", timeout=60, qemu=["-dtb", tree])
    started.expect_result(r"R vm good state=running", 40)
    assert {"threads", "pinned"} == set(re.findall(r"R vm (\w+) state=ended cause=refused", started.results()))
    assert re.search(r"core 3 \(MPIDR 0x5\) did not come up: PSCI", started.log()), started.story()
    assert "vm threads: refused: no core that the threads of its vdev trace@a000000 may run on (mask 0x8) came up" in started.log()
    assert "vm pinned: refused: no core of its vCPU 0 came up" in started.log()


def structure_damaged(data):
    """Another token where the first node begins."""
    at = struct.unpack_from(">I", data, 8)[0]
    return data[:at] + b"\0\0\0\x77" + data[at + 4:]


@pytest.mark.parametrize("name, damage, reason", [
    ("no magic", lambda d: b"\0\0\0\0" + d[4:], "no device tree at {at:#x}: it begins with"),
    ("size", lambda d: d[:4] + b"\xff\xff\xff\xff" + d[8:], "device tree at {at:#x}: its size of"),
    ("version", lambda d: d[:20] + b"\0\0\0\x02\0\0\0\x02" + d[28:], "device tree version 2"),
    ("structure", structure_damaged, "corrupt device tree"),
])
def test_corrupt_tree(machine, hypervisor, name, damage, reason):
    data = tree_of_the_machine(machine).read_bytes()
    start_with_tree(machine, hypervisor, damage(data)).expect(reason.format(at=machine.target.tree_at))


def test_no_tree_in_x0(machine, hypervisor):
    start_with_tree(machine, hypervisor, b"\0" * 64, x0=0).expect(rb"no device tree: x0 was 0x0")


@pytest.mark.parametrize("name, edit, reason", [
    ("no memory", [["-r", "memory"]], rb"host tree: no memory"),
    ("no GIC", [["-r", "gic"]], rb"host tree: no GICv2 or GICv3"),
    ("no cores", [["-r", "/cpus"]], rb"host tree: no node /cpus"),
    ("no bundle", [], rb"no bundle: the tree's /chosen has no linux,initrd-start"),
])
def test_tree_that_lacks_something(machine, hypervisor, name, edit, reason):
    data = tree_of_the_machine(machine, edit).read_bytes()
    start_with_tree(machine, hypervisor, data).expect(reason)


def test_unknown_host_option_is_named(machine, image):
    started = machine("--kernel", image("rtos.elf"), "--host-args", "cosnole=mux", timeout=20)
    started.expect_log(r'/chosen: bootargs: unknown word "cosnole=mux"')


@pytest.mark.needs("cores-chosen", "gicv3")  # a GICv2 machine has 8 cores at most
def test_more_cores_than_configured_are_named(machine, image):
    started = machine("--kernel", image("rtos.elf"), "--smp", 10, timeout=30)
    started.expect_log(r"/cpus: 10 cores, CONFIG_MAX_CORES=8: the others stay off")
    started.expect(RTOS_GREETS)


GIC_NODES = {
    2: 'intc@8000000 { compatible = "arm,gic-400"; reg = <0 0x8000000 0 0x1000 0 0x8010000 0 0x2000>; interrupt-controller; #interrupt-cells = <3>; };',
    3: 'intc@8000000 { compatible = "arm,gic-v3"; reg = <0 0x8000000 0 0x10000 0 0x80a0000 0 0x20000>; interrupt-controller; #interrupt-cells = <3>; };',
}


def test_a_gic_that_the_machine_cannot_give(machine, image, gic):
    described = 5 - gic
    nodes = good_and(rtos_vm("bad", devices=GIC_NODES[described]))
    started = machine("--bundle", bundle_make(machine.folder, nodes, {"rtos": image("rtos.elf")}), "--console", "mux",
                      timeout=30)
    # A board's configuration may leave out what its machine cannot have.
    started.expect_log(rf'/bad/intc@8000000: (a GICv{described} is described, but this machine has a GICv{gic}|the vdev for "arm,gic-v3" is not built in)')
    started.expect(RTOS_GREETS)


def test_a_gic_described_as_the_machine_has_it(machine, image, gic):
    nodes = [rtos_vm("good", devices=GIC_NODES[gic])]
    started = machine("--bundle", bundle_make(machine.folder, nodes, {"rtos": image("rtos.elf")}), "--console", "mux",
                      timeout=30)
    started.expect(RTOS_GREETS)


@pytest.mark.needs("gicv2")
def test_more_vcpus_than_a_gicv2_has_interfaces(machine, image):
    nodes = good_and(rtos_vm("bad", cpus=9, affinity=None))
    started = machine("--bundle", bundle_make(machine.folder, nodes, {"rtos": image("rtos.elf")}), *machine.target.cores_wanted(8), "--console", "mux",
                      timeout=30)
    started.expect_log(r"/bad/intc@8000000: a GICv2 has 8 CPU interfaces at most, the VM has 9 vCPUs")
    started.expect(RTOS_GREETS)
