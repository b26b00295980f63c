# SPDX-License-Identifier: Apache-2.0
"""
An environment file: a labgrid environment whose target `main` says in its options which of target.py's machines it is, and how tests reach it.

    options:
      armature: rpi4         the machine; what it can do without an emulator around it is taken from there
      rehearse: ...          arguments of hil/rehearsal.py: a board made of QEMU is served in $LG_BOARD while the tests run
      ser2net: PORT          its line is served there, on loopback, by ser2net
      firmware: FOLDER       the board's own firmware files, for its card
      slow: '3'              tests' time limits are longer by that

What a file may refer to (!template "$LG_..."): LG_SYS, the folder tests/sys; LG_BOARD, the rehearsed board's folder; LG_PORT, a port of loopback that is
free; LG_FIRMWARE (firmware/rpi4 unless it is set).
"""
import dataclasses
import importlib.util
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

from machine import ROOT
from target import EMULATED, TARGETS

sys.path.insert(0, os.path.join(ROOT, "tools"))
from armature_lib.machine import dies_with_us, port_free  # noqa: E402
from armature_lib.rpi import FOLDER as FIRMWARE  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))
REHEARSAL = os.path.join(HERE, "rehearsal.py")
# What only an emulator is asked for, or needs more than one wire.
ONLY_EMULATED = EMULATED | {"cores-chosen", "memory-chosen", "models", "virtio", "pl061", "flash", "el1", "fit"}
UP_TIME = 10
SER2NET = """%YAML 1.1
---
connection: &board
  accepter: telnet(rfc2217),tcp,localhost,{port}
  connector: serialdev,{serial},115200n81,local
  options:
    kickolduser: true
"""


class Environment:
    """`emulated`: tests start QEMU by `armature run`; else there is a strategy that switches a board."""

    def __init__(self, path, labgrid):
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.servers, self.labgrid = [], labgrid
        main = self.labgrid.config.get_targets().get("main")
        if not main:
            raise pytest.UsageError(f"{path}: no target 'main'")
        options = main.get("options", {})
        ports_are_numbers(main)
        base = TARGETS.get(options.get("armature"))
        if not base:
            raise pytest.UsageError(f"{path}: options: armature: '{options.get('armature')}' is none of {', '.join(TARGETS)}")
        self.emulated = "drivers" not in main
        slow = float(options.get("slow", 1))
        self.rehearse, self.ser2net, self.firmware = options.get("rehearse"), options.get("ser2net"), options.get("firmware")
        features = base.features if self.emulated else base.features - ONLY_EMULATED
        cores = base.cores if self.emulated else min(base.cores, 4)
        self.base = base
        self.target = dataclasses.replace(base, name=self.name, features=features, cores=cores, patience=base.patience * slow)

    def strategy(self):
        """Of the board, which is rehearsed from now on if it is to be."""
        if self.rehearse and not self.servers:
            rehearsal_start(self.servers, os.environ["LG_BOARD"], self.rehearse, self.ser2net)
        return self.labgrid.get_target("main").get_driver("ArmatureStrategy", activate=False)

    def close(self):
        try:
            if self.labgrid.targets:
                self.labgrid.cleanup()
        finally:
            rehearsal_end(self.servers)


def ports_are_numbers(main):
    """A template gives text, and labgrid wants a number."""
    resources = main.get("resources", {})
    for each in [resources] if isinstance(resources, dict) else resources:
        for arguments in each.values():
            if isinstance(arguments, dict) and str(arguments.get("port")).isdigit():
                arguments["port"] = int(arguments["port"])


def server_start(argv):
    """In the background, no longer than we live."""
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=dies_with_us())


def wait_until(there, servers, what):
    limit = time.monotonic() + UP_TIME
    while not there():
        if time.monotonic() > limit or any(server.poll() is not None for server in servers):
            raise RuntimeError(f"{what} does not come up")
        time.sleep(0.05)


def port_listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def rehearsal_start(servers, board, arguments, ser2net=None):
    """A rehearsed board in the folder `board`, its line on a port of loopback too if one is named."""
    servers.append(server_start([REHEARSAL, "serve", board, *shlex.split(arguments)]))
    wait_until(lambda: os.path.exists(os.path.join(board, "power")), servers, f"{REHEARSAL} serve {board} {arguments}")
    if ser2net:
        config = os.path.join(board, "ser2net.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(SER2NET.format(port=ser2net, serial=os.path.realpath(os.path.join(board, "serial"))))
        servers.append(server_start(["ser2net", "-n", "-u", "-c", config]))
        wait_until(lambda: port_listens(int(ser2net)), servers, f"ser2net on port {ser2net}")


def rehearsal_end(servers):
    while servers:
        server = servers.pop()
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(UP_TIME)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def variables_set():
    """What an environment file may refer to; a folder of ours for the board is answered, which goes when it is over."""
    made = None
    if "LG_BOARD" not in os.environ:
        made = os.environ["LG_BOARD"] = tempfile.mkdtemp(prefix="armature-board-")
    os.environ["LG_SYS"] = os.path.dirname(HERE)
    os.environ.setdefault("LG_FIRMWARE", FIRMWARE)
    os.environ.setdefault("LG_PORT", str(port_free()))
    return made


def variables_end(made):
    if made:
        shutil.rmtree(made, ignore_errors=True)
        os.environ.pop("LG_BOARD")


def environment_prepare(config):
    """Before labgrid reads the file: what it may refer to, and whether it can be read, which labgrid would answer with a traceback."""
    path = config.getoption("--lg-env", default=None) or os.environ.get("LG_ENV")
    if not path:
        return
    if not importlib.util.find_spec("labgrid"):
        raise pytest.UsageError(f"{path}: labgrid is not installed: tools/setup")
    from labgrid.config import Config
    config.armature_made = variables_set()
    try:
        Config(path)
    except Exception as error:
        environment_end(config)
        raise pytest.UsageError(f"{path}: no labgrid environment: {error}") from None


def environment_end(config):
    variables_end(getattr(config, "armature_made", None))
    config.armature_made = None


def environment_of(config):
    """The pytest configuration's, made once; None: there is none, and every emulated target is tested."""
    labgrid = getattr(config, "_labgrid_env", None)
    if labgrid is None:
        return None
    if not hasattr(config, "armature_environment"):
        config.armature_environment = Environment(labgrid.config_file, labgrid)
    return config.armature_environment
