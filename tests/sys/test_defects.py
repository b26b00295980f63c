# SPDX-License-Identifier: Apache-2.0
"""
The conformance guest finds defects: each patch in tests/defects breaks the hypervisor in one way, and the check that it names
fails, alone. Its head has `subject:`, `fails:` (a regular expression for the names of the checks) and perhaps `append:` and `gic:`.
"""
import os
import re
import shutil
import subprocess

import pytest
from build import make_run, source_copy
from machine import ROOT

DEFECTS = os.path.join(ROOT, "tests", "defects")
BUILD = os.path.join("build", "qemu_virt")
IN_DEFAULT = ("idregs", "mmio", "sgi")
CPUS = 4


class Defect:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        head = dict(re.findall(r"^(subject|fails|append|gic): (.*)$", self.text.split("\n--- ")[0], re.M))
        self.path, self.subject, self.fails, self.append = path, head["subject"], head["fails"], head.get("append", "")
        self.gic = head.get("gic", "3")
        self.files = re.findall(r"^\+\+\+ b/(\S+)", self.text, re.M)


def defects():
    names = sorted(name for name in os.listdir(DEFECTS) if name.endswith(".patch"))
    return [Defect(os.path.join(DEFECTS, name)) for name in names]


def subjects():
    folder, found = os.path.join(ROOT, "tests", "guest", "conformance"), set()
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            found |= set(re.findall(r'^SUBJECT\(\d+, "(\w+)"', file.read(), re.M))
    return found


class Workshop:
    """A copy of the sources with what is built already, so that a patch costs only the files it changes."""

    def __init__(self, folder):
        self.folder = source_copy(folder)
        built = os.path.join(ROOT, BUILD)
        if os.path.isdir(built):
            shutil.copytree(built, os.path.join(self.folder, BUILD), ignore=shutil.ignore_patterns("check", "unit", "cppcheck", "again"))
        self.sound = self.build("sound.bin")

    def path(self, name):
        return os.path.join(self.folder, name)

    def build(self, name):
        make_run(self.folder, "CONFIG=qemu_virt", f"{BUILD}/armature.bin")
        return shutil.copy2(self.path(f"{BUILD}/armature.bin"), self.path(name))

    def broken(self, defect):
        """The image with the defect; the sources are sound again afterwards."""
        kept = {name: open(self.path(name), "rb").read() for name in defect.files}
        try:
            done = subprocess.run(["patch", "-p1", "--batch", "--forward", "--no-backup-if-mismatch", "-i", defect.path], cwd=self.folder,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
            assert done.returncode == 0, f"{defect.path} no longer applies to the sources: make it again\n{done.stdout}"
            return self.build("broken.bin")
        finally:
            for name, data in kept.items():
                with open(self.path(name), "wb") as file:
                    file.write(data)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("defects") / "tree")


@pytest.fixture(scope="session")
def conformance():
    """The guest as its sources are now."""
    make_run(ROOT, "build/guest/conformance.bin")
    return os.path.join(ROOT, "build", "guest", "conformance.bin")


def checks(machine):
    """Of a run that came to its end: the names of the checks that passed, and of those that failed."""
    text = machine.text("console.txt").replace("\r", "")
    found = re.findall(r"^(ok|not ok) \d+ - (.*) \[[^]]*\](| # SKIP.*)$", text, re.M)
    assert re.search(rf"^1\.\.{len(found)}$", text, re.M), f"the run did not come to its end\n{machine.story()}"
    return {name for result, name, skip in found if result == "ok" and not skip}, {name for result, name, _ in found if result != "ok"}


def test_every_subject_has_a_defect():
    assert {defect.subject for defect in defects()} == subjects()


def patches():
    return [os.path.join(folder, name) for folder, _, names in os.walk(DEFECTS) for name in names if name.endswith(".patch")]


@pytest.mark.parametrize("path", [pytest.param(path, id=os.path.relpath(path, DEFECTS)) for path in sorted(patches())])
def test_patch_applies(path):
    """To the sources as they are: a defect that cannot be put in is not found by anything."""
    done = subprocess.run(["git", "apply", "--check", path], cwd=ROOT, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=30, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.one_gic
@pytest.mark.parametrize("defect", [pytest.param(d, id=d.subject, marks=[] if d.subject in IN_DEFAULT else pytest.mark.full)
                                    for d in defects()])
def test_defect_is_found(machine, conformance, workshop, defect):
    arguments = ("--kernel", conformance, "--append", f"hyp=1 subjects={defect.subject} {defect.append}".strip(),
                 "--cpus", CPUS, "--smp", CPUS, "--gic", defect.gic)
    sound = machine(*arguments, hyp=workshop.sound, timeout=120)
    sound.wait()
    passed, failed = checks(sound)
    assert not failed, sound.story()
    assert any(re.fullmatch(defect.fails, name) for name in passed), f"no check is named {defect.fails}"
    broken = machine(*arguments, hyp=workshop.broken(defect), timeout=120)
    broken.wait()
    _, failed = checks(broken)
    assert failed, f"no check of {defect.subject} fails\n{broken.story()}"
    assert all(re.fullmatch(defect.fails, name) for name in failed), sorted(failed)
