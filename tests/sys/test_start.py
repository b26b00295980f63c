# SPDX-License-Identifier: Apache-2.0
"""Ways into the hypervisor: any load address, booti, a jump with MMU and caches on, a bundle that is built in."""
import os
import shutil
import subprocess

import pytest
from build import hypervisor_build
from cards import card_make
from descriptions import rtos_vm, vms_write
from machine import ROOT, tool_run
from stub import loader, stub_write

GREETING = rb"Armature rtos: "


@pytest.fixture
def bundle(tmp_path, image):
    """The bare-metal guest alone, packed."""
    path = tmp_path / "rtos.bundle"
    done = tool_run("bundle", vms_write(tmp_path / "rtos.dts", rtos_vm(affinity=(0,))), "--image", f"rtos={image('rtos.elf')}",
                    "-o", path)
    assert done.returncode == 0, done.stdout
    return str(path)


def rtos_runs(machine):
    """It greets, answers, and its end ends the machine."""
    machine.expect(GREETING)
    machine.expect(rb"rtos> ")
    machine.send("echo up\r")
    machine.expect(rb"\nup\r\n")
    machine.send("off\r")
    assert machine.wait() == 0, machine.story()


@pytest.mark.parametrize("boot", ["direct", "uboot"])
@pytest.mark.parametrize("kind", ["elf", "bin"])
def test_bare_metal_guest(machine, image, boot, kind):
    rtos_runs(machine("--kernel", image(f"rtos.{kind}"), "--boot", boot))


@pytest.mark.needs("loader")
@pytest.mark.parametrize("place", ["low", "middle", "high"])
def test_load_address(machine, bundle, hypervisor, tmp_path, place):
    base, size = machine.target.ram
    address = base + {"low": 0x400000, "middle": 0x10000000, "high": size - 0xA00000}[place]
    stub = stub_write(tmp_path / "stub.img", address)
    started = machine("--bundle", bundle, "--console", "mux", hyp=stub, qemu=loader(hypervisor, address))
    started.expect_log(rf"loaded at {address:#x}")
    rtos_runs(started)


@pytest.mark.parametrize("offset", [0x6000000, 0x10200000])
def test_load_address_by_booti(machine, bundle, hypervisor, tmp_path, offset):
    """The stock U-Boot leaves an Image that may lie anywhere where it was loaded."""
    target, disk = machine.target, "${devtype} ${devnum}:${distro_bootpart}"
    address, ramdisk = target.ram[0] + offset, target.ram[0] + 0x20000000
    tree = "fdtcontroladdr" if target.board == "qemu-virt" else "fdt_addr"
    script = (f"setenv bootargs 'console=mux log=info'\n"
              f"load {disk} {address:#x} armature.bin && load {disk} {ramdisk:#x} armature.bundle && "
              f"booti {address:#x} {ramdisk:#x}:${{filesize}} ${{{tree}}}\n")
    started = machine("--card", card_make(tmp_path, bundle, hypervisor, script))
    started.expect(rf"loaded at {address:#x}")
    rtos_runs(started)


@pytest.mark.targets("v3", "v2")  # the Pi's stock U-Boot really goes: test_rpi4.py
@pytest.mark.parametrize("address", [0x44000000, 0x5A200000])
def test_entered_with_mmu_and_caches_on(machine, bundle, hypervisor, image, tmp_path, address):
    """As U-Boot's `go ADDRESS TREE BUNDLE` leaves the core; tests/guest/go stands in for it."""
    ramdisk = tmp_path / "go.ramdisk"
    subprocess.run([os.path.join(ROOT, "tests", "guest", "go", "pack.py"), hypervisor, bundle, ramdisk], check=True, timeout=20)
    started = machine("--bundle", ramdisk, "--console", "mux", "--host-args", f"go-at={address:#x}", hyp=image("go.bin"))
    started.expect_log(rf"loaded at {address:#x} .* by go")
    rtos_runs(started)


@pytest.mark.targets("v3", "v2")
@pytest.mark.parametrize("length", [1 << 40, (1 << 64) - 1], ids=["beyond memory", "wraps"])
def test_go_with_a_bundle_that_claims_too_much(machine, bundle, hypervisor, image, tmp_path, length):
    """Nothing bounds a bundle given by `go` but its own header, which may be torn."""
    torn = bytearray(open(bundle, "rb").read())
    torn[0x10:0x18] = length.to_bytes(8, "little")
    (tmp_path / "torn.bundle").write_bytes(torn)
    ramdisk = tmp_path / "go.ramdisk"
    subprocess.run([os.path.join(ROOT, "tests", "guest", "go", "pack.py"), hypervisor, tmp_path / "torn.bundle", ramdisk], check=True,
                   timeout=20)
    started = machine("--bundle", ramdisk, "--console", "mux", "--host-args", "go-at=0x44000000", hyp=image("go.bin"))
    started.expect_log(rf"says it is {length} bytes long")


def test_builtin_bundle(machine, bundle, tmp_path):
    """One file: the bundle is linked in, and no initrd is given."""
    built = hypervisor_build(tmp_path / "build", {"BUILTIN_BUNDLE": f'"{bundle}"'}, machine.target.config)
    nothing = tmp_path / "no.initrd"
    nothing.write_bytes(b"")
    started = machine("--bundle", nothing, "--console", "mux", hyp=built)
    rtos_runs(started)


@pytest.mark.needs("cores-chosen")
@pytest.mark.parametrize("smp, cpus", [(1, 1), (8, 8)])
def test_number_of_cores(machine, image, smp, cpus):
    started = machine("--kernel", image("rtos.elf"), "--smp", smp, "--cpus", cpus)
    started.expect_log(rf"{smp} cores?, ")
    rtos_runs(started)


@pytest.mark.needs("memory-chosen")
def test_256_mib_machine_says_what_does_not_fit(machine, image):
    started = machine("--kernel", image("rtos.elf"), "--mem", "256M", "--guest-mem", "512M", timeout=15)
    assert started.wait() == 4
    assert "512 MiB wanted, the largest free piece is" in started.said()


@pytest.mark.targets("v3", "v2")
@pytest.mark.parametrize("name", ["qemu_virt", "qemu_virt_release"])
def test_debug_and_release_boot(machine, image, tmp_path, name):
    built = os.path.join(ROOT, "build", name, "armature.bin")
    if not os.path.exists(built):
        built = hypervisor_build(tmp_path / "build", config=name)
    rtos_runs(machine("--kernel", image("rtos.elf"), hyp=shutil.copy(built, tmp_path / "armature.bin")))
