# SPDX-License-Identifier: Apache-2.0
"""Debian's installer for network boot, kernel and initrd as the package has them: to its first question."""
import os
import re
import subprocess

import pytest
from linux import not_allowed
from machine import ROOT

FOLDER = os.path.join(ROOT, "build", "cache", "guest")


@pytest.fixture(scope="session")
def installer():
    """Kernel and initrd. The package has 130 MB, so it is fetched when this test is run for the first time."""
    subprocess.run([os.path.join(ROOT, "tools", "fetch"), "installer"], check=True, timeout=900)
    return os.path.join(FOLDER, "Image-installer"), os.path.join(FOLDER, "initrd.gz-installer")


@pytest.mark.full
@pytest.mark.needs(memory=1024)
def test_debian_installer(machine, installer):
    """With loglevel=5 the kernel puts warnings and worse on the console, and nothing else."""
    kernel, initrd = installer
    started = machine("--kernel", kernel, "--initrd", initrd, "--append", "console=ttyAMA0 loglevel=5", "--cpus", 2,
                      "--guest-mem", "1G", timeout=300)
    started.expect(rb"Select a language")
    started.expect(rb"English")
    said = started.text("console.txt").replace("\r", "")
    assert not_allowed(re.findall(r"^\[ *\d+\.\d{6}\].*", said, re.M)) == []
    started.send("\r")
    started.expect(rb"Select your location")
    started.end()
    assert "R machine panic" not in started.results() and "crash" not in started.results()
