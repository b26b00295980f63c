# SPDX-License-Identifier: Apache-2.0
"""The options: each is explained, each board's defaults are whole and minimal, and what cannot be cannot be chosen."""
import glob
import os
import random
import re
import subprocess

import kconfiglib
import pytest
from conftest import ROOT

BOARDS = sorted(os.path.basename(os.path.dirname(path)) for path in glob.glob(os.path.join(ROOT, "boards", "*", "Kconfig")))
DEFCONFIGS = sorted(glob.glob(os.path.join(ROOT, "boards", "*", "*_defconfig")))
BOARD_LINES = 60  # of a port: the board's folder, without drivers


@pytest.fixture
def kconfig():
    os.environ["srctree"] = ROOT
    return kconfiglib.Kconfig("Kconfig", warn_to_stderr=False)


def options(kconfig):
    """Every option and choice that somebody is asked about, once."""
    found = {}
    for node in kconfig.node_iter():
        if node.prompt and isinstance(node.item, (kconfiglib.Symbol, kconfiglib.Choice)):
            found.setdefault(node.item, node)
    return found


def chosen(kconfig, changes):
    """The configuration that somebody gets who asks for these values: {name: value}."""
    for name, value in changes.items():
        kconfig.syms[name].set_value(value)
    return {name: sym.str_value for name, sym in kconfig.syms.items()}


def test_every_option_has_help(kconfig):
    for item, node in options(kconfig).items():
        helps = [n.help for n in item.nodes if n.help]
        name = getattr(item, "name", None) or node.prompt[0]
        choice_member = getattr(item, "choice", None) is not None
        assert helps, f"{name}: no help"
        assert len(helps[0].split()) >= (2 if choice_member else 10), f"{name}: \"{helps[0].strip()}\" tells nobody anything"
        assert helps[0].strip().endswith("."), f"{name}: the help is no sentence"


def test_no_warnings(kconfig):
    assert not kconfig.warnings


@pytest.mark.parametrize("path", DEFCONFIGS, ids=os.path.basename)
def test_defconfig_is_minimal(kconfig, path, tmp_path):
    """Comment lines aside it is what savedefconfig writes."""
    kconfig.load_config(path)
    kconfig.write_min_config(str(tmp_path / "min"))
    with open(path, encoding="utf-8") as own, open(tmp_path / "min", encoding="utf-8") as minimal:
        keep = [line for line in own if not line.startswith("#") or line.startswith("# CONFIG_")]
        assert keep == [line for line in minimal if not line.startswith("# Generated")]
    assert not kconfig.warnings


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_is_whole_and_small(kconfig, board):
    folder = os.path.join(ROOT, "boards", board)
    lines = 0
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            lines += len(file.readlines())
    assert lines < BOARD_LINES
    values = chosen(kconfig, {f"BOARD_{re.sub('-', '_', board).upper()}": "y"})
    assert values["BOARD"] == board
    assert values["EARLY_UART_NONE"] == "n" and int(values["EARLY_UART_ADDRESS"], 0)
    assert values["EARLY_CONSOLE"] == "y"
    assert glob.glob(os.path.join(folder, "*_defconfig"))


IMPOSSIBLE = [
    ({"GIC_V2": "n", "GIC_V3": "n"}, lambda v: "y" in (v["GIC_V2"], v["GIC_V3"])),
    ({"BOARD_RPI4": "y", "GIC_V2": "n", "GIC_V3": "y"}, lambda v: (v["GIC_V2"], v["GIC_V3"]) == ("y", "n")),
    ({"BOARD_VERSAL_VIRT": "y", "GIC_V3": "n"}, lambda v: v["GIC_V3"] == "y"),
    ({"BOARD_RPI4": "y", "UART_AUX": "n", "POWER_BCM2835_PM": "n"}, lambda v: v["UART_AUX"] == v["POWER_BCM2835_PM"] == "y"),
    ({"EARLY_UART_CDNS": "y", "UART_CDNS": "n"}, lambda v: v["UART_CDNS"] == "y"),
    ({"EARLY_UART_NONE": "y", "EARLY_CONSOLE": "y"}, lambda v: v["EARLY_CONSOLE"] == "n"),
    ({"DEBUG": "n", "UBSAN": "y", "LOCK_RECORD": "y"}, lambda v: v["UBSAN"] == v["LOCK_RECORD"] == "n"),
    ({"VDEV_VGIC": "n", "VDEV_VTIMER": "n"}, lambda v: v["VDEV_VGIC"] == v["VDEV_VTIMER"] == "y"),
]


@pytest.mark.parametrize("changes, holds", IMPOSSIBLE, ids=[" ".join(changes) for changes, _ in IMPOSSIBLE])
def test_impossible_combinations(kconfig, changes, holds):
    assert holds(chosen(kconfig, changes))


def test_any_choice_is_a_configuration_that_can_be(kconfig):
    """Two hundred random ones: each has a board with its early UART's driver and a GIC, and limits inside their ranges."""
    dice = random.Random(1)
    asked = list(options(kconfig))
    for _ in range(200):
        kconfig.unset_values()
        for item in dice.sample(asked, len(asked)):
            random_value(item, dice)
        values = {name: sym.str_value for name, sym in kconfig.syms.items()}
        assert values["BOARD"] in BOARDS
        assert "y" in (values["GIC_V2"], values["GIC_V3"])
        kinds = [kind for kind in ("PL011", "AUX", "CDNS") if values[f"EARLY_UART_{kind}"] == "y"]
        assert len(kinds) == (values["EARLY_UART_NONE"] == "n") and all(values[f"UART_{kind}"] == "y" for kind in kinds)
        assert int(values["STACK_SIZE"]) % 4096 == int(values["THREAD_STACK_SIZE"]) % 4096 == 0
        assert 1 <= int(values["MAX_CORES"]) <= 64


def random_value(item, dice):
    if isinstance(item, kconfiglib.Choice):
        if item.syms:
            dice.choice(item.syms).set_value(2)
    elif item.type == kconfiglib.BOOL and item.choice is None and item.assignable:
        item.set_value(dice.choice(item.assignable))
    elif item.type == kconfiglib.INT and item.ranges:
        low, high, _ = item.ranges[0]
        item.set_value(str(dice.choice((int(low.str_value), int(high.str_value)))))


def make(folder, *words):
    return subprocess.run(["make", "-C", ROOT, f"O={folder}", *words], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("line, named", [("CONFIG_MAX_VMS=99999", "MAX_VMS"), ("CONFIG_MAX_CORES=abc", "MAX_CORES"), ("CONFIG_MAX_VM=3", "MAX_VM"),
                                         ("CONFIG_GIC_V2=maybe", "GIC_V2"), ("nonsense", "nonsense")])
def test_a_wrong_line_is_named_and_kept(tmp_path, line, named):
    with open(glob.glob(os.path.join(ROOT, "boards", "*", "qemu_virt_defconfig"))[0], encoding="utf-8") as file:
        before = file.read() + line + "\n"
    (tmp_path / ".config").write_text(before)
    done = make(tmp_path, str(tmp_path / "generated" / "autoconf.h"))
    assert done.returncode == 2 and named in done.stderr and "left as it is" in done.stderr, done.stderr
    assert (tmp_path / ".config").read_text() == before


def test_options_on_makes_command_line_are_refused(tmp_path):
    done = make(tmp_path, "CONFIG_MAX_VMS=3")
    assert done.returncode == 2 and "CONFIG_MAX_VMS=3: options are set by make menuconfig" in done.stderr
