# SPDX-License-Identifier: Apache-2.0
"""Files that a command writes: never over what it reads, and whole or not at all."""
import contextlib
import os
import signal
import stat
import tempfile

from .base import Refused

READ = {"vms": "description", "kernel": "--kernel", "initrd": "--initrd", "dtb": "--dtb", "bundle": "--bundle", "card": "--card", "hyp": "--hyp",
        "host_dtb": "--host-dtb", "uboot": "--uboot"}


def files_read(args):
    """(what it is called, its path) of every file that the command line names to be read."""
    named = [(what, getattr(args, name, None)) for name, what in READ.items()]
    named += [("--image", item.partition("=")[2]) for item in args.image]
    named += [("--add", item.partition("=")[0]) for item in getattr(args, "add", ())]
    return [(what, path) for what, path in named if path]


def output_check(path, option, others, stream=False):
    """
    Refuses to write over a folder, a device, or one of the `others`, (name, path) each: what is read, and what else is written. A stream may
    be a terminal, a pipe or a character device, and share it.
    """
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise Refused(f"{option} '{path}': is a directory")
    if os.path.exists(path) and not os.path.isfile(path):
        kind = os.stat(path).st_mode
        if not (stream and (stat.S_ISCHR(kind) or stat.S_ISFIFO(kind))):
            raise Refused(f"{option} '{path}': is no regular file")
        return
    for what, other in others:
        if file_same(path, other):
            raise Refused(f"{option} '{path}': is the same file as {what} '{other}'")


def file_same(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:  # one is not there yet
        return os.path.realpath(one) == os.path.realpath(other)


@contextlib.contextmanager
def output_file(path, what):
    """A file to write under another name, which takes the place of `path` (of its target, if it is a link) at the end, or goes."""
    target, partial = os.path.realpath(path), None
    try:
        with signals_held():
            descriptor, partial = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".")
        os.fchmod(descriptor, 0o666 & ~umask_get())
        os.close(descriptor)
        yield partial
        os.replace(partial, target)
        partial = None
    except OSError as error:
        raise Refused(f"{what} '{path}': {error.strerror}") from None
    except Refused as refusal:  # a helper program's words
        raise Refused(str(refusal).replace(partial, path)) from None
    finally:
        if partial:
            os.unlink(partial)


@contextlib.contextmanager
def signals_held():
    """What ends us comes afterwards: between a file's making and our knowing its name it would leave the file."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def umask_get():
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
