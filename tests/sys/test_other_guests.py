# SPDX-License-Identifier: Apache-2.0
"""Guests that know nothing of us, as Debian's packages give them."""
from descriptions import vm, vms_write

UBOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"


def test_uboot_as_a_guest(machine):
    """It was built for QEMU's virt: tree at the start of RAM, its environment read from the flash window."""
    flash = 'memory@4000000 { device_type = "memory"; reg = <0x0 0x04000000 0x0 0x00200000>; armature,read-only; };'
    node = vm("uboot", "uboot", memory=(0x40000000, 256 << 20), vm_lines="", devices=flash,
              chosen="armature,kernel-load = <0x0 0x40200000>; armature,entry = <0x0 0x40200000>;"
                     " armature,dtb-address = <0x0 0x40000000>;")
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--image", f"uboot={UBOOT}", timeout=60)
    started.expect(rb"U-Boot 20\d\d")
    started.expect(rb"DRAM: +256 MiB")
    started.expect(rb"autoboot: +\d")
    started.send("\r")
    started.expect(rb"=> ")
    started.send("echo here $arch\r")
    started.expect(rb"\r?\nhere arm\r?\n")
    started.expect(rb"=> ")
    started.send("poweroff\r")
    assert started.wait() == 0, started.story()
