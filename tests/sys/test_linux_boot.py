# SPDX-License-Identifier: Apache-2.0
"""Debian's kernels boot, see the machine that was described, say nothing worrying, and power off."""
import itertools
import re

import pytest
from linux import MIB_RESERVED
from pairwise import pairwise

BOOTS, CPUS, MEMORY = ("direct", "uboot"), (1, 2, 3, 4), ("128M", "1G")
ALL_MEMORY = ("128M", "256M", "512M", "1G")
DEFAULT = pairwise(BOOTS, CPUS, MEMORY)
WHOLE = [c for c in itertools.product(BOOTS, CPUS, ALL_MEMORY) if c not in DEFAULT]
MEBIBYTES = {"128M": 128, "256M": 256, "512M": 512, "1G": 1024}


def boots_and_ends(linux, boot, cpus, memory, kernel="Image-debian"):
    guest = linux(*(("--boot", boot) if boot else ()), "--guest-mem", memory, cpus=cpus, kernel=kernel)
    assert guest.run("nproc").strip() == str(cpus)
    total = int(re.search(r"MemTotal: +(\d+) kB", guest.run("cat /proc/meminfo"))[1]) // 1024
    assert MEBIBYTES[memory] - MIB_RESERVED <= total <= MEBIBYTES[memory]
    assert guest.warnings() == []
    guest.machine.send("poweroff\n")
    assert guest.machine.wait() == 0, guest.machine.story()


def needs(boot, cpus, memory):
    return pytest.mark.needs(cores=cpus, memory=MEBIBYTES[memory])


@pytest.mark.parametrize("boot, cpus, memory", [pytest.param(*c, marks=needs(*c)) for c in DEFAULT]
                         + [pytest.param(*c, marks=[needs(*c), pytest.mark.full]) for c in WHOLE])
def test_debian(linux, boot, cpus, memory):
    boots_and_ends(linux, boot, cpus, memory)


@pytest.mark.parametrize("cpus", [4, pytest.param(1, marks=pytest.mark.full)])
@pytest.mark.needs(memory=512)
def test_debian_rt(linux, cpus):
    boots_and_ends(linux, None, cpus, "512M", "Image-debian-rt")


@pytest.mark.needs("models")
def test_on_a_smaller_core(linux):
    guest = linux("--cpu", "cortex-a53", cpus=2)
    assert guest.run("nproc").strip() == "2"
    assert guest.warnings() == []
    guest.machine.send("poweroff\n")
    assert guest.machine.wait() == 0, guest.machine.story()
