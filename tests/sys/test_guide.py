# SPDX-License-Identifier: Apache-2.0
"""docs/VDEV.md is followed word for word: its files are written, its commands run, what they say is what it shows."""
import os
import re
import shutil
import subprocess

import pytest
from machine import ROOT

FENCE = re.compile(r"(?:^`([^`\n]+)`:\n\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)
NUMBERS = {"TIME": r" *\d+\.\d+", "NUMBER": r"\d+"}


def guide():
    """(file, kind, text) of each block; `file` is what stands before it as its name."""
    with open(os.path.join(ROOT, "docs", "VDEV.md"), encoding="utf-8") as file:
        return FENCE.findall(file.read())


def same_lines(shown, said):
    """Are the shown lines what was said? '...' stands for any number of lines, TIME and NUMBER for such."""
    pattern = ""
    for line in shown.splitlines():
        if line == "...":
            pattern += r"(?:.*\n)*?"
            continue
        line = re.escape(line)
        for word, meant in NUMBERS.items():
            line = line.replace(word, meant)
        pattern += line + r"\n"
    return re.fullmatch(pattern, said)


def test_excerpts_are_the_source():
    with open(os.path.join(ROOT, "vdevs", "trace.c"), encoding="utf-8") as file:
        source = file.read()
    excerpts = [text for file, kind, text in guide() if kind == "c" and not file]
    assert len(excerpts) == 6
    for text in excerpts:
        assert text in source, f"not in vdevs/trace.c:\n{text}"


def test_listings_are_the_files():
    listings = {os.path.basename(file): text for file, _, text in guide() if file}
    assert sorted(listings) == ["doorbell.c", "doorbell.dts", "example,doorbell.yaml"]
    listed = [(file, text) for file, _, text in guide() if file]
    for file, text in listed:
        place = file.replace("/tmp/bell/", "tests/vdev-sample/")
        with open(os.path.join(ROOT, place), encoding="utf-8") as source:
            assert source.read() == text, f"{place} differs from docs/VDEV.md"


@pytest.fixture
def places(tmp_path):
    """Where the guide's folders are in this run, so that it touches nobody's."""
    return {"/tmp/bell": str(tmp_path / "bell"), "build/bell": str(tmp_path / "out"),
            "build/qemu_virt/unit/": f"{tmp_path / 'out'}/unit/"}


def command_run(command):
    clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARMATURE_HYP")}
    done = subprocess.run(["bash", "-ec", command], cwd=ROOT, env={**clean, "CONFIG": "qemu_virt"}, timeout=400, check=False, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout.replace("\r", "")


@pytest.mark.full
def test_followed_word_for_word(places):
    def moved(text):
        for there, here in places.items():
            text = text.replace(there, here)
        return text

    blocks = guide()
    for index, (file, kind, text) in enumerate(blocks):
        if file.startswith("/tmp/bell/"):
            with open(moved(file), "w", encoding="utf-8") as out:
                out.write(text)
        if kind != "sh":
            continue
        command = moved(text)
        if "/unit/" in command:
            command = command.replace("make ", f"make O={places['build/bell']} ", 1)
        said = command_run(command)
        shown = blocks[index + 1] if index + 1 < len(blocks) else ("", "sh", "")
        if shown[1] == "" and not shown[0]:
            assert same_lines(moved(shown[2]), said), f"{command}\nsaid:\n{said}\nthe guide shows:\n{shown[2]}"
        else:
            assert said == "" or "mkdir" in command, said
    shutil.rmtree(places["/tmp/bell"])
