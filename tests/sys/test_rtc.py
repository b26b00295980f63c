# SPDX-License-Identifier: Apache-2.0
"""Linux takes the date from the virtual real-time clock, sets it, and is woken by its alarm."""
import re
import time

import pytest
from descriptions import vm, vms_write
from linux import Linux

RTC = """
        rtc@9010000 {
            compatible = "arm,pl031", "arm,primecell";
            reg = <0x0 0x09010000 0x0 0x1000>;
            interrupts = <0 2 4>;
        };"""
CLOSE = 4  # seconds: the emulated machine's clock is read to a second, and a shell command takes its time


def interrupts(guest):
    return int(re.search(r"^ *\d+: +(\d+) .*rtc-pl031", guest.run("cat /proc/interrupts"), re.M)[1])


@pytest.mark.needs("pl031")
def test_date_alarm_and_setting(machine, image):
    description = vms_write(machine.folder / "vms.dts",
                            vm("linux", "linux", "initrd", memory=(0x40000000, 256 << 20), bootargs="console=ttyAMA0", devices=RTC))
    started = machine("--vms", description, "--image", f"linux={image('Image-debian')}", "--image", f"initrd={image('initrd.cpio.gz')}",
                      timeout=120)
    guest = Linux(started)
    guest.login()
    assert "rtc-pl031 9010000.rtc: setting system clock to 20" in guest.run("dmesg | grep rtc-pl031")
    assert abs(int(guest.run("date +%s")) - time.time()) < CLOSE
    assert abs(int(guest.run("cat /sys/class/rtc/rtc0/since_epoch")) - time.time()) < CLOSE
    before = interrupts(guest)
    guest.run("echo +3 >/sys/class/rtc/rtc0/wakealarm")
    alarm = int(guest.run("cat /sys/class/rtc/rtc0/wakealarm"))
    assert interrupts(guest) == before
    guest.run("while [ -n \"$(cat /sys/class/rtc/rtc0/wakealarm)\" ]; do sleep 0.2; done", timeout=60)
    assert interrupts(guest) == before + 1
    assert 0 <= int(guest.run("cat /sys/class/rtc/rtc0/since_epoch")) - alarm < CLOSE
    # A year later; what the guest set is the guest's alone, and counts on.
    guest.run("date -s '2040-01-02 03:04:05' && hwclock -w -u")
    guest.run("sleep 2")
    assert guest.run("cat /sys/class/rtc/rtc0/date").strip() == "2040-01-02"
    assert re.match(r"03:04:(0[7-9]|1\d)", guest.run("cat /sys/class/rtc/rtc0/time"))
    guest.run("hwclock -s -u")
    assert guest.run("date -u +%Y").strip() == "2040"
    assert guest.warnings() == []
