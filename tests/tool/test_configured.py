# SPDX-License-Identifier: Apache-2.0
"""A description that asks for more than the hypervisor was configured for is refused by the option's name and both numbers."""
import os
import re
import sys

import pytest
from conftest import ROOT, arm64_image, vm_source, vms_source

sys.path.insert(0, os.path.join(ROOT, "tools"))
from armature_lib.base import Refused  # noqa: E402
from armature_lib.configured import MARK, VDEV_OPTIONS, options_read  # noqa: E402

LIMITS = {"CONFIG_MAX_VMS": "2", "CONFIG_MAX_VCPUS": "4", "CONFIG_MAX_CORES": "4", "CONFIG_MAX_VDEVS": "4", "CONFIG_MAX_SPIS": "64",
          "CONFIG_GIC_V3": "y", "CONFIG_VDEV_PL011": "y", "CONFIG_VDEV_VTIMER": "y"}
CLOCK = 'clk { compatible = "fixed-clock"; };'  # no vdev
UART = 'u{n}@{at:x} {{ compatible = "arm,pl011", "arm,primecell"; reg = <0x0 {at:#x} 0x0 0x1000>; interrupts = <0 {spi} 4>; }};'


def uart(n=0, spi=1):
    return UART.format(n=n, at=0x9000000 + n * 0x1000, spi=spi)


def hypervisor(folder, changes=()):
    options = {**LIMITS, **dict(changes)}
    record = MARK + "".join(f"{name}={value}\n" for name, value in options.items() if value).encode() + b"\0"
    return folder.file("hyp", arm64_image(8192) + record + b"\xff" * 100)


MISFITS = [
    ("/: 3 VMs: CONFIG_MAX_VMS=2", vms_source(*(vm_source(name) for name in "abc"))),
    ("/a: cpus is 5: CONFIG_MAX_VCPUS=4", vms_source(vm_source(body="cpus = <5>;"))),
    ("/a: core 4 is not driven: CONFIG_MAX_CORES=4", vms_source(vm_source(body="cpus = <2>; affinity = <1 4>;"))),
    ("/a: core 5 is not driven: CONFIG_MAX_CORES=4", vms_source(vm_source(body="runmask = <0x21>;"))),
    ("/a: 5 vdevs, interrupt controller and timer included: CONFIG_MAX_VDEVS=4",
     vms_source(vm_source(body=uart(0, 1) + uart(1, 2) + uart(2, 3)))),
    ("/a/u0@9000000: interrupts: SPI 64: CONFIG_MAX_SPIS=64", vms_source(vm_source(body=uart(spi=64)))),
    ('/a/p@9000000: the vdev for "arm,pl061" is not built in: CONFIG_VDEV_PL061 is not set',
     vms_source(vm_source(body='p@9000000 { compatible = "arm,pl061", "arm,primecell"; reg = <0x0 0x9000000 0x0 0x1000>; };'))),
]


@pytest.mark.parametrize("reason, source", MISFITS, ids=[reason for reason, _ in MISFITS])
def test_misfit_is_refused(folder, reason, source):
    folder.file("v.dts", source.encode())
    folder.file("k", arm64_image())
    image = hypervisor(folder)
    done = folder.tool("bundle", "v.dts", "--image", "k=k", "-o", "out", "--hyp", image)
    assert done.returncode == 2 and reason.encode() in done.stderr, done.stderr
    assert not os.path.exists(os.path.join(folder.path, "out"))


@pytest.mark.parametrize("arguments", [["check", "v.dts", "--quick"], ["sdcard", "--vms", "v.dts", "--image", "k=k", "-o", "out"],
                                       ["run", "--vms", "v.dts", "--image", "k=k"]], ids=lambda arguments: arguments[0])
def test_each_subcommand_looks(folder, arguments):
    folder.file("v.dts", MISFITS[0][1].encode())
    folder.file("k", arm64_image())
    done = folder.tool(*arguments, "--hyp", hypervisor(folder))
    assert done.returncode == 2 and MISFITS[0][0].encode() in done.stderr, done.stderr


def test_what_fits_is_taken(folder):
    folder.file("v.dts", vms_source(vm_source(body="cpus = <4>; affinity = <0 1 2 3>;" + uart(0, 1) + uart(1, 63) + CLOCK), vm_source("b")).encode())
    folder.file("k", arm64_image())
    done = folder.tool("bundle", "v.dts", "--image", "k=k", "-o", "out", "--hyp", hypervisor(folder))
    assert done.returncode == 0, done.stderr


def test_run_knows_the_machines_gic(folder):
    folder.file("k", arm64_image())
    done = folder.tool("run", "--kernel", "k", "--gic", "2", "--hyp", hypervisor(folder))
    assert done.returncode == 2 and b"the machine has a GICv2, the image no driver for it: CONFIG_GIC_V2 is not set" in done.stderr, done.stderr


def test_an_image_without_a_record(folder):
    """Is taken as it is, but where its limits are asked for."""
    folder.file("v.dts", vms_source(vm_source(body="cpus = <5>;")).encode())
    image = folder.file("old", arm64_image())
    assert options_read(image) is None
    done = folder.tool("check", "v.dts", "--quick", "--hyp", image)
    assert done.returncode == 2 and b"it does not say what it was configured with" in done.stderr


def test_options_of_vdevs_are_those_of_the_hypervisor():
    with open(os.path.join(ROOT, "hyp", "factory.c"), encoding="utf-8") as file:
        table = dict(re.findall(r'\{ "([^"]+)", "(CONFIG_\w+)" \}', file.read()))
    assert table == VDEV_OPTIONS


@pytest.mark.parametrize("record", [MARK + b"CONFIG_MAX_VMS=2\n", MARK + b"CONFIG_MAX_VMS\n\0", MARK + b"CONFIG_MAX_VMS=abc\n\0", MARK + b"CONFIG_MAX_VMS=\n\0"])
def test_a_damaged_record_is_named(folder, record):
    with pytest.raises(Refused, match="damaged"):
        options_read(folder.file("hyp", arm64_image(8192) + record))
