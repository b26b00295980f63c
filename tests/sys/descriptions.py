# SPDX-License-Identifier: Apache-2.0
"""VM descriptions as text: a VM with a console of its own, and what a test wants to be different."""

SERIAL = """serial_{label}: pl011@9000000 {{
            compatible = "arm,pl011", "arm,primecell";
            reg = <0x0 0x09000000 0x0 0x1000>;
            interrupts = <0 1 4>;
            clocks = <&clk_{label}>, <&clk_{label}>;
            clock-names = "uartclk", "apb_pclk";
            armature,backend = "console";
        }};"""
CLOCK = """clk_{label}: apb-pclk {{
            compatible = "fixed-clock";
            #clock-cells = <0>;
            clock-frequency = <24000000>;
            clock-output-names = "clk24mhz";
        }};"""


def cells(value):
    return f"{value >> 32:#x} {value & 0xffffffff:#x}"


def vm(name, kernel, ramdisk=None, cpus=1, affinity=None, memory=(0x40000000, 16 << 20), bootargs="", vm_lines="", chosen="",
       devices="", serial=True):
    """A VM node. `vm_lines`, `chosen` and `devices` are added as they are, each to its place."""
    affinity = f"affinity = <{' '.join(map(str, affinity))}>;" if affinity else ""
    ramdisk = f'armature,ramdisk = "{ramdisk}";' if ramdisk else ""
    console = (CLOCK + "\n        " + SERIAL).format(label=name.replace("-", "_")) if serial else ""
    stdout = 'stdout-path = "/pl011@9000000";' if serial else ""
    base, size = memory
    return f"""
    {name} {{
        compatible = "armature,vm";
        #address-cells = <2>;
        #size-cells = <2>;
        cpus = <{cpus}>;
        {affinity}
        {vm_lines}
        memory@{base:x} {{
            device_type = "memory";
            reg = <{cells(base)} {cells(size)}>;
        }};
        chosen {{
            bootargs = "{bootargs}";
            {stdout}
            armature,kernel = "{kernel}";
            {ramdisk}
            {chosen}
        }};
        {console}
        {devices}
    }};
"""


def vms(*nodes):
    return ('/dts-v1/;\n/ {\n    compatible = "armature,vms";\n    #address-cells = <2>;\n    #size-cells = <2>;\n'
            + "".join(nodes) + "};\n")


def vms_write(path, *nodes):
    with open(path, "w", encoding="utf-8") as file:
        file.write(vms(*nodes))
    return str(path)


def linux_vm(name="linux", cpus=2, affinity=(0, 1), memory=256 << 20, bootargs="console=ttyAMA0"):
    return vm(name, "linux", "initrd", cpus, affinity, (0x40000000, memory), bootargs)


def rtos_vm(name="rtos", affinity=(2,), **kwargs):
    return vm(name, "rtos", affinity=affinity, **kwargs)
