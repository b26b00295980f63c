# SPDX-License-Identifier: Apache-2.0
"""Devices of the machine by their path: what the host tool writes out of a machine's tree, and what it refuses."""
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from armature_lib.base import Refused  # noqa: E402
from armature_lib.hosttree import HostTree  # noqa: E402
from armature_lib.passthrough import expand  # noqa: E402
from armature_lib.tree import source_compile, tree_read  # noqa: E402

# Its phandles are few and low, so that they collide with a description's unless they are numbered anew.
MACHINE = """/dts-v1/;
/ { #address-cells = <2>; #size-cells = <1>; interrupt-parent = <&gic>; compatible = "acme,board";
    aliases { serial0 = &uart; };
    chosen { stdout-path = "serial0:115200"; };
    osc: osc { compatible = "fixed-clock"; #clock-cells = <0>; clock-frequency = <50000000>; phandle = <1>; };
    half: half { compatible = "fixed-factor-clock"; #clock-cells = <0>; clocks = <&osc>; clock-div = <2>; clock-mult = <1>; phandle = <2>; };
    fixed: v33 { compatible = "regulator-fixed"; regulator-name = "v33"; regulator-min-microvolt = <3300000>; regulator-max-microvolt = <3300000>; };
    switched: vcard { compatible = "regulator-fixed"; regulator-name = "vcard"; regulator-min-microvolt = <3300000>;
                      regulator-max-microvolt = <3300000>; gpio = <&gpio 6 0>; };
    either: vio { compatible = "regulator-gpio"; regulator-min-microvolt = <1800000>; regulator-max-microvolt = <3300000>; };
    pwrseq: pwrseq { compatible = "mmc-pwrseq-simple"; reset-gpios = <&gpio 1 0>; };
    gic: intc@ff840000 { compatible = "arm,gic-400"; #interrupt-cells = <3>; interrupt-controller; reg = <0 0xff840000 0x1000>; };
    timer { compatible = "arm,armv8-timer"; interrupts = <1 13 4>; };
    soc { compatible = "simple-bus"; #address-cells = <1>; #size-cells = <1>; ranges = <0x7e000000 0 0xfe000000 0x1000000>;
        dma-ranges = <0xc0000000 0 0 0x40000000>; dma-coherent;
        uart: serial@7e201000 { compatible = "arm,pl011"; reg = <0x7e201000 0x200>; interrupts = <0 1 4>; };
        uart2: serial@7e201400 { compatible = "acme,uart"; reg = <0x7e201400 0x200>; interrupts = <0 2 4>; clocks = <&half>; };
        uart3: serial@7e201600 { compatible = "acme,uart"; reg = <0x7e201600 0x200>; interrupts = <0 3 4>; status = "disabled"; };
        clocks: cprman@7e101000 { compatible = "acme,clocks"; #clock-cells = <1>; reg = <0x7e101000 0x2000>; };
        gpio: gpio@7e200000 { compatible = "acme,gpio"; reg = <0x7e200000 0xb4>; interrupts = <0 20 4>; gpio-controller; #gpio-cells = <2>;
            interrupt-controller; #interrupt-cells = <2>; pins: card-pins { acme,pins = <22 23>; bias { acme,pull = <1>; }; }; };
        power: power@7e102000 { compatible = "acme,power"; #power-domain-cells = <1>; reg = <0x7e105000 0x1000>; };
        card: mmc@7e300000 { compatible = "acme,sdhci"; reg = <0x7e300000 0x100>; interrupts = <0 126 4>; clocks = <&clocks 28>, <&half>;
            clock-names = "core", "bus"; power-domains = <&power 3>; power-domain-names = "card"; pinctrl-names = "default"; pinctrl-0 = <&pins>;
            vmmc-supply = <&switched>; vqmmc-supply = <&either>; mmc-pwrseq = <&pwrseq>; assigned-clocks = <&clocks 28>; non-removable;
            #address-cells = <1>; #size-cells = <0>; wifi@1 { reg = <1>; compatible = "acme,wifi"; }; slot@0 { reg = <0>; supply = "x"; }; };
        touch@7e400000 { compatible = "acme,touch"; reg = <0x7e400000 0x1000>; interrupt-parent = <&gpio>; interrupts = <4 1>; };
        lost@70000000 { compatible = "acme,lost"; reg = <0x70000000 0x1000>; };
        own { compatible = "acme,own"; interrupts = <1 5 4>; };
        bridge@7e500000 { compatible = "acme,pci"; reg = <0x7e500000 0x1000>; interrupt-map = <0>; };
        ring: dma@7e007000 { compatible = "acme,dma"; reg = <0x7e007000 0xb00>; interrupts = <0 30 4>; #dma-cells = <1>; };
        spi@7e600000 { compatible = "acme,spi"; reg = <0x7e600000 0x1000>; interrupts-extended = <&gic 0 40 4>, <&gic 0 41 1>; dmas = <&ring 4>;
            dma-names = "rx"; cs-gpios = <&gpio 8 1>; clocks = <&osc>; reset-gpios = <&gpio 9 0>; };
    };
};"""
CARD = "/soc/mmc@7e300000"
WHOLE = 'armature,delete = "mmc-pwrseq", "non-removable", "wifi@1"; armature,clock-rates = <250000000>; vqmmc-supply = <&mine>;'
MINE = "mine: mine { compatible = \"regulator-fixed\"; regulator-name = \"mine\"; };"


def vm(*devices, name="vm", memory="0 0x10000000 0 0x10000000", lines="armature,identity;"):
    return (f'{name} {{ compatible = "armature,vm"; {lines} memory@0 {{ device_type = "memory"; reg = <{memory}>; }}; chosen {{ armature,kernel = "k"; }};'
            + "".join(devices) + "};")


def given(path=CARD, options=WHOLE, name="given"):
    return f'{name} {{ armature,host-path = "{path}"; {options} }};'


def expanded(*vms):
    source = '/dts-v1/; / { compatible = "armature,vms"; ' + "".join(vms) + "};"
    return expand(tree_read(source_compile(source.encode(), "vms"), "vms"), source_compile(MACHINE.encode(), "machine"), "machine")


def made(*vms):
    """The first VM's nodes by name, after a flattened tree and back."""
    expansion = expanded(*vms)
    assert expansion.faults == []
    return {node.name: node for node in tree_read(expansion.tree(), "vms").children[0].children}


def refused(*vms):
    expansion = expanded(*vms)
    assert len(expansion.faults) == 1, expansion.faults
    return expansion.faults[0]


def by_phandle(nodes):
    found = {}
    for node in nodes.values():
        if "phandle" in node:
            assert node.number("phandle") not in found
            found[node.number("phandle")] = node
    return found


def test_the_whole_of_a_device():
    nodes = made(vm(given(), MINE))
    card, targets = nodes["mmc@fe300000"], by_phandle(nodes)
    assert card.ranges("reg") == [(0xFE300000, 0x1000)] and card.cells("interrupts") == [0, 126, 4]
    assert card.string("armature,device") == "pass" and card.string("armature,host-path") == CARD
    assert card.cells("armature,dma-ranges") == [0, 0xC0000000, 0, 0, 0, 0x40000000] and "dma-coherent" in card
    assert [child.name for child in card.children] == ["slot@0"]
    gone = {"mmc-pwrseq", "non-removable", "power-domains", "power-domain-names", "pinctrl-0", "pinctrl-names", "assigned-clocks", "armature,delete",
            "armature,clock-rates", "interrupt-parent"}
    assert not gone & set(card.props)
    core, bus = (targets[p] for p in card.cells("clocks"))
    assert core.string("compatible") == "fixed-clock" and core.number("clock-frequency") == 250000000 and core.number("#clock-cells") == 0
    assert bus.string("compatible") == "fixed-factor-clock" and targets[bus.number("clocks")].number("clock-frequency") == 50000000
    vmmc = targets[card.number("vmmc-supply")]
    assert vmmc.string("compatible") == "regulator-fixed" and "regulator-always-on" in vmmc and "gpio" not in vmmc
    assert targets[card.number("vqmmc-supply")].name == "mine"


def test_phandles_collide_with_none():
    """The description's own and the machine's begin at 1: no reference leads to another node than before."""
    mine = "a: clk { compatible = \"fixed-clock\"; #clock-cells = <0>; clock-frequency = <7>; }; user { compatible = \"fixed-factor-clock\"; clocks = <&a>; };"
    nodes = made(vm(mine, given("/soc/serial@7e201400", "")))
    targets = by_phandle(nodes)
    assert targets[nodes["user"].number("clocks")].name == "clk"
    assert targets[nodes["serial@fe201400"].number("clocks")].string("compatible") == "fixed-factor-clock"
    highest = max(HostTree(source_compile(MACHINE.encode(), "m"), "m").phandles)
    assert all(number > highest for number, node in targets.items() if node.name != "clk")


def test_one_that_is_given_too_is_referred_to():
    nodes = made(vm(given(options=WHOLE.replace('"mmc-pwrseq", ', "") + "mmc-pwrseq = <0>;"), MINE, given("/soc/gpio@7e200000", "", "pins"),
                    given("/soc/power@7e102000", "", "pd"), given("/soc/spi@7e600000", "", "spi"), given("/soc/dma@7e007000", "", "ring")))
    card, gpio, spi = nodes["mmc@fe300000"], nodes["gpio@fe200000"], nodes["spi@fe600000"]
    pins = gpio.child("card-pins")
    assert card.number("pinctrl-0") == pins.number("phandle") and card.string("pinctrl-names") == "default" and pins.children[0].name == "bias"
    assert card.cells("power-domains") == [nodes["power@fe105000"].number("phandle"), 3]
    assert spi.cells("dmas") == [nodes["dma@fe007000"].number("phandle"), 4] and spi.cells("cs-gpios") == [gpio.number("phandle"), 8, 1]
    assert spi.cells("interrupts") == [0, 40, 4, 0, 41, 1] and "interrupts-extended" not in spi


def test_a_page_with_another_device():
    """Only its own registers; where nothing else is, the page."""
    nodes = made(vm(given("/soc/serial@7e201400", "")))
    assert nodes["serial@fe201400"].ranges("reg") == [(0xFE201400, 0x200)]
    nodes = made(vm(given("/soc/serial@7e201600", 'status = "okay";')))
    assert nodes["serial@fe201600"].string("status") == "okay"


@pytest.mark.parametrize("path, options, reason", [
    ("/soc/mmc@7e340000", "", "machine has no /soc/mmc@7e340000"),
    ("/soc/serial@7e201000", "", "is the hypervisor's console"),
    ("/intc@ff840000", "", "is the hypervisor's interrupt controller"),
    ("/timer", "", "is the hypervisor's timer"),
    ("/chosen", "", "is no device"),
    ("/soc/serial@7e201600", "", "is switched off there"),
    (CARD, WHOLE.replace("wifi@1", "wifi@2"), f"armature,delete: {CARD} has no wifi@2"),
    (CARD, WHOLE.replace('"mmc-pwrseq", ', ""), f"{CARD}: mmc-pwrseq: needs /pwrseq, which is not given to this VM"),
    (CARD, WHOLE.replace("vqmmc-supply = <&mine>;", ""), f"{CARD}: vqmmc-supply: /vio is not given to this VM and has no one voltage"),
    (CARD, WHOLE.replace("armature,clock-rates = <250000000>;", ""), f"{CARD}: clocks: entry 0 is made by /soc/cprman@7e101000"),
    ("/soc/touch@7e400000", "", "its interrupts go to /soc/gpio@7e200000, not to the GIC"),
    ("/soc/lost@70000000", "", "no bus's ranges lead to its registers"),
    ("/soc/own", "", "interrupt <1 5 4> belongs to a core"),
    ("/soc/bridge@7e500000", "", "interrupt-map: buses with devices of their own, as PCI"),
    ("/soc/spi@7e600000", "", "cs-gpios: needs /soc/gpio@7e200000, which is not given"),
])
def test_what_is_refused(path, options, reason):
    assert reason in refused(vm(given(path, options), MINE))


@pytest.mark.parametrize("memory, lines, reason", [
    ("0 0x3ff00000 0 0x200000", "armature,identity;", "does not reach the VM's memory 0x3ff00000 to 0x40100000: by the dma-ranges of its buses it sees 0x0 to 0x40000000"),
    ("1 0 0 0x200000", "armature,identity;", "does not reach the VM's memory 0x100000000"),
    ("0 0x10000000 0 0x200000", "", "may reach memory by itself: the VM must be armature,identity, or the node say armature,no-dma"),
])
def test_memory_that_it_does_not_reach(memory, lines, reason):
    assert reason in refused(vm(given(), MINE, memory=memory, lines=lines))
    assert "armature,dma-ranges" not in made(vm(given(options=WHOLE + "armature,no-dma;"), MINE, memory=memory, lines=lines))["mmc@fe300000"]


def test_two_vms():
    one, two = vm(given(), MINE, name="one"), vm(given(), MINE.replace("mine:", "mine2:"), name="two").replace("&mine", "&mine2")
    assert refused(one, two) == f"/two/given: {CARD} is /one/given's already"


def everything(*but):
    patterns = ", ".join(f'"{pattern}"' for pattern in but)
    return f"all {{ armature,host-except{' = ' + patterns if patterns else ''}; }};"


def test_everything_but():
    """With the GPIOs all goes that the tree says enough about; without them what needs them stays behind too, and is named."""
    nodes = made(vm(everything("/soc/mmc*", "/soc/bridge*")))
    names = {node.string("armature,host-path") for node in nodes.values() if "armature,host-path" in node}
    assert names == {f"/soc/{n}" for n in ("serial@7e201400", "cprman@7e101000", "gpio@7e200000", "power@7e102000", "dma@7e007000", "spi@7e600000")}
    expansion = expanded(vm(everything("/soc/gpio@7e200000"), lines="armature,identity;"))
    assert not expansion.faults
    told = "\n".join(expansion.remarks)
    for left, why in (("/soc/spi@7e600000", "cs-gpios: needs /soc/gpio@7e200000"), ("/soc/bridge@7e500000", "interrupt-map"), (CARD, "vqmmc-supply")):
        assert f"{left} is left out: {left}: {why}" in told, told
    one = vm(given("/soc/dma@7e007000", ""), name="one", memory="0 0x20000000 0 0x200000")
    nodes = made(vm(everything("/soc/mmc*")), one)
    assert "dma@fe007000" not in nodes and "dmas" not in nodes["spi@fe600000"] and "dma-names" not in nodes["spi@fe600000"]
    assert "host-except: machine has no /soc/mcm*" in refused(vm(everything("/soc/mcm*")))


def machine_with(lines):
    """The machine with other nodes besides, and what a VM that is given /extra gets of it."""
    source = MACHINE.rstrip()[:-2] + lines + "};"
    text = '/dts-v1/; / { compatible = "armature,vms"; ' + vm(given("/extra", "")) + "};"
    return expand(tree_read(source_compile(text.encode(), "vms"), "vms"), source_compile(source.encode(), "machine"), "machine")


def test_two_registers_of_one_device_in_a_page():
    expansion = machine_with('extra { compatible = "acme,two"; reg = <0 0xa0001000 0x100>, <0 0xa0001100 0x100>, <0 0xa0003010 0x10>; };')
    assert expansion.faults == []
    node = next(n for n in expansion.root.children[0].children if "acme,two" in n.props.get("compatible", b"").decode())
    assert node.ranges("reg") == [(0xA0001000, 0x100), (0xA0001100, 0x100), (0xA0003000, 0x1000)]


def test_a_clocks_name_stays_behind():
    expansion = machine_with('extra { compatible = "acme,x"; reg = <0 0xa0001000 0x1000>; clocks = <&named>; };'
                             ' named: named { compatible = "fixed-clock"; #clock-cells = <0>; clock-frequency = <9>; clock-output-names = "apb_pclk"; };')
    clock = next(n for n in expansion.root.children[0].children if n.name == "named")
    assert expansion.faults == [] and "clock-output-names" not in clock


@pytest.mark.parametrize("lines", [
    'extra { compatible = "acme,x"; reg = <0 0xa0001000 0x1000>; clocks = <&odd 1>; }; odd: odd { compatible = "fixed-clock"; clock-frequency = <1 0>; };',
    'extra { compatible = "acme,x"; reg = <0 0xa0001000 0x1000>; phandle = <0xfffffffe>; };',
    'extra { compatible = "acme,x"; reg = <0 0xa0001000 0x1000>; interrupts-extended = <&gic 0 9>; };',
], ids=["wide clock", "last phandle", "half an interrupt"])
def test_a_bad_tree_of_the_machine_is_named(lines):
    """A refusal, by the node's path or by the value, and nothing else."""
    try:
        expansion = machine_with(lines)
    except Exception as error:  # pylint: disable=broad-except
        assert type(error).__name__ == "Refused", repr(error)
    else:
        assert all(re.search(r"/extra|/odd|vm", fault) for fault in expansion.faults)


def test_trees_that_are_too_deep():
    source = "/dts-v1/; / {" + "a {" * 100 + "};" * 100 + "};"
    with pytest.raises(Refused, match="more than 64 deep"):
        tree_read(source_compile(source.encode(), "deep"), "deep")


def test_both_ways_in_one_node_and_in_a_grandchild():
    assert "exclude each other" in refused(vm(given(options='armature,host-except = "/soc*";')))
    assert "only a child of the VM's node" in refused(vm("x { " + given(options="") + " };"))


def test_registers_and_interrupts_are_the_machines():
    assert "reg is the machine's to say" in refused(vm(given(options=WHOLE + "reg = <0 0 0 1>;"), MINE))
    nodes = made(vm(given(options=WHOLE.replace('"wifi@1"', '"wifi@1", "interrupts"')), MINE))
    assert "interrupts" not in nodes["mmc@fe300000"]
