# SPDX-License-Identifier: Apache-2.0
"""A start that cannot go on names the first thing that it lacks, on the board's early console if there is no other."""
import os
import subprocess

import pytest
from build import hypervisor_build
from conftest import make
from machine import ROOT
from stub import DROP_TO_EL1, FIRMWARE, FIRMWARE_SECURE, JUMP, firmware_write, loader, start_with_tree, stub_write, tree_of_the_machine

pytestmark = pytest.mark.one_gic
TREE_AT, HYP_AT = 0x60000000, 0x50000000
STOPPED = rb"stopped: nothing can be started: the boot check failed at the %s, see above"
LOW_AT = 0x10000000  # on machines whose memory begins at 0
BOARDS = {"rpi4": ("--gic", 2), "zcu102": ("--gic", 2), "versal_virt": ("--gic", 3)}


def board_arguments(config):
    return (*BOARDS[config], "--board", config.replace("_", "-"))


def board_image(config):
    make(f"CONFIG={config}", f"build/{config}/armature.bin")
    subprocess.run([os.path.join(ROOT, "tools", "fetch"), "linux"], check=True, timeout=600)
    return os.path.join(ROOT, "build", config, "armature.bin")


def with_firmware(machine, hypervisor, image, source, tree=None):
    """As `-bios` at EL3, which is to start the hypervisor."""
    firmware = firmware_write(machine.folder / "firmware.bin", source, HYP_AT, TREE_AT)
    given = loader(tree, TREE_AT) if tree else []
    return machine("--kernel", image("rtos.elf"), "--console", "mux", timeout=40, log=False,
                   qemu=["-M", "virt,virtualization=on,secure=on", "-bios", firmware, *loader(hypervisor, HYP_AT), *given])


def without_tree(machine, config, before=""):
    """x0 is 0; `before`: what the board executes then."""
    stub = stub_write(machine.folder / "stub.img", LOW_AT, 0, before)
    nothing = machine.folder / "nothing"
    nothing.write_bytes(b"")
    return machine(*board_arguments(config), "--bundle", nothing, "--console", "mux", hyp=stub, timeout=40, log=False,
                   qemu=loader(board_image(config), LOW_AT))


# The exception level: before the MMU is on

def test_entered_at_el3(machine, hypervisor, image):
    started = with_firmware(machine, hypervisor, image, JUMP)
    started.expect(rb"Armature: entered at EL3, it needs EL2")
    started.expect(rb"No firmware ran before us")
    started.expect(rb"Stopped\.\r\n")


@pytest.mark.full
def test_zcu102_entered_at_el1(machine, image):
    """The Cadence UART as firmware never set it up."""
    started = machine(*board_arguments("zcu102"), "--kernel", image("rtos.elf"), "--console", "mux", hyp=board_image("zcu102"), timeout=40,
                      qemu=["-M", "xlnx-zcu102,virtualization=off"])
    started.expect(rb"Armature: entered at EL1, it needs EL2")


# The tree

def test_tree_pointer_at_nothing(machine, hypervisor):
    """Reading there is a bus error: no console is known yet."""
    started = start_with_tree(machine, hypervisor, b"\0" * 64, x0=0x80000000000)
    started.expect(rb"fault of the hypervisor on core 0: exception")
    started.expect(rb"external abort.*far 0000880000000000")
    started.expect(rb"during the boot check of the device tree")


@pytest.mark.parametrize("config", ["zcu102", *(pytest.param(c, marks=pytest.mark.full) for c in ("rpi4", "versal_virt"))])
def test_no_tree_on_the_board(machine, config):
    started = without_tree(machine, config)
    started.expect(rb"no device tree: x0 was 0x0")
    started.expect(STOPPED % rb"device tree")


PIN_FUNCTIONS = "ldr x1, =0xfe200004\nldr w2, ={:#x}\nstr w2, [x1]\n"  # GPFSEL1
MINI_UART, PL011 = 0x12000, 0x24000


@pytest.mark.parametrize("before, said", [("", ("no device tree: x0 was 0x0", STOPPED.decode() % "device tree")),
                                          (DROP_TO_EL1, ("Armature: entered at EL1, it needs EL2", r"Stopped\.\r?$"))], ids=["no-tree", "el1"])
def test_early_console_is_where_the_pins_lead(machine, before, said):
    """On a Pi whose firmware switched them to the PL011 (disable-bt), which QEMU's has as its other serial line, and on one as it is."""
    started = without_tree(machine, "rpi4", PIN_FUNCTIONS.format(MINI_UART) + before)
    for line in said:
        started.expect(line.encode())
    started = without_tree(machine, "rpi4", PIN_FUNCTIONS.format(PL011) + before)
    for line in said:
        started.expect_result(line)
    assert not started.quiet(1), started.story()


# What the tree says

CPU1 = "/cpus/cpu@1"
LACKS = {
    "no memory": ([["-r", "/memory@40000000"]], rb"host tree: no memory: no enabled node", rb"memory"),
    "no cores": ([["-r", "/cpus"]], rb"host tree: no node /cpus", rb"cores"),
    "not this core": ([["-tx", "/cpus/cpu@0", "reg", "8"]], rb"the tree has no cpu node for the core we run on \(MPIDR 0x0\)", rb"cores"),
    "no GIC": ([["-r", "/intc@8000000"]], rb"host tree: no GICv2 or GICv3", rb"interrupt controller \(GIC\)"),
    "other timer interrupt": ([["-tx", "/timer", "interrupts", *"1 d 4 1 e 4 1 c 4 1 a 4".split()]],
                              rb'/timer: "virt" has interrupt 28: only 27 can be driven', rb"timer"),
}


@pytest.mark.parametrize("name", [n if n == "no memory" else pytest.param(n, marks=pytest.mark.full) for n in LACKS])
def test_tree_lacks(machine, hypervisor, name):
    edit, reason, check = LACKS[name]
    started = start_with_tree(machine, hypervisor, tree_of_the_machine(machine, edit).read_bytes())
    started.expect(reason)
    started.expect(STOPPED % check)


@pytest.mark.parametrize("machines, said, reason", [  # a GICv3 has its PIDR2 elsewhere
    (2, "arm,gic-v3", rb"gic: the tree says GICv3, the core has no system register interface to it"),
    pytest.param(3, "arm,cortex-a15-gic", rb"gic: no GICv2 distributor at 0x8000000 \(GICD_PIDR2.ArchRev is 0", marks=pytest.mark.full),
])
def test_gic_of_another_version(machine, hypervisor, machines, said, reason):
    """The tree is another machine's."""
    data = tree_of_the_machine(machine, gic=5 - machines).read_bytes()
    tree = machine.folder / "given.dtb"
    tree.write_bytes(data)
    assert said.encode() in data
    stub = stub_write(machine.folder / "stub.img", HYP_AT, TREE_AT)
    started = machine("--gic", machines, "--bundle", tree, "--console", "mux", hyp=stub, timeout=40, log=False,
                      qemu=loader(hypervisor, HYP_AT) + loader(tree, TREE_AT))
    started.expect(reason)
    started.expect(STOPPED % rb"interrupt controller \(GIC\)")


@pytest.mark.full
@pytest.mark.parametrize("version, options", [(3, {"GIC_V3": "n"}), (2, {"GIC_V2": "n"})])
def test_gic_that_is_not_built_in(machine, image, tmp_path, version, options):
    built = hypervisor_build(tmp_path / "build", options)
    started = machine("--gic", version, "--no-check", "--kernel", image("rtos.elf"), "--console", "mux", hyp=built, timeout=40, log=False)
    started.expect(rb"gic: the tree says GICv%d, this image has no driver for it: CONFIG_GIC_V%d is not set" % (version, version))
    started.expect(STOPPED % rb"interrupt controller \(GIC\)")
    started = machine("--gic", 5 - version, "--kernel", image("rtos.elf"), hyp=built, timeout=60)
    started.expect(rb"rtos> ")


@pytest.mark.full
def test_console_that_is_not_built_in(machine, image, tmp_path):
    """The reason goes to the board's early UART, which is of a kind that is built in."""
    built = hypervisor_build(tmp_path / "build", {"UART_PL011": "y", "UART_CDNS": "n", "EARLY_UART_PL011": "y", "EARLY_UART_ADDRESS": "0xff000000"},
                             config="versal_virt")
    tree = tmp_path / "versal.dtb"
    subprocess.run(["qemu-system-aarch64", "-M", "xlnx-versal-virt", "-machine", f"dumpdtb={tree}", "-smp", "4", "-m", "2G", "-nic", "none", "-display",
                    "none"], check=True, timeout=20, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["fdtput", "-t", "s", tree, "/uart@ff000000", "compatible", "cdns,uart-r1p12"], check=True, timeout=20)
    subprocess.run(["fdtput", "-t", "s", tree, "/uart@ff010000", "compatible", "cdns,uart-r1p12"], check=True, timeout=20)
    started = machine(*board_arguments("versal_virt"), "--host-dtb", tree, "--kernel", image("rtos.elf"), "--console", "mux", hyp=built, timeout=40,
                      log=False)
    started.expect(rb'/uart@ff000000: the driver for a UART "cdns,uart-r1p12" is not built in: CONFIG_UART_CDNS')
    started.expect(STOPPED % rb"console")


def test_no_timer_frequency(machine, hypervisor, image):
    tree = tree_of_the_machine(machine, [["-r", "/pl011@9040000"]])  # with EL3 that one is the secure world's
    started = with_firmware(machine, hypervisor, image, FIRMWARE, tree)
    started.expect(rb"timer: CNTFRQ_EL0 is 0 and the tree's timer node has no clock-frequency")
    started.expect(STOPPED % rb"timer")


def test_firmware_that_keeps_the_interrupts(machine, hypervisor, image):
    """They would never come; the start says so instead."""
    tree = tree_of_the_machine(machine, [["-r", "/pl011@9040000"]])
    started = with_firmware(machine, hypervisor, image, FIRMWARE_SECURE, tree)
    started.expect(rb"gic: core 0: interrupt \d+ cannot be enabled: firmware keeps it to the Secure side")
    started.expect(STOPPED % rb"interrupt controller \(GIC\)")


@pytest.mark.full
def test_no_timer_node(machine, hypervisor):
    """The usual interrupts are every machine's so far: a warning, and it goes on."""
    started = start_with_tree(machine, hypervisor, tree_of_the_machine(machine, [["-r", "/timer"]]).read_bytes())
    started.expect(rb'host tree: no node "arm,armv8-timer": the usual interrupts are taken')
    started.expect(rb"no bundle: ")


@pytest.mark.parametrize("edit, reason", [
    ([["-tx", CPU1, "reg", "9"]], rb"core 1 \(MPIDR 0x9\) did not come up: PSCI knows no core of that MPIDR"),
    pytest.param([["-ts", CPU1, "enable-method", "spin-table"], ["-tx", CPU1, "cpu-release-addr", "0", "7ffff000"]],
                 rb"core 1 \(MPIDR 0x1\) did not come up: it never read its release address", marks=pytest.mark.full),
    pytest.param([["-d", CPU1, "enable-method"]],
                 rb"core 1 \(MPIDR 0x1\) did not come up: the tree names no way to start it \(enable-method\)", marks=pytest.mark.full),
])
def test_core_that_does_not_come_up(machine, hypervisor, edit, reason):
    started = start_with_tree(machine, hypervisor, tree_of_the_machine(machine, edit).read_bytes())
    started.expect(reason)
    started.expect(rb"VMs that need it are refused")
