# SPDX-License-Identifier: Apache-2.0
"""
What a Raspberry Pi 4's own firmware wants on its card: files that the user has (Armature ships and downloads none of them), U-Boot, and
config.txt, which makes the firmware start that.
"""
import glob
import os

from .base import ROOT, Refused
from .board import firmware_path

FOLDER = os.path.join(ROOT, "firmware", "rpi4")
REQUIRED = ("start4.elf", "fixup4.dat", "bcm2711-rpi-4-b.dtb")
UBOOT, CONFIG, TF_A = "u-boot.bin", "config.txt", "bl31.bin"
TF_A_FETCHED = os.path.join(ROOT, "build", "cache", "tf-a", "usr", "lib", "arm-trusted-firmware", "rpi4", TF_A)
STUBS = ("firmware", "tf-a")
FROM = "https://github.com/raspberrypi/firmware, folder boot/, or any card of that board"


def firmware_files(board, folder=None, uboot=None, stub="firmware", overlays=()):
    """[(file, name on the card)] of all but config.txt. Everything that is missing is named at once."""
    folder = folder or FOLDER
    if not os.path.isdir(folder):
        raise Refused(f"firmware of {board.name}: there is no folder '{folder}': put {', '.join(REQUIRED)} into it, or name another with"
                      f" --firmware; they are in {FROM}")
    wanted = list(REQUIRED) + [f"overlays/{name}.dtbo" for name in overlays]
    missing = [name for name in wanted if not os.path.isfile(os.path.join(folder, name))]
    if missing:
        raise Refused(f"firmware of {board.name}: '{folder}' lacks {', '.join(missing)}; they are in {FROM}")
    files = [(os.path.join(folder, name), name) for name in REQUIRED]
    # Other boards of the family need their own tree, and somebody may change config.txt later.
    place = glob.escape(folder)
    found = sorted(glob.glob(os.path.join(place, "bcm2711-*.dtb"))) + sorted(glob.glob(os.path.join(place, "overlays", "*.dtb*")))
    files += [(path, os.path.relpath(path, folder)) for path in found if os.path.basename(path) not in REQUIRED]
    files.append((uboot_find(board, uboot), UBOOT))
    if stub == "tf-a":
        files.append((tf_a_find(folder), TF_A))
    return files


def uboot_find(board, uboot):
    path = firmware_path(board, uboot)
    if not os.path.isfile(path):
        raise Refused(f"U-Boot of {board.name} '{path}': no such file: tools/fetch u-boot-rpi gets Debian's, --uboot names another")
    return path


def tf_a_find(folder=None):
    folder = folder or FOLDER
    for path in (os.path.join(folder, TF_A), TF_A_FETCHED):
        if os.path.isfile(path):
            return path
    raise Refused(f"--stub tf-a: neither '{os.path.join(folder, TF_A)}' nor '{TF_A_FETCHED}' is there: tools/fetch tf-a gets Debian's")


def config_text(stub="firmware", overlays=()):
    """config.txt. The GIC and the mini-UART are on, and firmware leaves the cores at EL2 (through TF-A, if that is asked for)."""
    lines = ["# Written by tools/armature sdcard; docs/RPI4.md says what for.", "arm_64bit=1", "enable_uart=1", "enable_gic=1",
             "force_turbo=1", f"kernel={UBOOT}"]
    if stub == "tf-a":
        lines.append(f"armstub={TF_A}")
    lines += [f"dtoverlay={name}" for name in overlays]
    return "\n".join(lines) + "\n"
