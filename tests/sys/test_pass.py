# SPDX-License-Identifier: Apache-2.0
"""Devices of the machine in a VM: QEMU virt's own PL031 (0x09010000, SPI 2), PL061 (0x09030000, SPI 7) and flash; and addresses without a device."""
import re
import time

import pytest
from descriptions import vm, vms_write
from linux import Linux

RTC_AT, RTC_SPI = 0x09010000, 2
NOTHING_THERE = "ESR 0x96000010"


def rtc(at=RTC_AT, spi=RTC_SPI, options=""):
    return (f'rtc@{at:x} {{ compatible = "arm,pl031", "arm,primecell"; reg = <0x0 {at:#x} 0x0 0x1000>; interrupts = <0 {spi} 4>;'
            f' armature,device = "pass"; {options} }};')


def rtc_vm(name="guest", devices=None, bootargs="", **kwargs):
    return vm(name, "rtc", affinity=(kwargs.pop("core", 0),), devices=rtc() if devices is None else devices, bootargs=bootargs, **kwargs)


@pytest.fixture
def run(machine, image):
    """run(VM nodes...): the PL031's guest in them."""
    def start(*nodes, timeout=60, check=True):
        return machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), *([] if check else ["--no-check"]),
                       "--image", f"rtc={image('rtc.bin')}", "--image", f"word={image('word.bin')}", timeout=timeout)
    return start


def good(seconds, matches):
    """Nothing lost, nothing twice, and each third again as long as it was left asserted."""
    again = 2 * (-(-seconds // 3) - (-matches // 3))
    return f"RTC {seconds} of {seconds} seconds, {matches} of {matches} matches, {again} again, 0 unasked"


@pytest.mark.needs("pl031", cores=3)
@pytest.mark.parametrize("core", [0, 2])
def test_interrupts_of_a_device(run, core):
    """Also on a core that came up after the VM was built."""
    started = run(rtc_vm(bootargs="seconds=4 matches=600", core=core))
    assert started.wait() == 0, started.story()
    text = started.text("console.txt")
    assert "RTC part 0x31, raw status 0" in text and good(4, 600) in text, started.story()
    assert "RTC off: pends 1, comes when on 1, over 1" in text, started.story()


@pytest.mark.full
@pytest.mark.needs("pl031")
def test_interrupts_of_a_device_for_long(run):
    started = run(rtc_vm(bootargs="seconds=60 matches=20000"), timeout=200)
    assert started.wait() == 0 and good(60, 20000) in started.text("console.txt"), started.story()


@pytest.mark.needs("pl031")
def test_at_another_address_and_interrupt(run):
    options = f"armature,host-reg = <0x0 {RTC_AT:#x} 0x0 0x1000>; armature,host-interrupts = <0 {RTC_SPI} 4>;"
    started = run(rtc_vm(devices=rtc(0x0C000000, 40, options), bootargs="rtc=0x0c000000 intid=72 seconds=1"))
    assert started.wait() == 0 and good(1, 300) in started.text("console.txt"), started.story()


@pytest.mark.needs("pl031")
def test_masked_at_the_vms_end_and_back_after_its_restart(run):
    """The first life ends with the interrupt asserted and not taken."""
    started = run(rtc_vm(bootargs="seconds=1 matches=30 reset=1"))
    assert started.wait() == 0, started.story()
    text = started.text("console.txt")
    assert text.count(good(1, 30)) == 2, started.story()
    assert "raw status 0" in text and "raw status 1" in text and "RTC end" in text


@pytest.mark.needs("pl031")
def test_an_interrupt_nobody_takes_storms_nothing(run):
    """A VM leaves it asserted and powers off; another one, on the same core, goes on undisturbed."""
    stays = rtc_vm("one", bootargs="seconds=1 matches=3 off=1")
    started = run(stays, vm("two", "word", affinity=(0,), bootargs="word=0x40000000 wait=3000"), timeout=30)
    assert started.wait() == 0, started.story()
    assert good(1, 3) in started.text("console.txt") and "WORD end" in started.text("console.txt"), started.story()


@pytest.mark.needs("pl031")  # the addresses and numbers are QEMU virt's
@pytest.mark.parametrize("devices, reason", [
    (rtc(0x0C000000, options="armature,host-reg = <0x0 0x09000000 0x0 0x1000>;"), r"0x1000 bytes at 0x9000000 of the machine belong to the hypervisor's console already"),
    (rtc(0x0C000000, options="armature,host-reg = <0x0 0x08000000 0x0 0x1000>;"), r"belong to the hypervisor's interrupt controller already"),
    (rtc(0x0C000000, options="armature,host-reg = <0x0 0x50000000 0x0 0x1000>;"), r"belong to the machine's RAM already"),
    (rtc(0x0C000000, options="armature,host-reg = <0x0 0x09040000 0x0 0x1000>;"), r"belong to the hypervisor's results channel already"),
    (rtc(0x0C000000, options="armature,host-reg = <0x0 0x09010000 0x0 0x2000>;"), r"armature,host-reg: range 0 has another size than in reg"),
    (rtc(options="armature,host-interrupts = <0 1 4>;"), r"interrupt 33 of /bad/rtc@9010000 belongs to /pl011@9000000 already"),
    (rtc(options="armature,host-interrupts = <1 1 4>;"), r"only shared interrupts, <0 0..987 flags>, can be passed through"),
    (rtc(options="armature,host-interrupts = <0 900 4>;"), r"interrupt 932 of /bad/rtc@9010000 is no shared peripheral interrupt of this machine"),
    (rtc(options='armature,attributes = "rwx";'), r'armature,attributes: "rwx": nothing is executed from device memory'),
    (rtc(options='armature,attributes = "rwd";'), r'armature,attributes: "rwd": e, d, n, s and t are not offered'),
    (rtc(options='armature,attributes = "rq";'), r'armature,attributes: "rq": an attribute is one of r, w, x, c, m'),
    (rtc(options='armature,attributes = "rwc";').replace("0x0 0x1000", "0x0 0x800"), r"no whole pages of 4 KiB, which memory must be"),
])
def test_what_is_refused(run, devices, reason):
    started = run(rtc_vm("bad", devices=devices), timeout=20, check=False)
    assert started.wait() == 4 and re.search(reason, started.log()), started.story()


@pytest.mark.needs("pl031")
def test_two_owners_are_both_named(run):
    """The second VM is refused, and the first has the device."""
    started = run(rtc_vm("one", bootargs="seconds=1"), rtc_vm("two", core=1))
    assert started.wait() == 4, started.story()
    assert re.search(r"/two/rtc@9010000: 0x1000 bytes at 0x9010000 of the machine belong to /one/rtc@9010000 already", started.log())
    assert good(1, 300) in started.text("console.txt")


@pytest.mark.needs("pl031")
def test_a_refused_vm_owns_nothing(run):
    bad = rtc_vm("bad", devices=rtc() + 'dummy { compatible = "armature,dummy"; };')
    started = run(bad, rtc_vm("good", bootargs="seconds=1", core=1), check=False)
    assert started.wait() == 4 and good(1, 300) in started.text("console.txt"), started.story()


@pytest.mark.needs("flash")
def test_memory_that_is_read_and_executed_only(run, image):
    """QEMU's flash, as memory of the guest: a write to it is an abort."""
    flash = ('flash@4000000 { compatible = "cfi-flash"; reg = <0x0 0x04000000 0x0 0x10000>; armature,device = "pass";'
             ' armature,attributes = "rxc"; };')
    started = run(vm("guest", "word", devices=flash, bootargs="word=0x04000000 write=0x5"))
    assert started.wait() == 0, started.story()
    text = started.text("console.txt")
    assert "WORD load 0x4000000: 0x" in text and re.search(r"WORD store 0x4000000: ESR 0x96000050", text), started.story()


@pytest.mark.needs("pl031", "pl061")
def test_linux_uses_the_machines_clock(machine, image):
    """Its own driver finds the PL031, the date is right, and its alarm interrupt comes."""
    devices = rtc() + ('gpio@9030000 { compatible = "arm,pl061", "arm,primecell"; reg = <0x0 0x09030000 0x0 0x1000>; interrupts = <0 7 4>;'
                       ' gpio-controller; #gpio-cells = <2>; interrupt-controller; #interrupt-cells = <2>; armature,device = "pass"; };')
    node = vm("linux", "linux", "initrd", 1, (0,), (0x40000000, 256 << 20), "console=ttyAMA0", devices=devices)
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--image", f"linux={image('Image-debian')}",
                      "--image", f"initrd={image('initrd.cpio.gz')}", timeout=90)
    guest = Linux(started)
    guest.login()
    assert "rtc-pl031" in guest.run("cat /sys/class/rtc/rtc0/name")
    seconds = int(guest.run("cat /sys/class/rtc/rtc0/since_epoch"))
    assert abs(seconds - time.time()) < 5, started.story()
    guest.run("echo +2 >/sys/class/rtc/rtc0/wakealarm; sleep 3")
    line = re.search(r"^ *\d+: +(\d+) .*rtc-pl031", guest.run("cat /proc/interrupts"), re.M)
    assert line and int(line[1]) >= 1, started.story()
    assert "9030000.gpio" in guest.run("dmesg | grep -i 'PL061 GPIO chip registered'")
    assert guest.warnings() == []
    started.send("poweroff\n")
    assert started.wait() == 0, started.story()


# Addresses without a device

def dummy(options="", at=0x0C000000):
    return f'dummy@{at:x} {{ compatible = "armature,dummy"; reg = <0x0 {at:#x} 0x0 0x1000>; {options} }};'


@pytest.mark.parametrize("options, load, store, byte, behind", [
    ("", "0xffffffff", "0x5", "0xff", "0xffffffff"),
    ("armature,value = <0x12345678>;", "0x12345678", "0x5", "0x78", "0x12345678"),
    ("armature,value = <0x11223344 0x55667788>;", "0x55667788", "0x5", "0x88", "0x11223344"),
    ("armature,no-access;", NOTHING_THERE, "ESR 0x96000050", NOTHING_THERE, NOTHING_THERE),
])
def test_dummy(run, options, load, store, byte, behind):
    started = run(vm("guest", "word", devices=dummy(options), bootargs="word=0x0c000000 write=0x5"))
    assert started.wait() == 0, started.story()
    text = started.text("console.txt")
    for what, value, at in (("load", load, 0x0C000000), ("store", store, 0x0C000000), ("byte", byte, 0x0C000000), ("behind", behind, 0x0C000004)):
        assert re.search(rf"WORD {what} {at:#x}: {value}\b", text), started.story()
    assert text.count(f"WORD load 0xc000000: {load}") == 2, started.story()  # before and after the write


def test_a_dummy_is_not_assigned_to_others(run):
    bare = 'serial { compatible = "arm,pl011", "arm,primecell"; armature,backend = "null"; };'
    started = run(vm("guest", "word", devices=bare + dummy("armature,no-access;"), bootargs="word=0x40000000"))
    assert started.wait() == 0 and re.search(r"vdev serial@c001000 \(pl011\)", started.log()), started.story()
