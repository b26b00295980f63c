# SPDX-License-Identifier: Apache-2.0
"""Cores that wait in a loop leave the host to the one that works, until U-Boot starts something."""
import os
import threading

import pytest

from armature_lib.spinning import SpinningCores


@pytest.fixture
def cores():
    """Threads with the names that QEMU gives its own: what each may run on, by its name."""
    over, ready, found = threading.Event(), threading.Barrier(5), {}

    def work(name):
        found[name] = threading.get_native_id()
        with open(f"/proc/self/task/{found[name]}/comm", "w", encoding="ascii") as file:
            file.write(name)
        ready.wait()
        over.wait()
    threads = [threading.Thread(target=work, args=(name,)) for name in ("CPU 0/TCG", "CPU 1/TCG", "CPU 3/TCG", "worker")]
    for thread in threads:
        thread.start()
    ready.wait()
    yield lambda: {name: os.sched_getaffinity(thread) for name, thread in found.items()}
    over.set()
    for thread in threads:
        thread.join()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this host has one core")
@pytest.mark.parametrize("last", [[b"\nStarting kernel ...\n"], [b"## Starting appl", b"ication at 0x00200000"]])
def test_waiting_cores_share_one_until_u_boot_starts_something(cores, last):
    free, spinning = os.sched_getaffinity(0), SpinningCores(os.getpid())
    assert all(where == free for where in cores().values())
    spinning.console_said(b"")
    assert all(where == free for where in cores().values())  # nothing came: QEMU may not have its threads yet
    spinning.console_said(b"\nU-Boot 2023.01")
    spinning.console_said(b"Hit any key to stop autoboot")
    assert cores() == {"CPU 0/TCG": free, "worker": free, "CPU 1/TCG": {max(free)}, "CPU 3/TCG": {max(free)}}
    for words in last:
        assert cores()["CPU 1/TCG"] == {max(free)}
        spinning.console_said(words)
    assert all(where == free for where in cores().values())
    spinning.console_said(b"\nU-Boot 2023.01")  # a guest's
    assert all(where == free for where in cores().values())


def test_a_machine_that_has_ended_is_no_error():
    SpinningCores(1 << 22).console_said(b"U-Boot")
