# SPDX-License-Identifier: Apache-2.0
"""The console: what of the UART is the guest's, the escape key, and the terminal's modes."""
import os
import signal
import termios

ESCAPE, QUIT, INTERRUPT = 0x1D, ord("q"), 0x03  # Ctrl-], q, Ctrl-C
HELD_LIMIT = 1 << 20


class Gate:
    """
    Finds the marker line that the hypervisor prints just before its guests start. With `hold`, what came before it (U-Boot's words) is
    kept back; without, only the line itself is taken out. No marker: everything passes.
    """

    def __init__(self, marker=None, hold=False):
        self.marker = marker + b"\r\n" if marker else None
        self.hold = hold and marker is not None
        self.open = marker is None
        self.held = b""

    def feed(self, data):
        """The bytes to pass on."""
        if self.open:
            return data
        seen = self.held + data
        at = seen.find(self.marker)
        if at >= 0:
            self.open, self.held = True, b""
            before, after = seen[:at], seen[at + len(self.marker):]
            return after if self.hold else before + after
        if self.hold:
            self.held = seen[-HELD_LIMIT:]
            return b""
        keep = next(n for n in range(min(len(seen), len(self.marker) - 1), -1, -1) if seen.endswith(self.marker[:n]))
        self.held = seen[len(seen) - keep:]
        return seen[:len(seen) - keep]

    def rest(self):
        """What was kept back when the marker never came."""
        held, self.held = self.held, b""
        return held


class Keys:
    """
    Watches the bytes typed for the escape key. `own`: the tool acts on it and takes it out (Ctrl-] twice sends one); otherwise the
    hypervisor does, all bytes pass, and the tool only learns that the user wants to leave.
    """

    def __init__(self, own):
        self.own = own
        self.escaped = False
        self.quit = False

    def feed(self, data):
        out = bytearray()
        for byte in data:
            if self.escaped:
                self.escaped = False
                self.quit |= byte == QUIT
                if self.own and byte not in (ESCAPE, QUIT):
                    out.append(ESCAPE)
                if not self.own or byte != QUIT:
                    out.append(byte)
            elif byte == ESCAPE:
                self.escaped = True
                if not self.own:
                    out.append(byte)
            else:
                out.append(byte)
        return bytes(out)


class Terminal:
    """The terminal behind a descriptor, raw while the run lasts. Nothing happens where there is none, or where we are in the background."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.saved = None

    def is_ours(self):
        try:
            return os.isatty(self.descriptor) and os.tcgetpgrp(self.descriptor) == os.getpgrp()
        except OSError:
            return False

    def raw(self):
        if self.saved is not None or not self.is_ours():
            return
        self.saved = termios.tcgetattr(self.descriptor)
        mode = termios.tcgetattr(self.descriptor)
        mode[0] &= ~(termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR | termios.IGNCR
                     | termios.ICRNL | termios.IXON)
        mode[1] &= ~termios.OPOST
        mode[2] = mode[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        mode[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self.descriptor, termios.TCSADRAIN, mode)

    @property
    def is_raw(self):
        return self.saved is not None

    def restore(self):
        if self.saved is None:
            return
        saved, self.saved = self.saved, None
        old = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # we may be in the background by now
        try:
            termios.tcsetattr(self.descriptor, termios.TCSADRAIN, saved)
        except termios.error:
            pass  # the terminal is gone
        finally:
            signal.signal(signal.SIGTTOU, old)
