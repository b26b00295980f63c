# SPDX-License-Identifier: Apache-2.0
"""
An environment file: a labgrid environment whose target `main` says in its options which of target.py's machines it is, and how tests reach it.

    options:
      armature: rpi4         the machine; what it can do without an emulator around it is taken from there
      rehearse: ...          arguments of hil/rehearsal.py: a board made of QEMU is served in $LG_BOARD while the tests run
      slow: '3'              tests' time limits are longer by that
"""
import dataclasses
import os
import shlex
import signal
import subprocess
import tempfile
import time

import pytest

from target import EMULATED, TARGETS

HERE = os.path.dirname(os.path.realpath(__file__))
REHEARSAL = os.path.join(HERE, "rehearsal.py")
# What only an emulator is asked for, or needs more than one wire.
ONLY_EMULATED = EMULATED | {"cores-chosen", "memory-chosen", "models", "virtio", "flash", "el1", "fit", "raw-console", "own-tool"}
UP_TIME = 10


class Environment:
    """`emulated`: tests start QEMU by `armature run`; else there is a strategy that switches a board."""

    def __init__(self, path, labgrid):
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.server, self.labgrid = None, labgrid
        main = self.labgrid.config.get_targets().get("main")
        if not main:
            raise pytest.UsageError(f"{path}: no target 'main'")
        options = main.get("options", {})
        base = TARGETS.get(options.get("armature"))
        if not base:
            raise pytest.UsageError(f"{path}: options: armature: '{options.get('armature')}' is none of {', '.join(TARGETS)}")
        self.emulated = "drivers" not in main
        slow = float(options.get("slow", 1))
        self.rehearse = options.get("rehearse")
        features = base.features if self.emulated else base.features - ONLY_EMULATED
        cores = base.cores if self.emulated else min(base.cores, 4)
        self.base = base
        self.target = dataclasses.replace(base, name=self.name, features=features, cores=cores, patience=base.patience * slow)

    def strategy(self):
        """Of the board, which is rehearsed from now on if it is to be."""
        if self.rehearse and not self.server:
            board = os.environ["LG_BOARD"]
            self.server = subprocess.Popen([REHEARSAL, "serve", board, *shlex.split(self.rehearse)], stdin=subprocess.DEVNULL)
            limit = time.monotonic() + UP_TIME
            while not os.path.exists(os.path.join(board, "power")):
                if self.server.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError(f"the rehearsed board does not come up: {REHEARSAL} serve {board} {self.rehearse}")
                time.sleep(0.05)
        return self.labgrid.get_target("main").get_driver("ArmatureStrategy", activate=False)

    def close(self):
        if self.labgrid.targets:
            self.labgrid.cleanup()
        if self.server:
            self.server.send_signal(signal.SIGTERM)
            try:
                self.server.wait(UP_TIME)
            except subprocess.TimeoutExpired:
                self.server.kill()


def environment_prepare(config):
    """Before labgrid reads the file: what it may refer to."""
    path = config.getoption("--lg-env", default=None)
    if path:
        os.environ.setdefault("LG_BOARD", tempfile.mkdtemp(prefix="armature-board-"))
        os.environ["LG_SYS"] = os.path.dirname(HERE)


def environment_of(config):
    """The pytest configuration's, made once; None: there is none, and every emulated target is tested."""
    labgrid = getattr(config, "_labgrid_env", None)
    if labgrid is None:
        return None
    if not hasattr(config, "armature_environment"):
        config.armature_environment = Environment(labgrid.config_file, labgrid)
    return config.armature_environment
