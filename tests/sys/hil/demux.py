# SPDX-License-Identifier: Apache-2.0
"""
One wire for all: the log's lines, results among them (host options log-to=uart results=log), taken out of what the consoles say. The rest passes byte by
byte; only what may become a line of the log waits for the byte that decides. A line of the log that comes in the middle of a guest's begins with BREAK
(hyp/console_output.c), which is taken out with it: the guest's line is whole again.
"""
import re

SEVERITIES = ("FATAL", "BUG", "ERROR", "WARN", "INFO", "DEBUG", "VERB")  # as hyp/log.c writes them
TIME = re.compile(rb"\[ *\d+\.\d{6}\] ")
TIME_BEGUN = re.compile(rb"\[ {0,8}(\d{1,8}(\.(\d{1,6}(\]| ?)?)?)?)?$")
HEAD = re.compile(rb"\[ *\d+\.\d{6}\] (?:" + b"|".join(word.encode() for word in SEVERITIES) + rb") +")
RESULT = re.compile(rb"R (hyp|vm|machine) ")
HEAD_LONGEST = 40
LINE_END = b"\r\n"
BREAK = LINE_END + b"\r"
PANIC = b"R machine panic"
LIKELY = re.compile(rb"\r\n\r|\r?\[|R machine")  # no guest's prompt begins so: it is the hypervisor's line, and the wire is slow
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
        self.held = b""          # what may become a line of the log, or one until it ends
        self.in_log = False
        self.at_start = True     # of a line, where `held` begins

    def feed(self, data):
        out = bytearray()
        for byte in data:
            out += self.byte(bytes((byte,)))
        return bytes(out)

    def byte(self, byte):
        self.held += byte
        if self.in_log:
            return self.log_byte(byte)
        for lead in self.leads():
            if self.held.startswith(lead) and HEAD.match(self.held[len(lead):]):
                self.held, self.in_log = self.held[len(lead):], True
                return b""
        if self.at_start and self.held == PANIC + LINE_END:
            self.result(PANIC)
            return self.rest()
        return b"" if self.undecided() else self.first()

    def leads(self):
        """What may be before a line of the log; a break whose begin was given up for its silence is a lone CR."""
        return (b"", b"\r", BREAK) if self.at_start else (BREAK,)

    def undecided(self):
        if self.at_start and (PANIC + LINE_END).startswith(self.held):
            return True
        return any(lead.startswith(self.held) or self.held.startswith(lead) and may_become_head(self.held[len(lead):]) for lead in self.leads())

    def first(self):
        """The first byte is the console's; what is behind it may become another line yet."""
        first, again = self.held[:1], self.held[1:]
        self.held, self.at_start = b"", first == b"\n"
        return first + self.feed(again)

    def log_byte(self, byte):
        if byte != b"\n":
            return b""
        line, self.held, self.in_log, self.at_start = self.held.rstrip(b"\r\n"), b"", False, True
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
        if self.in_log or not self.held:
            return b""
        held, self.held = self.held, b""
        self.at_start = held.endswith(b"\n")
        return held
