# SPDX-License-Identifier: Apache-2.0
"""The one-VM description that `run --kernel` makes: a VM with the layout of QEMU's virt machine."""
from .base import Refused
from .tree import source_compile

NAME, RAM_BASE = "guest", 0x40000000
TREE_ROOM = 0x100000  # of QEMU's own tree

DEVICES = """
        clk: apb-pclk {
            compatible = "fixed-clock";
            #clock-cells = <0>;
            clock-frequency = <24000000>;
            clock-output-names = "clk24mhz";
        };
        pl011@9000000 {
            compatible = "arm,pl011", "arm,primecell";
            reg = <0x0 0x09000000 0x0 0x1000>;
            interrupts = <0 1 4>;
            clocks = <&clk>, <&clk>;
            clock-names = "uartclk", "apb_pclk";
            armature,backend = "console";
        };
"""


def cells64(value):
    return f"<{value >> 32:#x} {value & 0xFFFFFFFF:#x}>"


def string_text(text):
    if any(not 0x20 <= ord(char) < 0x7F for char in text):
        raise Refused(f"--append {text!r}: only printable ASCII can be in bootargs")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tree_place(kernel):
    """Where QEMU's virt machine has the tree of an ELF kernel that leaves room below it: such guests look for it there, not in x0."""
    return RAM_BASE if kernel.format == "elf" and kernel.load >= RAM_BASE + TREE_ROOM else None


def guest_source(memory, cpus=1, append=None, ramdisk=False, dtb=False, load=None, entry=None, dtb_at=None):
    """The description's source. Images are called kernel, initrd and dtb. A tree of the guest's own gets bootargs only if told."""
    chosen = ['stdout-path = "/pl011@9000000";', 'armature,kernel = "kernel";']
    if append is not None:
        chosen.append(f"bootargs = {string_text(append)};")
    if ramdisk:
        chosen.append('armature,ramdisk = "initrd";')
    if dtb:
        chosen.append('armature,dtb = "dtb";')
    for name, value in (("kernel-load", load), ("entry", entry), ("dtb-address", dtb_at)):
        if value is not None:
            chosen.append(f"armature,{name} = {cells64(value)};")
    lines = "\n            ".join(chosen)
    return f"""/dts-v1/;
/ {{
    compatible = "armature,vms";
    #address-cells = <2>;
    #size-cells = <2>;
    {NAME} {{
        compatible = "armature,vm";
        #address-cells = <2>;
        #size-cells = <2>;
        cpus = <{cpus}>;
        memory@{RAM_BASE:x} {{
            device_type = "memory";
            reg = {cells64(RAM_BASE)}, {cells64(memory)};
        }};
        chosen {{
            {lines}
        }};{DEVICES}    }};
}};
"""


def guest_description(*args, **kwargs):
    return source_compile(guest_source(*args, **kwargs).encode("ascii"), "the description of --kernel")
