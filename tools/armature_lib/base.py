# SPDX-License-Identifier: Apache-2.0
"""What every part needs: refusing an input, running a helper program, sizes as people write them."""
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
EXIT_REFUSED = 2


class Refused(Exception):
    """An input that is not usable. The message names the thing and the reason; nothing was started."""


def say(text):
    """To whoever reads stderr; that nobody does changes nothing."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        descriptor_silence(2)


def descriptor_silence(number):
    """What is still held for it goes nowhere, instead of failing once more when the interpreter ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


def note(text):
    say(f"armature: {text}\n")


def align_up(value, step):
    return (value + step - 1) // step * step


def align_down(value, step):
    return value // step * step


def size_parse(text):
    """'512M', '1G', '64K', or bytes as '0x20000000' or a decimal number of at least a page."""
    match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|[0-9]+)([kKmMgG])?(?:i?[bB])?", text)
    if not match:
        raise ValueError(f"'{text}' is no size: write it as 512M, 1G or 0x20000000")
    value = int(match[1], 0) if match[1][:2].lower() == "0x" else int(match[1], 10)
    value *= {None: 1, "k": KIB, "m": MIB, "g": GIB}[match[2].lower() if match[2] else None]
    if value < 4 * KIB:
        raise ValueError(f"'{text}' is less than a page: write the unit, as in 512M or 1G")
    return value


def size_text(value):
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if value >= unit and value % unit == 0:
            return f"{value // unit} {name}"
    return f"{value} bytes"


def address_parse(text):
    try:
        value = int(text, 0)
    except ValueError:
        raise ValueError(f"'{text}' is no address: write it as 0x40000000") from None
    if not 0 <= value < 1 << 64:
        raise ValueError(f"'{text}' does not fit 64 bits")
    return value


def file_required(path, what):
    """The path, if it names a file that can be read."""
    if os.path.isdir(path):
        raise Refused(f"{what} '{path}': is a directory")
    if not os.path.exists(path):
        raise Refused(f"{what} '{path}': no such file")
    if not os.access(path, os.R_OK):
        raise Refused(f"{what} '{path}': not readable")
    return path


def program_required(name, package):
    """Where a helper program is; /usr/sbin is looked at too, which is not in everyone's PATH."""
    found = shutil.which(name, path=os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin")
    if not found:
        raise Refused(f"the program '{name}' is missing: install Debian's package {package}")
    return found


def program_run(argv, package, what, **kwargs):
    """Runs a helper program to its end; its own words are the reason if it fails. Answers its output and messages."""
    argv = [program_required(argv[0], package)] + argv[1:]
    done = subprocess.run(argv, stdin=kwargs.pop("stdin", subprocess.DEVNULL) if "input" not in kwargs else None,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **kwargs)
    messages = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode:
        raise Refused(f"{what}: {messages or done.stdout.decode('utf-8', 'replace').strip() or 'failed'}")
    return done.stdout, messages
