# SPDX-License-Identifier: Apache-2.0
"""The bundle file: its header, its FIT, and what is refused."""
import hashlib
import os
import signal
import struct
import subprocess
import time
import zlib

import libfdt
import pytest
from conftest import TOOL, arm64_image, elf, vm_source, vms_source


def bundle(folder, *args, source=None, output="out.bundle", env=None):
    path = folder.file("vms.dts", source or vms_source(vm_source()))
    done = folder.tool("bundle", path, *args, "-o", output, env=env)
    return done, os.path.join(folder.path, output)


def fit_read(path):
    """(header fields, libfdt tree, {name: (properties, stored bytes)})"""
    data = open(path, "rb").read()
    magic, version, header_size, size, tree_size, tree_crc, header_crc = struct.unpack_from("<8sIIQQII", data)
    assert (magic, version, header_size, size) == (b"ARMABNDL", 1, 4096, len(data))
    assert header_crc == zlib.crc32(data[:0x24]) and not any(data[0x28:4096])
    tree = data[4096:4096 + tree_size]
    assert tree_crc == zlib.crc32(tree)
    fdt = libfdt.FdtRo(tree)
    assert fdt.totalsize() == tree_size and tree_size % 4096 == 0
    images, node = {}, fdt.first_subnode(fdt.path_offset("/images"))
    while node >= 0:
        props = {name: bytes(fdt.getprop(node, name)) for name in ("type", "arch", "armature,format")}
        offset, length = (fdt.getprop(node, name).as_uint32() for name in ("data-offset", "data-size"))
        for name in ("armature,load", "armature,entry", "armature,bss"):
            value = fdt.getprop(node, name, [libfdt.NOTFOUND])
            props[name] = None if isinstance(value, int) else value.as_uint64()
        hashed = fdt.subnode_offset(node, "hash-1")
        props["hash"] = (bytes(fdt.getprop(hashed, "algo")).rstrip(b"\0"), bytes(fdt.getprop(hashed, "value")))
        start = 4096 + tree_size + offset
        assert start % 4096 == 0
        images[fdt.get_name(node)] = (props, data[start:start + length])
        node = fdt.next_subnode(node, [libfdt.NOTFOUND])
    return fdt, images


def test_header_and_images(folder):
    done, path = bundle(folder, "--image", "k=" + folder.file("kernel", arm64_image()), "--image",
                        "extra=" + folder.file("x", b"some data"))
    assert done.returncode == 0, done.stderr
    _, images = fit_read(path)
    assert set(images) == {"k", "extra", "vms"}
    props, data = images["k"]
    assert data == arm64_image() and props["armature,format"] == b"image\0" and props["arch"] == b"arm64\0"
    assert props["hash"] == (b"crc32", struct.pack(">I", zlib.crc32(data)))
    assert images["extra"][0]["armature,format"] == b"data\0" and images["extra"][1] == b"some data"
    assert images["vms"][0]["type"] == b"flat_dt\0" and images["vms"][1][:4] == b"\xd0\x0d\xfe\xed"


def test_sha256(folder):
    done, path = bundle(folder, "--image", "k=" + folder.file("kernel", b"raw"), "--hash", "sha256")
    assert done.returncode == 0, done.stderr
    for props, data in fit_read(path)[1].values():
        assert props["hash"] == (b"sha256", hashlib.sha256(data).digest())


def test_elf_is_flat_with_its_addresses(folder):
    kernel = folder.file("k.elf", elf([(0x40100000, 0x40100000, b"text", 0x1000)], 0x40100000))
    done, path = bundle(folder, "--image", "k=" + kernel)
    assert done.returncode == 0, done.stderr
    props, data = fit_read(path)[1]["k"]
    assert data == b"text" and props["armature,format"] == b"elf\0"
    assert (props["armature,load"], props["armature,entry"], props["armature,bss"]) == (0x40100000, 0x40100000, 0xFFC)


def test_reproducible(folder):
    kernel = "k=" + folder.file("kernel", b"raw")
    paths = [bundle(folder, "--image", kernel, output=name, env={"SOURCE_DATE_EPOCH": "1700000000"})[1] for name in ("a", "b")]
    assert open(paths[0], "rb").read() == open(paths[1], "rb").read()


def test_file_names_need_no_quoting(folder):
    done, path = bundle(folder, "--image", "k=" + folder.file('a "b" $c;\\d=e,f', b"raw"))
    assert done.returncode == 0, done.stderr
    assert fit_read(path)[1]["k"][1] == b"raw"


@pytest.mark.parametrize("argument, reason", [("k", "NAME=FILE"), ("k=", "NAME=FILE"), ("1k=x", "no image name"), ("a/b=x", "no image name"),
                                              ("vms=x", "description's own"), ("k=/nowhere/file", "no such file"), ("k=/tmp", "is a directory")])
def test_bad_image_argument(folder, argument, reason):
    done, path = bundle(folder, "--image", argument)
    assert done.returncode == 2 and reason in done.stderr.decode() and done.stdout == b""
    assert not os.path.exists(path) and os.listdir(folder.path) == ["vms.dts"]


def test_missing_image_names_node(folder):
    done, _ = bundle(folder)
    assert done.returncode == 2 and "/a/chosen: armature,kernel: no image 'k' was given" in done.stderr.decode()


def test_no_check_packs_it_all_the_same(folder):
    done, path = bundle(folder, "--no-check")
    assert done.returncode == 0 and set(fit_read(path)[1]) == {"vms"}


def test_one_image_in_two_roles(folder):
    source = vms_source(vm_source("a"), vm_source("b", kernel="j").replace('armature,kernel = "j";',
                                                                           'armature,kernel = "j"; armature,ramdisk = "k";'))
    image = folder.file("x", b"x")
    done, _ = bundle(folder, "--image", "k=" + image, "--image", "j=" + image, source=source)
    assert done.returncode == 2 and "/b/chosen: image 'k' is used as ramdisk here and as kernel by /a/chosen" in done.stderr.decode()


@pytest.mark.parametrize("kernel, chosen, reason", ids=lambda value: value if isinstance(value, str) else "", argvalues=[
    (b"x" * 0x1000000, "", "is not inside the VM's memory"),
    (elf([(0x50000000, 0x50000000, b"text", 4)], 0x50000000), "", "takes 0x50000000 to 0x50000004"),
    (b"raw", "armature,kernel-load = <0x1000>;", "takes 0x1000"),
    (elf([(0x40100000, 0, b"text", 4)], 0), "armature,kernel-load = <0x40200000>;", "is an ELF file linked for 0x40100000"),
    (b"raw", "armature,entry = <0x1000>;", "armature,entry 0x1000 lies in no memory"),
    (b"raw", "armature,dtb-address = <0x1000>;", "armature,dtb-address 0x1000 lies in no memory"),
    (b"raw" * 9, "armature,dtb-address = <0x40080008>;", "lies inside the kernel"),
    (b"raw", "armature,dtb-address = <0x40000001>;", "not aligned to 8"),
])
def test_what_does_not_fit_is_refused(folder, kernel, chosen, reason):
    source = vms_source(vm_source().replace("chosen {", "chosen { " + chosen))
    done, _ = bundle(folder, "--image", "k=" + folder.file("kernel", kernel), source=source)
    assert done.returncode == 2 and "/a/chosen: " in done.stderr.decode() and reason in done.stderr.decode()


def test_unwritable_output(folder):
    done, _ = bundle(folder, "--image", "k=" + folder.file("kernel", b"raw"), output="nowhere/out.bundle")
    assert done.returncode == 2 and "No such file or directory" in done.stderr.decode()


@pytest.mark.parametrize("output, reason", [
    ("vms.dts", "-o 'vms.dts': is the same file as description"), ("link", "-o 'link': is the same file as --image"), ("hyp.bin", "as --hyp 'hyp.bin'"),
    (".", "-o '.': is a directory"), ("pipe", "-o 'pipe': is no regular file")])  # no device of the machine's: a tool that failed here would replace it
def test_output_that_would_destroy_something_is_refused(folder, output, reason):
    kernel, hypervisor = folder.file("kernel", b"raw"), folder.file("hyp.bin", arm64_image())
    os.symlink("kernel", os.path.join(folder.path, "link"))
    os.mkfifo(os.path.join(folder.path, "pipe"))
    done, _ = bundle(folder, "--image", "k=" + kernel, "--hyp", "hyp.bin", output=output)
    assert done.returncode == 2 and reason in done.stderr.decode(), done.stderr
    assert open(kernel, "rb").read() == b"raw" and open(hypervisor, "rb").read() == arm64_image()
    assert open(os.path.join(folder.path, "vms.dts"), encoding="utf-8").read() == vms_source(vm_source())


def test_output_is_replaced_whole_behind_its_link_and_beside_nothing_of_the_users(folder):
    kernel, own = folder.file("kernel", b"raw"), folder.file("out.bundle.part", b"the user's")
    os.symlink("target", os.path.join(folder.path, "out.bundle"))
    done, path = bundle(folder, "--image", "k=" + kernel)
    assert done.returncode == 0 and os.path.islink(path) and set(fit_read(path)[1]) == {"k", "vms"}, done.stderr
    mask = os.umask(0)
    os.umask(mask)
    assert os.stat(path).st_mode & 0o777 == 0o666 & ~mask
    assert open(own, "rb").read() == b"the user's"
    assert set(os.listdir(folder.path)) == {"kernel", "out.bundle", "out.bundle.part", "target", "vms.dts"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_bundle_leaves_nothing(folder, number):
    """In the middle of writing: what is to be copied is large."""
    folder.file("mkimage", "#!/bin/sh\ntruncate -s 1G bundle.fit\n")
    os.chmod(os.path.join(folder.path, "mkimage"), 0o755)
    folder.file("vms.dts", vms_source(vm_source()))
    folder.file("k", b"raw")
    before = set(os.listdir(folder.path))
    env = {**os.environ, "PATH": folder.path + ":" + os.environ["PATH"], "TMPDIR": folder.path}
    with subprocess.Popen([TOOL, "bundle", "vms.dts", "--image", "k=k", "-o", "out"], cwd=folder.path, env=env, stderr=subprocess.PIPE) as tool:
        limit = time.monotonic() + 20
        while not any(name.startswith(".") for name in os.listdir(folder.path)) and time.monotonic() < limit:  # the bundle to be
            time.sleep(0.0005)
        tool.send_signal(number)
        assert tool.wait(10) == 128 + number and b"Traceback" not in tool.stderr.read()
    assert set(os.listdir(folder.path)) == before
