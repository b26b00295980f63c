# SPDX-License-Identifier: Apache-2.0
"""The marker filter and the escape key, in every way their bytes can be cut."""
import pytest

from armature_lib.console import Gate, Keys


def fed(part, data, size):
    return b"".join(part.feed(data[at:at + size]) for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_held_until_the_marker_line(size):
    gate = Gate(b"mark-42", hold=True)
    text = b"U-Boot\r\nbootargs mark-42 log=error\r\nmark-4\r\nmark-42\r\nguest mark-42\r\n"
    assert fed(gate, text, size) == b"guest mark-42\r\n" and gate.open and gate.rest() == b""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_shared_console_loses_only_the_marker_line(size):
    gate = Gate(b"mark-42")
    assert fed(gate, b"U-Boot mark\r\nmark-42\rmark-42\r\nguest", size) == b"U-Boot mark\r\nmark-42\rguest"


def test_marker_that_never_came():
    gate = Gate(b"mark", hold=True)
    assert gate.feed(b"panic") == b"" and not gate.open and gate.rest() == b"panic"
    gate = Gate(b"mark")
    assert gate.feed(b"panic ma") == b"panic " and gate.rest() == b"ma"


def test_no_marker_no_filter():
    gate = Gate(None, hold=True)
    assert gate.open and gate.feed(b"x") == b"x"


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("typed, passed, leaves", [
    (b"abc\x03", b"abc\x03", False), (b"a\x1d\x1db", b"a\x1db", False), (b"a\x1dxb", b"a\x1dxb", False), (b"a\x1dq", b"a", True),
    (b"\x1d\x1dq", b"\x1dq", False)])
def test_own_escape_key(size, typed, passed, leaves):
    keys = Keys(own=True)
    assert fed(keys, typed, size) == passed and keys.quit == leaves


@pytest.mark.parametrize("typed, leaves", [(b"a\x1dq", True), (b"\x1d\x1dq", False), (b"\x1d1q", False)])
def test_hypervisors_escape_key_passes(typed, leaves):
    keys = Keys(own=False)
    assert keys.feed(typed) == typed and keys.quit == leaves
