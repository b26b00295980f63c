# SPDX-License-Identifier: Apache-2.0
"""
One wire for all: the log's lines, results among them (host options log-to=uart results=log), taken out of what the consoles say. The rest passes byte by
byte; only what may become a line of the log waits for the byte that decides.
"""
import re

SEVERITIES = ("FATAL", "INTERNAL", "ERROR", "WARN", "INFO", "DEBUG", "VERBOSE")
TIME = re.compile(rb"\[ *\d+\.\d{6}\] ")
TIME_BEGUN = re.compile(rb"\[ {0,8}(\d{1,8}(\.(\d{1,6}(\]| ?)?)?)?)?$")
HEAD = re.compile(rb"\[ *\d+\.\d{6}\] (?:" + b"|".join(word.encode() for word in SEVERITIES) + rb") +")
RESULT = re.compile(rb"R (hyp|vm|machine) ")
HEAD_LONGEST = 40
PANIC = b"R machine panic"
LIKELY = re.compile(rb"\[ *\d|R machine")  # no guest's prompt begins so: it is the hypervisor's line, and the line is slow
PROMPT_TIME, LINE_TIME = 0.2, 2.0  # of silence, after which what was held back is none


def may_become_head(text):
    """Is it the beginning of a log line's time and severity?"""
    match = TIME.match(text)
    if not match:
        return bool(TIME_BEGUN.match(text)) if len(text) < HEAD_LONGEST else False
    rest = text[match.end():]
    return any(word.encode().startswith(rest) for word in SEVERITIES)


class Demux:
    """feed() answers the console's bytes; `log` and `result` are called with whole lines, without their ends."""

    def __init__(self, log, result):
        self.log, self.result = log, result
        self.held = b""          # the begin of a line that is undecided, or a line of the log until it ends
        self.in_log = False
        self.at_start = True

    def feed(self, data):
        out = bytearray()
        for byte in data:
            out += self.byte(bytes((byte,)))
        return bytes(out)

    def byte(self, byte):
        if self.in_log:
            return self.log_byte(byte)
        if not (self.at_start or self.held):
            self.at_start = byte == b"\n"
            return byte
        self.held += byte
        self.at_start = False
        if HEAD.match(self.held):
            self.in_log = True
            return b""
        if may_become_head(self.held) or PANIC.startswith(self.held.rstrip(b"\r\n")):
            return self.panic_line(byte)
        return self.rest()

    def panic_line(self, byte):
        if byte != b"\n":
            return b""
        line = self.held.rstrip(b"\r\n")
        if line == PANIC:
            self.result(line)
        return self.rest()

    def log_byte(self, byte):
        if byte != b"\n":
            self.held += byte
            return b""
        line, self.held, self.in_log, self.at_start = self.held.rstrip(b"\r"), b"", False, True
        self.log(line)
        text = line[HEAD.match(line).end():]
        if RESULT.match(text):
            self.result(text)
        return b""

    def silent(self, seconds):
        """Nothing has come for so long: what was held back and can be no line of the log then."""
        return self.rest() if seconds >= (LINE_TIME if LIKELY.match(self.held) else PROMPT_TIME) else b""

    def end(self):
        """The line is closed: all that was held back, a line of the log that never ended too."""
        self.in_log = False
        return self.rest()

    def rest(self):
        """What was held back and is none: it was decided."""
        if self.in_log:
            return b""
        held, self.held = self.held, b""
        self.at_start = held.endswith(b"\n") or (self.at_start and not held)
        return held
