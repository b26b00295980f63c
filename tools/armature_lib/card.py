# SPDX-License-Identifier: Apache-2.0
"""A bootable card image: one FAT partition with the hypervisor, the bundle and U-Boot's script. Made without root."""
import os
import re
import tempfile

from .base import MIB, Refused, align_up, file_required, program_run
from .output import output_file

SECTOR, PARTITION_OFFSET = 512, 1 * MIB
SIZE_LEAST = 64 * MIB  # FAT32, which every board's firmware reads, needs 65525 clusters
DISK_ID, VOLUME_ID = 0x41524D41, "41524d42"
KEY_BITS = 2048  # as the signature's algorithm below says
HYPERVISOR, BUNDLE, SIGNED, SCRIPT = "armature.bin", "armature.bundle", "armature.itb", "boot.scr"

# The machine's tree: U-Boot for the Pi has fdt_addr_r, and at fdt_addr what its firmware made; where one of them is not set, it is the one that U-Boot
# itself runs on. (On virt fdt_addr alone is set.)
TREE_CHOICE = 'if test -n "${fdt_addr_r}" && test -n "${fdt_addr}"; then setenv armature_fdt ${fdt_addr}; else setenv armature_fdt ${fdtcontroladdr}; fi'
SCRIPT_HEAD = """\
echo "Armature: starting from ${{devtype}} ${{devnum}}:${{distro_bootpart}}"
{tree_choice}
setenv bootargs {bootargs}
"""
SCRIPT_PLAIN = """\
if load ${{devtype}} ${{devnum}}:${{distro_bootpart}} ${{kernel_addr_r}} {hypervisor} && load ${{devtype}} ${{devnum}}:${{distro_bootpart}} ${{ramdisk_addr_r}} {bundle}
then booti ${{kernel_addr_r}} ${{ramdisk_addr_r}}:${{filesize}} ${{armature_fdt}}
else echo "Armature: {hypervisor} or {bundle} could not be loaded"
fi
echo "Armature: not started"
"""
SCRIPT_SIGNED = """\
if load ${{devtype}} ${{devnum}}:${{distro_bootpart}} ${{ramdisk_addr_r}} {signed}
then bootm ${{ramdisk_addr_r}}#conf-1 ${{ramdisk_addr_r}}#conf-1 ${{armature_fdt}}
else echo "Armature: {signed} could not be loaded"
fi
echo "Armature: not started"
"""
SIGNED_SOURCE = """/dts-v1/;
/ {{
description = "Armature, signed";
#address-cells = <1>;
images {{
kernel-1 {{ description = "hypervisor"; data = /incbin/("hypervisor"); type = "kernel_noload"; arch = "arm64"; os = "linux";
    compression = "none"; load = <0>; entry = <0>; hash-1 {{ algo = "sha256"; }}; }};
ramdisk-1 {{ description = "bundle"; data = /incbin/("bundle"); type = "ramdisk"; arch = "arm64"; os = "linux";
    compression = "none"; hash-1 {{ algo = "sha256"; }}; }};
}};
configurations {{
default = "conf-1";
conf-1 {{ description = "Armature"; kernel = "kernel-1"; ramdisk = "ramdisk-1"; compatible = "linux,dummy-virt";
    signature-1 {{ algo = "sha256,rsa2048"; key-name-hint = "{key}"; sign-images = "kernel", "ramdisk"; }}; }};
}};
}};
"""


def script_source(bootargs, signed):
    if any(char in bootargs for char in "'\n\"$\\;"):
        raise Refused(f"host arguments {bootargs!r}: quotes, $, \\ and ; cannot be passed through U-Boot's script")
    if not (bootargs.isascii() and bootargs.isprintable()):
        raise Refused(f"host arguments {bootargs!r}: only printable ASCII can be passed through U-Boot's script")
    body = SCRIPT_SIGNED if signed else SCRIPT_PLAIN
    return (SCRIPT_HEAD + body).format(bootargs=f"'{bootargs or ' '}'", hypervisor=HYPERVISOR, bundle=BUNDLE,
                                       signed=SIGNED, tree_choice=TREE_CHOICE)


def key_find(folder):
    """The name of the one key in the folder: NAME.key with its certificate NAME.crt."""
    if not os.path.isdir(folder):
        raise Refused(f"--sign '{folder}': no such folder")
    names = [name[:-4] for name in os.listdir(folder) if name.endswith(".key")]
    names = [name for name in names if os.path.exists(os.path.join(folder, name + ".crt"))]
    if len(names) != 1:
        raise Refused(f"--sign '{folder}': one pair NAME.key, NAME.crt is expected, {len(names)} found; make one with:\n"
                      f"  openssl req -batch -new -newkey rsa:{KEY_BITS} -nodes -x509 -subj /CN=dev -keyout {folder}/dev.key"
                      f" -out {folder}/dev.crt")
    key_check(folder, names[0])
    return names[0]


def key_check(folder, name):
    """U-Boot would refuse a card that says rsa2048 and was signed with another key, and only when it starts."""
    path = os.path.join(folder, f"{name}.key")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise Refused(f"--sign: the key '{path}': its name may have A-Z a-z 0-9 . _ - only")
    said, _ = program_run(["openssl", "rsa", "-in", os.path.abspath(path), "-passin", "pass:", "-noout", "-modulus"], "openssl",
                          f"--sign: the key '{path}' is no RSA key that can be read")
    bits = int(said.partition(b"=")[2], 16).bit_length()
    if bits != KEY_BITS:
        raise Refused(f"--sign: the key '{path}' is of {bits} bits: RSA of {KEY_BITS} bits is needed")


def signed_make(folder, hypervisor, bundle, keys, control=None):
    """The outer FIT in `folder`. `control` is a device tree that gets the public key, for U-Boot to demand it."""
    key = key_find(keys)
    for name, path in (("hypervisor", hypervisor), ("bundle", bundle)):
        os.symlink(os.path.abspath(path), os.path.join(folder, name))
    with open(os.path.join(folder, "signed.its"), "w", encoding="utf-8") as file:
        file.write(SIGNED_SOURCE.format(key=key))
    argv = ["mkimage", "-f", "signed.its", "-k", os.path.abspath(keys), "-r"]
    if control:
        control_pad(control)
        argv += ["-K", os.path.abspath(control)]
    program_run(argv + [SIGNED], "u-boot-tools", "signing", cwd=folder)
    return os.path.join(folder, SIGNED)


def control_pad(path):
    """Room for a key's properties."""
    padded, _ = program_run(["dtc", "-q", "-q", "-I", "dtb", "-O", "dtb", "-p", "8192", path], "device-tree-compiler",
                            f"device tree '{path}'")
    with open(path, "wb") as file:
        file.write(padded)


def card_write(output, hypervisor, bundle, bootargs="", keys=None, control=None, extra=(), size=None):
    """Writes the image. `extra`: (file, name on the card) of what else the board's firmware wants."""
    with tempfile.TemporaryDirectory(prefix="armature-") as folder:
        script = os.path.join(folder, "boot.cmd")
        with open(script, "w", encoding="utf-8") as file:
            file.write(script_source(bootargs, keys is not None))
        compiled = os.path.join(folder, SCRIPT)
        program_run(["mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-n", "Armature", "-d", script, compiled],
                    "u-boot-tools", "boot script")
        files = [(compiled, SCRIPT)]
        if keys:
            files.append((signed_make(folder, hypervisor, bundle, keys, control), SIGNED))
        else:
            files += [(hypervisor, HYPERVISOR), (bundle, BUNDLE)]
        for path, _ in extra:
            file_required(path, "--add")
        with output_file(output, "card") as partial:
            disk_write(partial, files + list(extra), size)


def disk_write(path, files, size):
    content = sum(align_up(os.path.getsize(source), 64 * 1024) for source, _ in files)
    least = align_up(max(SIZE_LEAST, content + content // 64 + 16 * MIB), MIB)
    if size is not None and size < least:
        raise Refused(f"card '{path}': {size} bytes are too few, {least} are needed")
    size = align_up(size, MIB) if size else 1 << (least - 1).bit_length()  # QEMU's SD cards are powers of two
    with open(path, "wb") as file:
        try:
            file.truncate(size)
        except OverflowError:
            raise Refused(f"card '{path}': {size} bytes are more than a file can have") from None
    program_run(["sfdisk", "-q", "--no-reread", path], "fdisk", f"card '{path}'",
                input=f"label: dos\nlabel-id: {DISK_ID:#x}\n{PARTITION_OFFSET // SECTOR},,0c,*\n".encode())
    partition = f"{path}@@{PARTITION_OFFSET}"
    program_run(["mformat", "-i", partition, "-F", "-v", "ARMATURE", "-N", VOLUME_ID, "-h", "255", "-s", "63",
                 "-H", str(PARTITION_OFFSET // SECTOR), "-T", str((size - PARTITION_OFFSET) // SECTOR), "::"],
                "mtools", f"card '{path}'")
    folders = set()
    for source, name in files:
        parts = name.split("/")[:-1]
        for folder in ["/".join(parts[:n + 1]) for n in range(len(parts)) if "/".join(parts[:n + 1]) not in folders]:
            folders.add(folder)
            program_run(["mmd", "-D", "s", "-i", partition, f"::{folder}"], "mtools", f"card '{path}': {folder}")
        program_run(["mcopy", "-D", "o", "-i", partition, source, f"::{name}"], "mtools", f"card '{path}': {name}")
