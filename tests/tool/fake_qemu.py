#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for QEMU: plays the steps of FAKE_QEMU_PLAY (JSON) on the channels that it was given, and writes its arguments down."""
import json
import os
import re
import signal
import socket
import sys
import time


def channel(name):
    match = re.search(rf"socket,id={name},fd=(\d+)", " ".join(sys.argv))
    return socket.socket(fileno=int(match[1]))


def marker():
    match = re.search(r"console-marker=(\S+)", " ".join(sys.argv))
    return match[1] if match else "no-marker"


def play(steps, channels):
    for step, *rest in steps:
        if step in channels:
            channels[step].sendall(rest[0].replace("{marker}", marker()).encode("latin-1"))
        elif step == "sleep":
            time.sleep(rest[0])
        elif step == "echo":  # until a byte comes that ends it
            while (byte := channels["console"].recv(1)) not in (b"", rest[0].encode("latin-1")):
                channels["console"].sendall(byte)
        elif step == "stderr":
            sys.stderr.write(rest[0])
            sys.stderr.flush()
        elif step == "flood":
            for _ in range(rest[0]):
                channels["console"].sendall(b"x" * 65536)
        elif step == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif step == "exit":
            sys.exit(rest[0])


def main():
    if os.environ.get("FAKE_QEMU_ARGS"):
        with open(os.environ["FAKE_QEMU_ARGS"], "w", encoding="utf-8") as file:
            json.dump({"argv": sys.argv[1:], "pid": os.getpid()}, file)
    play(json.loads(os.environ["FAKE_QEMU_PLAY"]), {name: channel(name) for name in ("console", "results")})


main()
