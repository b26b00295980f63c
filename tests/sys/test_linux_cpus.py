# SPDX-License-Identifier: Apache-2.0
"""What a Linux guest does with its vCPUs: ticks, load, hotplug."""
import pytest

CPUS = 4
TICKS = 50  # of three busy seconds at 250 Hz; the emulating host may be loaded itself


@pytest.fixture
def guest(linux):
    guest = linux(cpus=CPUS, timeout=180)
    yield guest
    guest.machine.send("poweroff\n")
    assert guest.machine.wait() == 0, guest.machine.story()


def load(guest, seconds):
    """Keeps each CPU busy that long; waits for it."""
    guest.run(f"for c in $(seq 0 {CPUS - 1}); do taskset -p $((1 << c)) $$ >/dev/null; timeout {seconds} sh -c 'while :; do :; done' & done;"
              f" taskset -p {(1 << CPUS) - 1:x} $$ >/dev/null; wait; true", timeout=seconds + 60)


def test_timer_ticks_and_load_on_all_cpus(guest):
    before, busy_before = guest.ticks(), busy(guest)
    load(guest, 3)
    after, busy_after = guest.ticks(), busy(guest)
    assert len(after) == CPUS
    assert all(b - a > TICKS for a, b in zip(before, after)), (before, after)
    assert all(b - a > 20 for a, b in zip(busy_before, busy_after)), (busy_before, busy_after)
    assert guest.warnings() == []


def busy(guest):
    """User time of each CPU, in hundredths of a second."""
    return [int(line.split()[1]) for line in guest.run("grep '^cpu[0-9]' /proc/stat").splitlines()]


def test_hotplug_50_times(guest):
    guest.run(f"n=0; while [ $n -lt 50 ]; do c=$((n % {CPUS - 1} + 1)); echo 0 >/sys/devices/system/cpu/cpu$c/online &&"
              " echo 1 >/sys/devices/system/cpu/cpu$c/online || break; n=$((n + 1)); done; [ $n = 50 ]", timeout=120)
    assert guest.run("nproc").strip() == str(CPUS)
    before = guest.ticks()
    load(guest, 2)
    assert all(b > a for a, b in zip(before, guest.ticks()))
    assert guest.warnings() == []
