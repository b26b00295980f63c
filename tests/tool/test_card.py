# SPDX-License-Identifier: Apache-2.0
"""Card images: their layout, and that the stock U-Boot starts from them, signed ones only unaltered. The payload is a tiny arm64 Image."""
import os
import shutil
import subprocess

import pytest
from conftest import arm64_image, vm_source, vms_source

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


def test_reproducible(folder):
    paths = [card(folder, folder.file("hyp.bin", arm64_image()), name=name, env={"SOURCE_DATE_EPOCH": "1700000000"})[1] for name in ("a", "b")]
    assert open(paths[0], "rb").read() == open(paths[1], "rb").read()


@pytest.mark.parametrize("args, reason", [
    (["--host-args", "a'b"], "cannot be passed"), (["--sign", "nowhere"], "no such folder"), (["--sign", "."], "one pair NAME.key, NAME.crt"),
    (["--control-dtb", "x"], "belongs to --sign"), (["--size", "1M"], "too few"), (["--add", "nothing"], "no such file"),
    (["--bundle", "x"], "one of --vms")])
def test_refused(folder, args, reason):
    done, path = card(folder, folder.file("hyp.bin", arm64_image()), *args)
    assert done.returncode == 2 and reason in done.stderr.decode() and not os.path.exists(path), done.stderr


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
