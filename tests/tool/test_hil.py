# SPDX-License-Identifier: Apache-2.0
"""The parts of a board on a serial line that need no machine: the one wire's two streams, the rehearsed line, environment files, reports."""
import importlib.util
import io
import os
import random
import re
import select
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from types import SimpleNamespace

import pexpect
import pytest
from pexpect.fdpexpect import fdspawn

from conftest import ROOT

SYS = os.path.join(ROOT, "tests", "sys")
sys.path.insert(0, SYS)

from hil import rehearsal, report  # noqa: E402
from hil.demux import Demux  # noqa: E402
from hil.environment import Environment  # noqa: E402
from machine import Machine, buffer_set  # noqa: E402
from target import FEATURES, TARGETS  # noqa: E402

ENVIRONMENTS = os.path.join(SYS, "env")


# One wire

STREAM = (b"U-Boot\r\n[    0.001000] INFO  Armature abc on QEMU\r\n[    0.002000] INFO  R vm a state=running\r\n"
          b"rtos> [ 1 ]\r\n[    0.000000] Booting Linux\r\n[   12.000001] ERROR vm a: bad\r\n[x] R machine\r\nR machine panic\r\n"
          b"in\r\n\r[   13.000000] WARN  vm a: in between\r\n[   13.000001] INFO  too\r\n two\r\r\n\r[   14.000000] DEBUG \r\n\n\r\n\r\nlast")
CONSOLE = (b"U-Boot\r\nrtos> [ 1 ]\r\n[    0.000000] Booting Linux\r\n[x] R machine\r\nR machine panic\r\n"
           b"in two\r\n\r\n\r\nlast")
LOG = [b"[    0.001000] INFO  Armature abc on QEMU", b"[    0.002000] INFO  R vm a state=running", b"[   12.000001] ERROR vm a: bad",
       b"[   13.000000] WARN  vm a: in between", b"[   13.000001] INFO  too", b"[   14.000000] DEBUG "]
RESULTS = [b"R vm a state=running", b"R machine panic"]


@pytest.fixture
def demux():
    log, results = [], []
    made = Demux(log.append, results.append)
    made.log_seen, made.results_seen = log, results
    return made


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_the_streams_part_wherever_they_are_cut(demux, at):
    """A pause at the cut that is no longer than a prompt's changes nothing but the moment."""
    console = demux.feed(STREAM[:at]) + demux.silent(0.1) + demux.feed(STREAM[at:]) + demux.end()
    assert (console, demux.log_seen, demux.results_seen) == (CONSOLE, LOG, RESULTS)


def test_every_severity_makes_a_line_of_the_log(demux):
    """By the tags that the hypervisor writes: they are taken from its own table."""
    with open(os.path.join(ROOT, "hyp", "log.c"), encoding="utf-8") as file:
        tags = re.findall(r'\{ LOG_[A-Z]+, "([A-Z ]{5})" \}', file.read())
    assert {"FATAL", "BUG  ", "VERB "} < set(tags) and len(tags) == 7, tags
    lines = [f"[    1.00000{n}] {tag} text".encode() for n, tag in enumerate(tags)]
    assert demux.feed(b"\r\n".join(lines) + b"\r\n") == b"" and demux.log_seen == lines
    not_one = b"[    1.000000] VERBOSE is no tag\r\n"
    assert demux.feed(not_one) + demux.end() == not_one and demux.log_seen == lines


@pytest.mark.parametrize("held", [b"R", b"R mach"])
def test_a_prompt_that_looks_like_a_line_is_shown_soon(demux, held):
    assert demux.feed(b"\n" + held) == b"\n" and demux.silent(0.1) == b"" and demux.silent(0.2) == held
    assert demux.feed(b"ine panic\r\nx").endswith(b"panic\r\nx") and not demux.results_seen


@pytest.mark.parametrize("held", [b"[", b"[    ", b"[ 1", b"[    0.0010", b"[    0.001000] INF", b"R machine", b"R machine pan"])
def test_a_line_may_pause_in_its_head(demux, held):
    assert demux.feed(b"\n" + held) == b"\n" and demux.silent(0.2) == demux.silent(1.8) == b""
    assert demux.silent(2.0) == held


@pytest.mark.parametrize("end, silence", [(b"\r", 0.2), (b"\r\n", 0.2), (b"\r\n\r", 2.0), (b"\r\n\r[ ", 2.0)])
def test_a_line_end_that_may_be_a_break_is_shown_soon(demux, end, silence):
    assert demux.feed(b"50%" + end) == b"50%" and demux.silent(silence - 0.1) == b"" and demux.silent(silence) == end


def test_a_break_that_paused_leaves_a_line_of_the_log(demux):
    """The guest's line stays broken then, and nothing else is lost."""
    assert demux.feed(b"ab\r\n") + demux.silent(0.2) + demux.feed(b"\r[    1.000000] INFO  late\r\nc") == b"ab\r\nc"
    assert demux.log_seen == [b"[    1.000000] INFO  late"]


def test_the_head_that_paused_is_still_a_line(demux):
    assert demux.feed(b"\n[  ") + demux.silent(1.0) + demux.feed(b"  0.00") + demux.silent(1.0) + demux.feed(b"1000] WARN  late\r\n") == b"\n"
    assert demux.log_seen == [b"[    0.001000] WARN  late"]


def test_the_end_keeps_a_line_that_never_ended(demux):
    assert demux.feed(b"[    0.001000] INFO  torn") == b"" and demux.silent(60) == b""
    assert demux.end() == b"[    0.001000] INFO  torn" and not demux.log_seen


# The rehearsed line

class Clock:
    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(rehearsal.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def taken(line, clock, seconds, step=0.01):
    data = b""
    for _ in range(round(seconds / step)):
        clock.now += step
        data += line.take()
    return data


def test_a_line_has_its_speed(clock):
    line = rehearsal.Line(9600, 0, random.Random(1))
    line.put(b"x" * 5000)
    assert 955 <= len(taken(line, clock, 1.0)) <= 965
    clock.now += 60
    assert len(line.take()) <= 40, "what was not sent in time is not made up for in one burst"


def test_a_line_without_a_speed_takes_all(clock):
    line = rehearsal.Line(0, 0, random.Random(1))
    line.put(b"x" * 5000)
    assert line.take() == b"x" * 5000 and line.take() == b""


def test_a_lossy_line_repeats_with_its_seed(clock):
    data = bytes(range(256)) * 20

    def lost(seed):
        line = rehearsal.Line(0, 0.1, random.Random(seed))
        line.put(data)
        return line.take()
    assert lost("1 out") == lost("1 out") != lost("1 into")
    assert 0.05 < 1 - len(lost("1 out")) / len(data) < 0.15


# The rehearsed board, with a QEMU that plays a script

class Board:
    """A rehearsal that is served, and the line's other end."""

    def __init__(self, folder, play, *arguments):
        self.folder = folder.path
        self.process = subprocess.Popen([rehearsal.__file__, "serve", self.folder, "--board", "qemu-virt", "--baud", "0", *arguments],
                                        stdin=subprocess.DEVNULL, env={**os.environ, **folder.fake_env(play)})
        limit = time.monotonic() + 10
        while not os.path.exists(os.path.join(self.folder, "qemu.txt")):
            assert time.monotonic() < limit and self.process.poll() is None
            time.sleep(0.02)

    def ask(self, word):
        return subprocess.run([rehearsal.__file__, word, self.folder], capture_output=True, timeout=30, check=False, text=True)

    def hear(self, wanted):
        line = fdspawn(os.open(os.path.join(self.folder, "serial"), os.O_RDWR | os.O_NOCTTY), timeout=10)
        try:
            line.expect_exact(wanted)
            return line.before + line.after
        finally:
            line.close()

    def end(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def board(folder):
    started = []

    def start(play, *arguments):
        started.append(Board(folder, play, *arguments))
        return started[-1]
    yield start
    for each in started:
        each.end()


def test_the_last_words_of_a_machine_that_ends_by_itself(board):
    said = "hello\r\n" + "x" * 20000 + "\r\nR machine end\r\n"
    started = board([["sleep", 1.0], ["console", said]])
    assert started.ask("on").stdout == "on\n"
    assert started.hear(b"R machine end\r\n").replace(b"\0", b"") == said.encode()
    limit = time.monotonic() + 10
    while started.ask("state").stdout != "off\n":
        assert time.monotonic() < limit


def test_what_was_on_its_way_goes_with_the_switch(board):
    """Not a byte of what would take 100 seconds."""
    started = board([["console", "x" * 24000], ["sleep", 30]], "--baud", "2400")
    assert started.ask("on").returncode == 0 and started.ask("off").returncode == 0
    line = fdspawn(os.open(os.path.join(started.folder, "serial"), os.O_RDWR | os.O_NOCTTY))
    try:
        line.expect(pexpect.TIMEOUT, timeout=1)
        assert b"x" in line.before
        buffer_set(line, b"")
        line.expect(pexpect.TIMEOUT, timeout=2)
        assert line.before == b""
    finally:
        line.close()


def test_a_refusal_of_qemu_is_shown(board):
    started = board([["stderr", "qemu: no such machine\n"], ["exit", 1]])
    done = started.ask("on")
    assert done.returncode == 1 and "no such machine" in done.stdout, done
    assert started.ask("state").stdout == "off\n"


def test_a_folder_with_a_long_name(tmp_path):
    deep = tmp_path / ("d" * 120)
    args = SimpleNamespace(folder=str(deep), board="qemu-virt", seed=1, baud=0, loss=0.0)
    made = rehearsal.Board(args)
    try:
        assert os.path.exists(deep / "power")
    finally:
        made.control.close()
        made.words.close()


# A console that is drained

class Piped(Machine):
    """A machine whose console is a pipe that the test fills."""

    def __init__(self, folder):
        super().__init__(folder, 1)
        reading, self.writing = os.pipe()
        self.console = fdspawn(reading, timeout=1)
        self.file = open(self.path("console.txt"), "wb", buffering=0)
        self.console.logfile_read = self.file

    def over(self):
        return True


@pytest.fixture
def piped(tmp_path):
    made = Piped(tmp_path)
    yield made
    made.console.close()
    made.file.close()
    os.close(made.writing)


def test_what_nobody_waited_for_is_in_the_story(piped):
    os.write(piped.writing, b"one> two> three")
    piped.expect(rb"one> ")
    piped.expect(rb"two")
    assert piped.before == b"" and "three" in piped.story()
    os.write(piped.writing, b" four\n")
    assert "four" in piped.story() and piped.text("console.txt") == "one> two> three four\n"
    assert piped.before == b"" and piped.console.match[0] == b"two"
    assert piped.expect(rb"> (.*)\n")[1] == b"three four"


def test_quiet_forgets_what_came(piped):
    os.write(piped.writing, b"old")
    assert piped.quiet(0.1) == b"old"
    with pytest.raises(AssertionError):
        piped.expect(rb"old", 0.1)


def test_limits_follow_the_patience(piped):
    piped.patience = 3
    began = time.monotonic()
    with pytest.raises(AssertionError):
        piped.expect(rb"nothing", 0.2)
    assert 0.5 < time.monotonic() - began < 5
    buffer_set(piped.console, b"seen")
    assert piped.expect(rb"seen", 0)


# Environment files

def config(**main):
    return SimpleNamespace(config=SimpleNamespace(get_targets=lambda: {"main": main} if main else {}), targets={})


def test_an_environment_without_drivers_is_the_emulator():
    made = Environment("x/qemu.yaml", config(options={"armature": "v2"}))
    assert made.emulated and made.name == "qemu" and made.target.features == TARGETS["v2"].features


def test_a_board_lacks_what_an_emulator_has():
    made = Environment("x/board.yaml", config(options={"armature": "rpi4", "slow": "2.5"}, drivers={}))
    assert not made.emulated and made.target.patience == TARGETS["rpi4"].patience * 2.5
    for feature in ("icount", "debugger", "raw-console", "own-tool", "reset-ends"):
        assert "board" in made.target.lacks(feature)
    assert made.target.lacks("gicv2") is None and made.target.lacks(cores=5)


@pytest.mark.parametrize("main, reason", [({}, "no target 'main'"), ({"options": {"armature": "vax"}}, "'vax' is none of v3, v2, rpi4")])
def test_an_environment_that_says_nothing(main, reason):
    with pytest.raises(pytest.UsageError, match=reason):
        Environment("x.yaml", config(**main))


def test_a_port_from_a_template_is_a_number():
    main = {"options": {"armature": "v3", "ser2net": "4321"}, "resources": {"NetworkSerialPort": {"port": "4321"}}, "drivers": {}}
    Environment("x.yaml", config(**main))
    assert main["resources"]["NetworkSerialPort"]["port"] == 4321


def test_every_target_has_only_features_that_there_are():
    assert all(target.features <= set(FEATURES) for target in TARGETS.values())


needs_labgrid = pytest.mark.skipif(not importlib.util.find_spec("labgrid"), reason="labgrid is not installed: tools/setup")


def apart(folder, *argv, **variables):
    """A Python of its own, which sees no other LG_ variables than these."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LG_")}
    return subprocess.run(["/usr/bin/python3", *argv], cwd=ROOT, env={**clean, "TMPDIR": folder.path, **variables}, capture_output=True, timeout=60,
                          check=False, text=True)


COLLECT = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", os.path.join(SYS, "test_two_vms.py"))


@needs_labgrid
@pytest.mark.parametrize("name", sorted(os.listdir(ENVIRONMENTS)))
def test_every_environment_file_is_read(folder, name):
    """By pytest as `make hil` calls it, without any variable set, and nothing is left behind."""
    done = apart(folder, *COLLECT, "--lg-env", os.path.join(ENVIRONMENTS, name))
    assert done.returncode == 0 and f"[{name[:-5]}]" in done.stdout, done.stdout + done.stderr
    assert not folder.leftovers()


@needs_labgrid
@pytest.mark.parametrize("name", [name for name in sorted(os.listdir(ENVIRONMENTS)) if not name.startswith("qemu")])
def test_the_drivers_of_every_environment_fit_together(folder, name):
    """All of a board but the devices themselves."""
    code = (f"import sys; sys.path.insert(0, {SYS!r}); import labgrid; from hil.environment import Environment, variables_set; variables_set(); "
            f"path = {os.path.join(ENVIRONMENTS, name)!r}; made = Environment(path, labgrid.Environment(path)); made.rehearse = None; "
            "strategy = made.strategy(); print(strategy.status.name, bool(strategy.tftp) != bool(strategy.card))")
    done = apart(folder, "-c", code, LG_BOARD=folder.path)
    assert done.stdout == "unknown True\n", done.stdout + done.stderr


@needs_labgrid
def test_an_environment_file_that_cannot_be_read_is_an_error_of_usage(folder):
    done = apart(folder, *COLLECT, LG_ENV=folder.file("wrong.yaml", "targets: {main: {options: {armature: !template '$LG_NOT_SET'}}}"))
    assert done.returncode == 4 and "LG_NOT_SET" in done.stderr and "INTERNALERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert not folder.leftovers()
    done = apart(folder, *COLLECT, LG_ENV="/etc/passwd")
    assert done.returncode == 4 and "/etc/passwd: no labgrid environment" in done.stderr, done.stderr


def test_a_server_dies_with_the_one_who_started_it(folder):
    """However that one is ended."""
    code = (f"import sys, time; sys.path.insert(0, {SYS!r}); from hil.environment import server_start; "
            "print(server_start(['sleep', '60']).pid, flush=True); time.sleep(60)")
    parent = subprocess.Popen(["/usr/bin/python3", "-c", code], stdout=subprocess.PIPE)
    child = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    parent.wait(10)
    parent.stdout.close()
    try:
        assert select.select([child], [], [], 10)[0], "it still runs"
    finally:
        os.close(child)


# U-Boot's prompt on a line that garbles

class UBoot:
    """The driver, its console and the strategy in one: plays what the line made of each command that is typed."""

    def __init__(self, *answers):
        self.answers, self.typed, self.interrupted = list(answers), [], 0
        self.uboot = self.console = self.tftp = self._expect = self
        self.prompt, self.start_time, self.START = "=> ", 1, "run armature_go"
        self.before, self.buffer, self.buffer_type = b"", b"", io.BytesIO
        self.txdelay, self.paces = 0.0, []

    def run(self, command, timeout):
        self.typed.append(command)
        self.paces.append(self.txdelay)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        echo, output, code = answer
        self.before = b"echo 'mark'; " + echo + b"; echo\r\n"
        return output, [], code

    def expect(self, patterns, timeout):
        answer = self.answers.pop(0)
        found = re.search(patterns[0], answer)
        self.buffer = answer[found.end():] if found else b""
        return (0, answer[:found.start()], found, found[0]) if found else (1, answer, None, b"=> ")

    def sendline(self, text):
        self.typed.append(text)

    def prompt_again(self):
        self.interrupted += 1


@pytest.fixture
def strategy():
    if not importlib.util.find_spec("labgrid"):
        pytest.skip("labgrid is not installed: tools/setup")
    from hil import drivers
    return drivers


def test_a_garbled_command_is_typed_again(strategy):
    board = UBoot((b"tru", [], 0), pexpect.TIMEOUT("nothing"), ValueError("no mark"), (b"true", [], 1), (b"true", ["x=y"], 0), (b"true", ["x=z"], 0))
    strategy.ArmatureStrategy.command(board, "true", 1, "x=z")
    assert board.typed == ["true"] * 6 and board.interrupted == 5 and not board.answers
    assert board.paces == [0.0] + [strategy.SLOWLY] * 5 and board.txdelay == 0.0, "what was lost is typed slowly, and that alone"


def test_a_command_that_is_always_garbled_is_an_error(strategy):
    board = UBoot(*[(b"tru", [], 0)] * 20)
    with pytest.raises(strategy.StrategyError) as error:
        strategy.ArmatureStrategy.command(board, "true", 1)
    assert "its echo is another" in error.value.msg and len(board.typed) == strategy.TYPED


def test_a_power_switch_that_fails_in_its_own_way_is_named(strategy):
    def action():
        raise ConnectionError("lab-power: no route to host")
    with pytest.raises(strategy.StrategyError) as error:
        strategy.ArmatureStrategy.switch(None, action)
    assert error.value.msg == "the power switch: ConnectionError: lab-power: no route to host"


def test_a_prompt_instead_of_the_hypervisor_is_told_again(strategy):
    board = UBoot(b"run armture_go\r\n", b"run armature_go\r\nStarting kernel\r\n[    0.000100] INFO  Armature x\r\nmore")
    strategy.ArmatureStrategy.first_word(board)
    assert board.typed == ["run armature_go"] and board.interrupted == 1 and board.buffer == b""
    assert board.heard == b"run armture_go\r\n=> run armature_go\r\nStarting kernel\r\n[    0.000100] INFO  Armature x\r\nmore"


@pytest.mark.parametrize("line, first", [
    (b"\r\n[    0.000100] INFO  Armature x", True), (b"\r\n[    0.000100] BUG   x", True), (b"\r\n[    0.000100] VERB  x", True), (b"\r\nR machine panic", True), (b"\r\nArmature: entered at EL1, it needs EL2", True),
    (b"\r\n[    0.000000] Booting Linux", False), (b"\r\nArmature: starting from mmc 0:1", False), (b"\r\nArmature: not started", False)])
def test_the_first_word(strategy, line, first):
    assert bool(re.search(strategy.STARTED, line)) == first


# Reports

JUNIT = """<?xml version="1.0"?><testsuites><testsuite name="pytest" hostname="lab" time="3.5" timestamp="2026-01-01T00:00:00">
<properties><property name="hypervisor" value="abc-dirty"/></properties>
<testcase classname="t.test_a" name="test_good[board]" time="1.0"/>
<testcase classname="t.test_a" name="test_bad" time="2.0"><failure message="assert 1 &lt; 0&#10;more">--- raw.txt
&lt;b&gt;said&lt;/b&gt;</failure></testcase>
<testcase classname="t.test_a" name="test_not" time="0.1"><skipped message="it has no icount">here</skipped></testcase>
<testcase classname="t.test_a" name="test_end" time="0.1"><error message="power">gone</error></testcase>
</testsuite></testsuites>"""


def test_a_report_tells_each_test(folder):
    report.main([folder.file("run.xml", JUNIT), os.path.join(folder.path, "run.html")])
    with open(os.path.join(folder.path, "run.html"), encoding="utf-8") as file:
        text = file.read()
    assert "1 failed, 1 error, 1 skipped, 1 passed" in text and "abc-dirty" in text
    rows = [line for line in text.splitlines() if line.startswith("<tr><td>")]
    assert [row.split("<td class=\"")[1].split('"')[0] for row in rows] == ["failed", "error", "skipped", "passed"]
    assert "assert 1 &lt; 0<details>" in rows[0] and "&lt;b&gt;said&lt;/b&gt;" in text and "<b>" not in text
    assert "it has no icount" in text and "t.test_a.test_good[board]" in text
    xml.fromstring(text.split("\n", 1)[1].replace('<meta charset="utf-8">', ""))  # every element is closed


def test_a_report_of_nothing(folder):
    with pytest.raises(SystemExit, match="no element found"):
        report.main([folder.file("run.xml", ""), os.path.join(folder.path, "run.html")])
