# SPDX-License-Identifier: Apache-2.0
"""Card images: their layout, and that the stock U-Boot starts from them, signed ones only unaltered. The payload is a tiny arm64 Image."""
import os
import shutil
import subprocess

import pytest
from conftest import arm64_image, vm_source, vms_source
from armature_lib.card import script_source

PAYLOAD = r"""
	.global _start
_start:	b	1f
	.long	0
	.quad	0, 0x200000, 0xa, 0, 0, 0
	.ascii	"ARM\x64"
	.long	0
1:	ldr	x1, =0x09000000
	adr	x2, said
	bl	2f
	ldr	x1, =0x09040000
	adr	x2, results
	bl	2f
	ldr	w0, =0x84000008
	smc	#0
	b	.
2:	ldrb	w0, [x2], #1
	cbz	w0, 3f
	strb	w0, [x1]
	b	2b
3:	ret
said:	.asciz "payload was here\r\n"
results: .asciz "R vm a state=ended cause=off code=1\nR machine end\n"
	.balign	8
	.ltorg
	.balign	4096
"""
HAVE_MACHINE = shutil.which("qemu-system-aarch64") and shutil.which("aarch64-linux-gnu-gcc") and \
    os.path.exists("/usr/lib/u-boot/qemu_arm64/u-boot.bin")
machine = pytest.mark.skipif(not HAVE_MACHINE, reason="needs QEMU, U-Boot and an arm64 compiler")


def card(folder, hypervisor, *args, name="card.img", env=None):
    vms = folder.file("vms.dts", vms_source(vm_source()))
    done = folder.tool("sdcard", "--hyp", hypervisor, "--vms", vms, "--image", "k=" + folder.file("k", b"raw kernel"), "-o", name, *args, env=env)
    return done, os.path.join(folder.path, name)


def card_text(path, name):
    return subprocess.run(["mtype", "-i", f"{path}@@1M", f"::{name}"], capture_output=True, check=True).stdout


def test_layout(folder):
    done, path = card(folder, folder.file("hyp.bin", arm64_image()), "--host-args", "log=debug", "--add", folder.file("config.txt", "x=1\n"))
    assert done.returncode == 0, done.stderr
    partitions = subprocess.run(["/usr/sbin/sfdisk", "-d", path], capture_output=True, check=True, text=True).stdout
    assert "label: dos" in partitions and "start=        2048" in partitions and "type=c, bootable" in partitions
    assert card_text(path, "armature.bin") == arm64_image() and card_text(path, "config.txt") == b"x=1\n"
    assert card_text(path, "armature.bundle")[:8] == b"ARMABNDL" and b"setenv bootargs 'log=debug'" in card_text(path, "boot.scr")


def test_no_host_arguments_are_none(folder):
    """The tree's own words, which the firmware puts there for Linux, are not ours: U-Boot replaces them only by something."""
    _, path = card(folder, folder.file("hyp.bin", arm64_image()))
    assert b"\nsetenv bootargs ' '\n" in card_text(path, "boot.scr")


@pytest.mark.parametrize("variables, tree", [
    ({}, "own"), ({"fdt_addr": "made"}, "own"), ({"fdt_addr_r": "free"}, "own"), ({"fdt_addr_r": "free", "fdt_addr": "made"}, "made")])
def test_a_tree_is_always_handed_over(variables, tree):
    """Whichever of its variables a U-Boot sets: without a third argument booti would start nothing. The line means the same to a shell of the host."""
    line = next(line for line in script_source("", False).splitlines() if line.startswith("if test"))
    done = subprocess.run(["bash", "-c", f'setenv() {{ eval "$1=\\$2"; }}; {line}; echo "$armature_fdt"'], env={"fdtcontroladdr": "own", **variables},
                          capture_output=True, text=True, check=True)
    assert done.stdout == f"{tree}\n", done


def test_reproducible(folder):
    paths = [card(folder, folder.file("hyp.bin", arm64_image()), name=name, env={"SOURCE_DATE_EPOCH": "1700000000"})[1] for name in ("a", "b")]
    assert open(paths[0], "rb").read() == open(paths[1], "rb").read()


@pytest.mark.parametrize("args, reason", [
    (["--host-args", "a'b"], "cannot be passed"), (["--host-args", b"a\xff"], "only printable ASCII"), (["--sign", "nowhere"], "no such folder"), (["--sign", "."], "one pair NAME.key, NAME.crt"),
    (["--control-dtb", "x"], "belongs to --sign"), (["--smp", "2"], "--smp is of the machine whose tree --control-dtb writes"),
    (["--control-dtb", "x", "--sign", "keys", "--gic", "4"], "--gic 4: qemu-virt can have 3, 2 here"), (["--size", "1M"], "too few"), (["--add", "nothing"], "no such file"),
    (["--bundle", "x"], "one of --vms")])
def test_refused(folder, args, reason):
    done, path = card(folder, folder.file("hyp.bin", arm64_image()), *args)
    assert done.returncode == 2 and reason in done.stderr.decode() and not os.path.exists(path), done.stderr


def key_make(folder, name="t", kind="rsa:2048"):
    os.makedirs(os.path.join(folder.path, "keys"), exist_ok=True)
    options = [] if kind.startswith("rsa") else ["-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run(["openssl", "req", "-batch", "-new", "-newkey", kind, *options, "-nodes", "-x509", "-subj", "/CN=t", "-keyout", f"keys/{name}.key",
                    "-out", f"keys/{name}.crt"], cwd=folder.path, check=True, capture_output=True)


@pytest.mark.parametrize("name, kind, reason", [("t", "rsa:3072", "'keys/t.key' is of 3072 bits: RSA of 2048 bits is needed"),
                                                ("t", "ec", "'keys/t.key' is no RSA key"), ('a"b', "rsa:2048", "its name may have A-Z")])
def test_a_key_that_uboot_would_refuse(folder, name, kind, reason):
    key_make(folder, name, kind)
    control = folder.file("control.dtb", b"before")
    done, path = card(folder, folder.file("hyp.bin", arm64_image()), "--sign", "keys", "--control-dtb", "control.dtb")
    assert done.returncode == 2 and reason in done.stderr.decode() and not os.path.exists(path), done.stderr
    assert open(control, "rb").read() == b"before"


@pytest.mark.parametrize("name, args, reason", [
    ("hyp.bin", [], "-o 'hyp.bin': is the same file as --hyp"), ("k", [], "-o 'k': is the same file as --image"), ("keys/t.key", [], "is the same file as --sign"),
    ("card.img", ["--control-dtb", "card.img"], "--control-dtb 'card.img': is the same file as -o"),
    ("card.img", ["--control-dtb", "k"], "--control-dtb 'k': is the same file as --image"), (".", [], "-o '.': is a directory")])
def test_an_output_that_would_destroy_something(folder, name, args, reason):
    key_make(folder)
    hypervisor = folder.file("hyp.bin", arm64_image())
    done, _ = card(folder, hypervisor, "--sign", "keys", *args, name=name)
    assert done.returncode == 2 and reason in done.stderr.decode(), done.stderr
    assert open(hypervisor, "rb").read() == arm64_image() and set(os.listdir(folder.path)) == {"hyp.bin", "k", "keys", "vms.dts"}


def test_what_fails_leaves_nothing_and_names_the_output(folder):
    """The control tree is put in place after the card; a file named as the half-made card once was is the user's."""
    key_make(folder)
    control, own = folder.file("control.dtb", b"before"), folder.file("card.img.part", b"the user's")
    os.mkdir(os.path.join(folder.path, "bin"))
    folder.file("bin/mcopy", "#!/bin/sh\nfor each; do case $each in *@@*) echo \"$each: full\" >&2;; esac; done; exit 1\n")
    os.chmod(os.path.join(folder.path, "bin", "mcopy"), 0o755)
    path = os.path.join(folder.path, "bin") + ":" + os.environ["PATH"]
    done, output = card(folder, folder.file("hyp.bin", arm64_image()), "--sign", "keys", "--control-dtb", "control.dtb", env={"PATH": path})
    assert done.returncode == 2 and b"card.img@@1048576: full" in done.stderr and b"/." not in done.stderr, done.stderr
    assert not os.path.exists(output) and open(control, "rb").read() == b"before" and open(own, "rb").read() == b"the user's"
    assert not [name for name in os.listdir(folder.path) if name.startswith((".", "armature-"))]


# The Pi's card. Its firmware's files are stand-ins: whose they are, and that they are all there, is what counts.

FIRMWARE = ("start4.elf", "fixup4.dat", "bcm2711-rpi-4-b.dtb", "bcm2711-rpi-400.dtb", "overlays/disable-bt.dtbo", "overlays/overlay_map.dtb", "bl31.bin",
            "kernel8.img")
ON_CARD = {"start4.elf", "fixup4.dat", "bcm2711-rpi-4-b.dtb", "bcm2711-rpi-400.dtb", "overlays", "u-boot.bin", "config.txt", "armature.bin",
           "armature.bundle", "boot.scr"}
CONFIG = ["arm_64bit=1", "enable_uart=1", "enable_gic=1", "force_turbo=1", "kernel=u-boot.bin"]


def pi_card(folder, *args, without=(), **kwargs):
    place = os.path.join(folder.path, "[own]")
    os.makedirs(os.path.join(place, "overlays"))
    for name in set(FIRMWARE) - set(without):
        folder.file(os.path.join(place, name), f"the user's {name}")
    return card(folder, folder.file("hyp.bin", arm64_image()), "--board", "rpi4", "--firmware", place, "--uboot", folder.file("u", "U-Boot"), *args, **kwargs)


def card_names(path, place=""):
    listed = subprocess.run(["mdir", "-b", "-i", f"{path}@@1M", f"::{place}"], capture_output=True, check=True, text=True).stdout.split()
    return {name.rstrip("/").rsplit("/", 1)[-1] for name in listed}


def config(path):
    return [line for line in card_text(path, "config.txt").decode().splitlines() if not line.startswith("#")]


def test_pi_card(folder):
    done, path = pi_card(folder)
    assert done.returncode == 0, done.stderr
    assert card_names(path) == ON_CARD and card_names(path, "overlays") == {"disable-bt.dtbo", "overlay_map.dtb"}
    assert config(path) == CONFIG
    for name in ("start4.elf", "bcm2711-rpi-4-b.dtb", "overlays/disable-bt.dtbo"):
        assert card_text(path, name) == f"the user's {name}".encode()
    assert card_text(path, "u-boot.bin") == b"U-Boot" and card_text(path, "armature.bin") == arm64_image()
    size = os.path.getsize(path)
    assert size & size - 1 == 0, size  # QEMU wants that of an SD card


def test_pi_card_with_tf_a_and_an_overlay(folder):
    done, path = pi_card(folder, "--stub", "tf-a", "--overlay", "disable-bt")
    assert done.returncode == 0, done.stderr
    assert config(path) == CONFIG + ["armstub=bl31.bin", "dtoverlay=disable-bt"]
    assert card_names(path) == ON_CARD | {"bl31.bin"} and card_text(path, "bl31.bin") == b"the user's bl31.bin"


def test_both_boards_cards_start_alike(folder):
    """The same script, and the same files beside the firmware's."""
    done, pi = pi_card(folder, "--host-args", "log=debug", name="pi.img", env={"SOURCE_DATE_EPOCH": "1700000000"})
    assert done.returncode == 0, done.stderr
    done, virt = card(folder, folder.file("hyp.bin", arm64_image()), "--host-args", "log=debug", env={"SOURCE_DATE_EPOCH": "1700000000"})
    assert done.returncode == 0, done.stderr
    assert card_names(virt) == {"armature.bin", "armature.bundle", "boot.scr"}
    for name in card_names(virt):
        assert card_text(virt, name) == card_text(pi, name), name


@pytest.mark.parametrize("without, args, missing", [
    (["fixup4.dat"], [], ["fixup4.dat"]), (["start4.elf", "bcm2711-rpi-4-b.dtb"], [], ["start4.elf", "bcm2711-rpi-4-b.dtb"]),
    ([], ["--overlay", "nix"], ["overlays/nix.dtbo"])])
def test_pi_firmware_that_is_missing_is_named(folder, without, args, missing):
    done, path = pi_card(folder, *args, without=without)
    said = done.stderr.decode()
    assert done.returncode == 2 and not os.path.exists(path)
    assert f"lacks {', '.join(missing)};" in said and all(name not in said for name in set(FIRMWARE[:3]) - set(missing)), said


@pytest.mark.parametrize("args, reason", [
    (["--board", "rpi4", "--firmware", "nowhere"], "there is no folder 'nowhere': put start4.elf, fixup4.dat, bcm2711-rpi-4-b.dtb into it"),
    (["--stub", "tf-a"], "--stub belongs to --board rpi4"), (["--firmware", "own"], "--firmware belongs to --board rpi4")])
def test_pi_options_refused(folder, args, reason):
    done, path = card(folder, folder.file("hyp.bin", arm64_image()), *args)
    assert done.returncode == 2 and reason in done.stderr.decode() and not os.path.exists(path), done.stderr


@pytest.mark.parametrize("args, reason", [
    (["--uboot", "nix"], "U-Boot of rpi4 'nix': no such file: tools/fetch u-boot-rpi"), (["--control-dtb", "x", "--sign", "keys"], "QEMU virt's tree")])
def test_pi_card_refused(folder, args, reason):
    done, path = pi_card(folder, *args)
    assert done.returncode == 2 and reason in done.stderr.decode() and not os.path.exists(path), done.stderr


def test_signed_pi_card_needs_another_u_boot(folder):
    place = os.path.join(folder.path, "own")
    os.mkdir(place)
    done, _ = card(folder, folder.file("hyp.bin", arm64_image()), "--board", "rpi4", "--firmware", place, "--sign", "keys")
    assert done.returncode == 2 and "Debian's U-Boot for the Pi knows no FIT" in done.stderr.decode(), done.stderr


@pytest.fixture(scope="module")
def payload(tmp_path_factory):
    place = tmp_path_factory.mktemp("payload")
    (place / "p.S").write_text(PAYLOAD)
    subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-Ttext=0", "p.S", "-o", "p.elf"], cwd=place, check=True)
    subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", "p.elf", "p.bin"], cwd=place, check=True)
    return str(place / "p.bin")


@machine
def test_stock_uboot_starts_it(folder, payload):
    done, path = card(folder, payload)
    assert done.returncode == 0, done.stderr
    done = folder.tool("run", "--card", path, "--timeout", "30", timeout=60)
    assert done.returncode == 0 and done.stdout.endswith(b"payload was here\r\n"), done.stdout[-2000:]


@machine
def test_signed_card(folder, payload):
    os.mkdir(os.path.join(folder.path, "keys"))
    subprocess.run(["openssl", "req", "-batch", "-new", "-newkey", "rsa:2048", "-nodes", "-x509", "-subj", "/CN=t", "-keyout", "keys/t.key",
                    "-out", "keys/t.crt"], cwd=folder.path, check=True, capture_output=True)
    done, path = card(folder, payload, "--sign", "keys", "--control-dtb", "control.dtb")
    assert done.returncode == 0, done.stderr
    run = ["run", "--card", path, "--host-dtb", "control.dtb", "--timeout"]
    done = folder.tool(*run, "30", timeout=60)
    assert done.returncode == 0 and b"sha256,rsa2048:t+" in done.stdout and b"payload was here" in done.stdout, done.stdout[-3000:]
    with open(path, "r+b") as file:  # one bit of the bundle
        at = file.read().index(b"ARMABNDL") + 8192
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    done = folder.tool(*run, "8", timeout=60)
    assert done.returncode == 124 and b"payload was here" not in done.stdout and b"Armature: not started" in done.stdout, done.stdout[-3000:]


@machine
def test_another_key_is_refused(folder, payload):
    for name in ("good", "evil"):
        os.mkdir(os.path.join(folder.path, name))
        subprocess.run(["openssl", "req", "-batch", "-new", "-newkey", "rsa:2048", "-nodes", "-x509", "-subj", "/CN=t", "-keyout", f"{name}/t.key",
                        "-out", f"{name}/t.crt"], cwd=folder.path, check=True, capture_output=True)
    assert card(folder, payload, "--sign", "good", "--control-dtb", "control.dtb")[0].returncode == 0
    done, path = card(folder, payload, "--sign", "evil", name="evil.img")
    assert done.returncode == 0
    done = folder.tool("run", "--card", path, "--host-dtb", "control.dtb", "--timeout", "8", timeout=60)
    assert done.returncode == 124 and b"payload was here" not in done.stdout and b"Armature: not started" in done.stdout, done.stdout[-3000:]
