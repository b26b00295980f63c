# SPDX-License-Identifier: Apache-2.0
"""Building hypervisors of other configurations, away from the build folders that everybody uses."""
import glob
import os
import shutil
import subprocess

from machine import ROOT


def make_run(folder, *goals, timeout=600, **environment):
    clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CONFIG", "O")}
    done = subprocess.run(["make", "--no-print-directory", "-s", *goals], cwd=folder, env={**clean, **environment},
                          timeout=timeout, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, text=True, errors="replace")
    assert done.returncode == 0, f"make {' '.join(goals)} in {folder}:\n{done.stdout[-4000:]}"


def hypervisor_build(output, options=None, config="qemu_virt", source=ROOT, **environment):
    """The image of configuration `config` with some options changed ({'UBSAN': 'y'}), built in the folder `output`."""
    os.makedirs(output, exist_ok=True)
    with open(glob.glob(os.path.join(source, "boards", "*", f"{config}_defconfig"))[0], encoding="utf-8") as file:
        lines = file.read()
    lines += "".join(f"CONFIG_{name}={value}\n" for name, value in (options or {}).items())
    with open(os.path.join(output, ".config"), "w", encoding="utf-8") as file:
        file.write(lines)
    make_run(source, f"CONFIG={config}", f"O={output}", f"{output}/armature.bin", **environment)
    return os.path.join(output, "armature.bin")


def source_copy(folder):
    """The sources as git knows them, elsewhere; what was fetched is shared."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                           stdout=subprocess.PIPE, timeout=30).stdout.decode().split("\0")
    for name in filter(None, names):
        if os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(folder, name))
    os.makedirs(os.path.join(folder, "build"))
    os.symlink(os.path.join(ROOT, "build", "cache"), os.path.join(folder, "build", "cache"))
    return str(folder)
