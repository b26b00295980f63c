# SPDX-License-Identifier: Apache-2.0
"""Devices of the machine that reach memory by themselves, given by their path: QEMU virt's virtio disks and network, raspi4b's SD controller."""
import os
import re
import subprocess

import pytest
from descriptions import vm, vms_write
from linux import Linux
from machine import tool_run

pytestmark = pytest.mark.targets("v3", "v2")
DISK_DRIVERS = ("virtio_mmio", "virtio_blk", "crc16", "mbcache", "jbd2", "crc32c_generic", "ext4")
NET_DRIVERS = ("failover", "net_failover", "virtio_net")
DISK_SIZE = 24 << 20


def slot(number):
    """The path of one of the 32 virtio-mmio devices: 0x200 bytes each, eight in a page."""
    return f"/virtio_mmio@{0xA000000 + number * 0x200:x}"


def device(path, options="", name="given"):
    return f'{name} {{ armature,host-path = "{path}"; {options} }};'


def linux_vm(name, core, base, *devices, size=128 << 20, lines="armature,identity;"):
    devices = "".join(device(path, name=f"given{n}") if path[0] == "/" else path for n, path in enumerate(devices))
    return vm(name, "linux", "initrd", 1, (core,), (base, size), "console=ttyAMA0 quiet", lines, devices=devices)


def disk(folder, number, name):
    """An empty disk in that slot: its file, and QEMU's words for it."""
    path = os.path.join(folder, f"{name}.img")
    with open(path, "wb") as file:
        file.truncate(DISK_SIZE)
    return path, ["-drive", f"if=none,id={name},format=raw,file={path}", "-device", f"virtio-blk-device,drive={name},bus=virtio-mmio-bus.{number}"]


def fsck(path):
    done = subprocess.run(["/usr/sbin/e2fsck", "-fn", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    assert done.returncode == 0, done.stdout


def file_on(path, name):
    """The bytes of a file on the file system that the guest left."""
    return subprocess.run(["/usr/sbin/debugfs", "-R", f"cat /{name}", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


@pytest.fixture
def boot(machine, image):
    def start(*nodes, qemu=(), timeout=150, options=()):
        return machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"linux={image('Image-debian')}",
                       "--image", f"initrd={image('initrd-pass.cpio.gz')}", *options, timeout=timeout,
                       qemu=["-global", "virtio-mmio.force-legacy=false", *qemu])
    return start


def load(guest, *modules):
    guest.run(f"for m in {' '.join(modules)}; do insmod /$m.ko || exit 1; done", 60)


def file_system(guest, device="vda", size=4):
    """Made, written, read again after it was unmounted; the file's checksum."""
    guest.run(f"mke2fs -F /dev/{device} >/dev/null && mkdir -p /m && mount -t ext4 /dev/{device} /m", 60)
    guest.run(f"dd if=/dev/urandom of=/m/file bs=64k count={size * 16} 2>/dev/null && echo from {device} >/m/note", 60)
    first = guest.run("md5sum /m/file").split()[0]
    guest.run(f"umount /m && mount -t ext4 /dev/{device} /m", 60)
    assert guest.run("md5sum /m/file", 60).split()[0] == first
    guest.run("umount /m; sync", 60)
    return first


def test_a_disk(boot, machine):
    """Of one VM: a file system made, written and read, and clean on the host afterwards; then the VM starts again and reads it."""
    path, words = disk(machine.folder, 31, "one")
    started = boot(linux_vm("linux", 0, 0x60000000, slot(31)), qemu=words)
    guest = Linux(started)
    guest.login()
    load(guest, *DISK_DRIVERS)
    sum_then = file_system(guest)
    assert int(re.search(r"^ *\d+: +(\d+) .*virtio0", guest.run("cat /proc/interrupts"), re.M)[1]) > 10
    started.send("reboot -f\n")
    started.expect_log(r"linux/virtio_mmio@a003e00: interrupts are off; the device is not reset, and its DMA may go on")
    guest.login()
    load(guest, *DISK_DRIVERS)
    assert guest.run("mkdir /m; mount -t ext4 /dev/vda /m && md5sum /m/file && umount /m", 60).split()[0] == sum_then
    assert guest.warnings() == []
    started.send("poweroff\n")
    assert started.wait() == 0, started.story()
    assert "/virtio_mmio@a003e00 reaches memory by itself and is not contained: no SMMU is driven" in started.log()
    fsck(path)
    assert file_on(path, "note") == b"from vda\n"


@pytest.mark.full
@pytest.mark.parametrize("other", [0, 29], ids=["another page", "the same page"])
def test_network_and_disk_while_another_keeps_its_own(boot, machine, other):
    """A VM's disk and network are in one page, with the other VM's disk in it or not; both write at the same time."""
    one, words = disk(machine.folder, 31, "one")
    two, more = disk(machine.folder, other, "two")
    net = ["-netdev", "user,id=n", "-device", "virtio-net-device,netdev=n,bus=virtio-mmio-bus.30"]
    started = boot(linux_vm("one", 0, 0x60000000, slot(31), slot(30)), linux_vm("two", 1, 0x70000000, slot(other)), qemu=words + more + net, timeout=240)
    guest = Linux(started)
    for vm_number in ("2", "1"):
        started.escape(vm_number)
        started.send("\n")
        guest.login(90)
        load(guest, *DISK_DRIVERS, *(NET_DRIVERS if vm_number == "1" else ()))
        if vm_number == "2":
            guest.run("(mke2fs -F /dev/vda && mkdir -p /m && mount -t ext4 /dev/vda /m; for n in 1 2 3 4 5 6 7 8; do"
                      " dd if=/dev/zero of=/m/$n bs=64k count=16; sync; done; echo from two >/m/note; umount /m) >/tmp/said 2>&1 & :")
    file_system(guest)
    guest.run("ip link set eth0 up && udhcpc -i eth0 -n -q -t 8 -T 2 -s /bin/true", 60)
    guest.run("ip addr add 10.0.2.15/24 dev eth0")
    assert "3 packets received" in guest.run("ping -c 3 10.0.2.2", 60)
    assert int(guest.run("cat /sys/class/net/eth0/statistics/rx_packets")) >= 5
    assert guest.run("ls -d /sys/block/vd?").split() == ["/sys/block/vda"]
    started.send("poweroff -f\n")
    started.expect_result(r"R vm one state=ended cause=off")
    started.escape("2")
    guest.run("wait; cat /tmp/said", 60)
    assert guest.run("ls -d /sys/block/vd?").split() == ["/sys/block/vda"]
    started.send("poweroff -f\n")
    assert started.wait() == 0, started.story()
    fsck(one)
    fsck(two)
    assert file_on(one, "note") == b"from vda\n" and file_on(two, "note") == b"from two\n"


EVERYTHING = ('all { armature,host-except = "/virtio_mmio@a000*", "/virtio_mmio@a001*", "/virtio_mmio@a002*", "/flash@0", "/fw-cfg@*"; };')


@pytest.mark.full
def test_everything_except(boot, machine):
    """A page of virtio devices, the clock and the GPIOs; the clock that these need goes along."""
    path, words = disk(machine.folder, 31, "one")
    started = boot(linux_vm("linux", 0, 0x60000000, EVERYTHING), qemu=words)
    guest = Linux(started)
    guest.login()
    load(guest, *DISK_DRIVERS)
    file_system(guest)
    nodes = guest.run("ls /proc/device-tree").split()
    assert sorted(n for n in nodes if "@" in n and n[:6] in ("virtio", "pl031@", "pl061@", "pl011@")) == sorted(
        ["pl011@9000000", "pl031@9010000", "pl061@9030000"] + [f"virtio_mmio@a003{n}00" for n in "02468ace"])
    assert guest.run("cat /sys/class/rtc/rtc0/name").startswith("rtc-pl031")
    started.send("poweroff -f\n")
    assert started.wait() == 0, started.story()
    fsck(path)


# What is refused, by the tool and by the hypervisor


@pytest.fixture
def checked(tmp_path):
    """checked(VM nodes...): what `armature check` says with QEMU virt's tree."""
    def check(*nodes):
        tree = str(tmp_path / "virt.dtb")
        subprocess.run(["qemu-system-aarch64", "-M", f"virt,virtualization=on,gic-version=3,dumpdtb={tree}", "-smp", "4", "-m", "2G", "-display", "none",
                        "-nic", "none", "-serial", "null", "-serial", "null"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        done = tool_run("check", "--quick", vms_write(tmp_path / "vms.dts", *nodes), "--host-dtb", tree)
        return done.returncode, done.stdout
    return check


@pytest.mark.parametrize("path, options, reason", [
    ("/virtio_mmio@b000000", "", r"has no /virtio_mmio@b000000"),
    ("/pl011@9000000", "", r"/pl011@9000000 is the hypervisor's console"),
    ("/intc@8000000", "", r"/intc@8000000 is the hypervisor's interrupt controller"),
    ("/intc@8000000/its@8080000", "", r"is the hypervisor's interrupt controller"),
    ("/timer", "", r"/timer is the hypervisor's timer"),
    ("/memory@40000000", "", r"/memory@40000000 is no device"),
    ("/pcie@10000000", "", r"/pcie@10000000: interrupt-map: buses with devices of their own, as PCI, cannot be passed on"),
    ("/virtio_mmio@a003e00", 'armature,delete = "wifi";', r"armature,delete: /virtio_mmio@a003e00 has no wifi"),
], ids=["no such node", "console", "gic", "its", "timer", "memory", "pci", "nothing to delete"])
def test_the_tool_refuses(checked, path, options, reason):
    status, said = checked(vm("bad", "linux", memory=(0x60000000, 128 << 20), vm_lines="armature,identity;", devices=device(path, options)))
    assert status == 2 and re.search(re.escape(reason), said), said


def test_the_tool_refuses_a_vm_that_is_not_mapped_1_to_1(checked):
    status, said = checked(vm("bad", "linux", devices=device(slot(3))))
    assert status == 2 and f"{slot(3)} may reach memory by itself: the VM must be armature,identity" in said, said


def test_the_tool_names_both_owners(checked):
    status, said = checked(*(vm(name, "linux", memory=(base, 128 << 20), vm_lines="armature,identity;", devices=device(slot(3)))
                             for name, base in (("one", 0x60000000), ("two", 0x70000000))))
    assert status == 2 and f"/two/given: {slot(3)} is /one/given's already" in said, said


def written_out(path, at, spi, size=0x200, options="", kind="virtio,mmio"):
    return (f'given@{at:x} {{ compatible = "{kind}"; reg = <0x0 {at:#x} 0x0 {size:#x}>; interrupts = <0 {spi} 1>; armature,device = "pass";'
            f' armature,host-path = "{path}"; {options} }};')


@pytest.mark.parametrize("node, reason", [
    (written_out("/virtio_mmio@b000000", 0xB000000, 16), "this machine's tree has no /virtio_mmio@b000000"),
    (written_out(slot(1), 0xA000000, 17), "0x200 bytes at 0xa000000 are no registers of /virtio_mmio@a000200"),
    (written_out(slot(0), 0xA000000, 16, 0x1000), "the pages of /virtio_mmio@a000000, hold registers of /virtio_mmio@a000200 too"),
    (written_out(slot(0), 0xA000000, 17), "interrupt 49 is none of /virtio_mmio@a000000 in this machine's tree"),
    (written_out(slot(0), 0xA000000, 16, options="armature,dma-ranges = <0 0 0 0x60000000 0 0x10000000>;"),
     "/virtio_mmio@a000000 sees the VM's memory 0x60000000 at 0x60000000 on this machine, armature,dma-ranges says otherwise"),
    (written_out("/pl011@9000000", 0x9000000, 33, 0x1000, "armature,host-interrupts = <0 1 4>;"), "belong to the hypervisor's console already"),
], ids=["no such node", "other registers", "a shared page", "another interrupt", "other dma-ranges", "the console"])
def test_the_hypervisor_refuses(machine, image, node, reason):
    """A bundle that was made for another machine, or by hand."""
    bad = vm("bad", "word", affinity=(0,), memory=(0x60000000, 16 << 20), vm_lines="armature,identity;", devices=node, serial="pl011" not in node)
    started = machine("--vms", vms_write(machine.folder / "vms.dts", bad), "--no-check", "--image", f"word={image('word.bin')}", timeout=30)
    assert started.wait() == 4 and reason in started.log(), started.story()


# The Raspberry Pi's SD controller

CARD = device("/soc/mmc@7e300000", 'armature,delete = "mmc-pwrseq", "non-removable", "wifi@1"; armature,clock-rates = <250000000>;', "card")


@pytest.mark.full
@pytest.mark.targets("rpi4")
def test_the_pis_card(boot, machine):
    """Debian's own driver; the machine is started directly, so that the card is the guest's alone."""
    path, _ = disk(machine.folder, 0, "card")
    os.truncate(path, 64 << 20)  # a card has a power of two
    started = boot(linux_vm("linux", 0, 0x10000000, CARD, size=256 << 20), qemu=["-drive", f"if=sd,format=raw,file={path}"],
                   timeout=150)
    guest = Linux(started)
    guest.login(150)
    load(guest, "fixed", "gpio-regulator", "sdhci", "sdhci-pltfm", "sdhci-iproc", *DISK_DRIVERS[2:])
    guest.run("until [ -e /dev/mmcblk0 ]; do sleep 1; done", 60)
    file_system(guest, "mmcblk0", 1)
    assert int(re.search(r"^ *\d+: +(\d+) .*mmc0", guest.run("cat /proc/interrupts"), re.M)[1]) > 10
    assert guest.run("od -An -tx1 /proc/device-tree/dma-bus-*/dma-ranges").split()[4:8] == ["c0", "00", "00", "00"]
    started.send("poweroff -f\n")
    assert started.wait() == 0, started.story()
    fsck(path)
    assert file_on(path, "note") == b"from mmcblk0\n"
