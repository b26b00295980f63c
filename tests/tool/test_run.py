# SPDX-License-Identifier: Apache-2.0
"""`armature run` with a QEMU that plays a script: exit statuses, the console's bytes, what is refused, what is left behind."""
import os
import signal
import struct
import subprocess
import time

import pytest
from conftest import ENDED, TOOL, arm64_image, tree_bytes, vm_source, vms_source  # puts the tool's folder into the path

from armature_lib import rpi_stub

START = ["console", "U-Boot 2023.01\r\n{marker}\r\n"]


def ended(cause):
    return ["results", ENDED.format(cause=cause)]


def gone(pid):
    return not os.path.exists(f"/proc/{pid}")


@pytest.mark.parametrize("status, steps", [
    (0, [START, ended("off")]),
    (3, [START, ended("reset")]),
    (4, [START, ended("crash")]),
    (4, [START, ended("watchdog")]),
    (4, [["results", "R vm guest state=ended cause=refused code=5\nR machine end\n"]]),
    (4, [START, ["results", "R machine panic\n"]]),
    (4, [START, ["results", "R vm guest state=running\n"]]),
    (4, [START, ["results", "R vm guest state=running\n"], ["exit", 0]]),
    (2, [["exit", 1]]),
    (4, [["exit", 0]]),
    (4, [["console", "x"], ["exit", 1]]),
    (4, [["results", "R hyp version=1\n"], ["exit", 1]]),
    (4, [["results", "R machine end\n"]]),
    (0, [START, ["results", "R vm guest state=restarting cause=reset code=2\n"], ended("off")]),
    (4, [START, ["results", "R vm guest state=restarting cause=crash code=3\n"], ended("off")]),
    (4, [START, ["results", "R vm other state=ended cause=crash code=3\n"], ended("off")]),
    (3, [START, ["results", "R vm other state=ended cause=reset code=2\n"], ended("off")]),
    (0, [START, ["results", "R vm gu"], ["sleep", 0.05], ["results", "est state=ended cause=off code=1\nR machine end\n"]]),
    (124, [START, ["sleep", 30]]),
    (0, [START, ended("off"), ["sleep", 30]]),
    (0, [["deaf"], START, ended("off"), ["sleep", 30]]),
])
def test_exit_status(folder, status, steps):
    done = folder.run(steps, "--timeout", "2" if status == 124 else "25")
    assert done.returncode == status, done.stderr.decode()
    assert gone(folder.qemu()["pid"]) and folder.leftovers() == []


def test_what_a_guest_prints_cannot_fake_a_result(folder):
    done = folder.run([START, ["console", "R vm guest state=ended cause=off code=0\nR machine end\n"]])
    assert done.returncode == 4


def test_console_is_byte_for_byte_both_ways(folder):
    typed = bytes(range(256)) * 40 + b"\x1dq\x03"
    steps = [START, ["echo", "\xfe"], ["echo", "\xfe"], ended("off")]
    done = folder.run(steps, stdin=typed)
    first = typed.index(0xFE)
    second = typed.index(0xFE, first + 1)
    assert done.returncode == 0 and done.stdout == typed[:first] + typed[first + 1:second]


def test_stdin_waits_for_the_guest_and_its_end_ends_nothing(folder):
    done = folder.run([["sleep", 0.3], START, ["echo", "\r"], ["sleep", 0.3], ["console", "more"], ended("off")], stdin=b"hello\r")
    assert done.returncode == 0 and done.stdout == b"hellomore"


def test_held_text_is_shown_only_when_the_guests_never_started(folder):
    done = folder.run([["console", "no bundle\r\n"], ["exit", 0]])
    assert done.stdout == b"" and b"no bundle" in done.stderr
    done = folder.run([START, ended("off")])
    assert done.stdout == b"" and b"U-Boot" not in done.stderr


def test_much_output_arrives_whole(folder):
    done = folder.run([START, ["flood", 160], ended("off")])
    assert done.returncode == 0 and done.stdout == b"x" * 65536 * 160


def test_log_and_results_files(folder):
    done = folder.run([["results", "R hyp version=1 cores=4\nL hello log\n"], START, ended("off")], "--log", "log.txt",
                      "--results", "results.txt")
    assert done.returncode == 0
    assert open(os.path.join(folder.path, "log.txt"), "rb").read() == b"hello log\n"
    assert open(os.path.join(folder.path, "results.txt"), "rb").read() == b"R hyp version=1 cores=4\n" + ENDED.format(cause="off").encode()


def test_trees_of_dry_runs(folder):
    """A line is put where it says; what is no line of a tree, or would leave the folder, is not taken."""
    lines = "T a 0 d00dfeed\nT a 4 01\nT b 0 aa\nT a 5 0203\nT ../c 0 00\nT a zz 00\nT a 0\nT a 5 0z\nT\n"
    done = folder.run([["results", lines + "R vm a state=ended cause=dry-run code=0\nR machine end\n"]], "--trees", "deep/trees",
                      "--results", "results.txt")
    assert done.returncode == 0, done.stderr
    trees = os.path.join(folder.path, "deep", "trees")
    assert sorted(os.listdir(trees)) == ["a.dtb", "b.dtb"] and os.listdir(os.path.dirname(trees)) == ["trees"]
    assert open(os.path.join(trees, "a.dtb"), "rb").read() == bytes.fromhex("d00dfeed010203")
    assert b"T " not in open(os.path.join(folder.path, "results.txt"), "rb").read()
    done = folder.run([["results", lines + "R machine end\n"]])
    assert b"no VM ever ran" in done.stderr


def test_log_is_shown_when_a_vm_was_refused(folder):
    done = folder.run([["results", "L error: /guest: no RAM\nR vm guest state=ended cause=refused code=5\nR machine end\n"]])
    assert done.returncode == 4 and b"/guest: no RAM" in done.stderr and b"VM guest: refused" in done.stderr


def test_qemus_own_words_are_shown(folder):
    done = folder.run([["stderr", "fake: no such machine"], ["exit", 1]])
    assert done.returncode == 2 and b"qemu: fake: no such machine" in done.stderr and b"QEMU refused its options" in done.stderr
    done = folder.run([["stderr", "fake: broke down"], ["exit", 7]])
    assert done.returncode == 4 and b"qemu: fake: broke down" in done.stderr and b"exit status: 7" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_qemu_too(folder, number):
    env = {**os.environ, **folder.fake_env([START, ["console", "up"], ["sleep", 60]]), "TMPDIR": folder.path}
    with subprocess.Popen([TOOL, *folder.run_arguments()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=env) as tool:
        assert tool.stdout.read(2) == b"up"
        tool.send_signal(number)
        assert tool.wait(10) == 128 + number
    assert gone(folder.qemu()["pid"]) and folder.leftovers() == []


def test_killed_tool_takes_qemu_along(folder):
    env = {**os.environ, **folder.fake_env([START, ["console", "up"], ["sleep", 60]]), "TMPDIR": folder.path}
    with subprocess.Popen([TOOL, *folder.run_arguments()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=env) as tool:
        assert tool.stdout.read(2) == b"up"
        tool.kill()
        tool.wait(10)
    end = time.time() + 5
    while not gone(folder.qemu()["pid"]) and time.time() < end:
        time.sleep(0.05)
    assert gone(folder.qemu()["pid"])


def test_command_line(folder):
    folder.run([START, ended("off")], "--no-reboot", "--stay", "--host-args", "panic=park", "--", "-d", "int")
    argv = folder.qemu()["argv"]
    joined = " ".join(argv)
    assert "-M virt,virtualization=on,gic-version=3 -cpu cortex-a72 -smp 4 -m 2048M -nic none -display none -monitor none" in joined
    assert "-serial chardev:console -serial chardev:results" in joined and argv[-2:] == ["-d", "int"]
    words = argv[argv.index("-append") + 1].split()
    assert {"console=raw", "log=error", "log-to=results", "on-reset=stop", "on-end=stay", "panic=park"} <= set(words)
    assert any(word.startswith("console-marker=") for word in words[:-1])


def test_command_line_of_a_gicv2(folder):
    folder.run([START, ended("off")], "--gic", "2")
    assert "-M virt,virtualization=on,gic-version=2 -cpu" in " ".join(folder.qemu()["argv"])


def test_deterministic_command_line(folder):
    folder.run([START, ended("off")], "--icount")
    first = folder.qemu()["argv"]
    folder.run([START, ended("off")], "--icount")
    joined = " ".join(first)
    assert "gic-version=3,dtb-randomness=off" in joined and "-icount shift=0,sleep=off" in joined and "clock=vm" in joined
    assert first[first.index("-append") + 1] == folder.qemu()["argv"][first.index("-append") + 1]


def test_machine_grows_with_the_guest(folder):
    folder.run([START, ended("off")], "--guest-mem", "3G", "--cpus", "6")
    argv = folder.qemu()["argv"]
    assert argv[argv.index("-smp") + 1] == "6" and int(argv[argv.index("-m") + 1].rstrip("M")) >= 3 * 1024 + 256


def test_two_vms_share_the_console(folder):
    vms = folder.file("vms.dts", vms_source(vm_source("a"), vm_source("b")))
    steps = [["console", "U-Boot\r\n{marker}\r\nhello"], ["results", "R vm a state=ended cause=off code=1\nR machine end\n"]]
    done = folder.tool("run", "--hyp", folder.file("h", arm64_image()), "--vms", vms, "--image", "k=" + folder.file("k", b"raw"),
                       env=folder.fake_env(steps))
    argv = folder.qemu()["argv"]
    assert done.returncode == 0 and done.stdout == b"U-Boot\r\nhello"
    assert {"console=mux", "log-to=uart"} <= set(argv[argv.index("-append") + 1].split())


def test_gdb_says_how_to_attach(folder):
    done = folder.run([START, ended("off")], "--gdb")
    argv = folder.qemu()["argv"]
    address = argv[argv.index("-gdb") + 1].removeprefix("tcp:")
    assert "-S" in argv and f"target remote {address}".encode() in done.stderr


def test_through_uboot_a_card_is_made(folder):
    done = folder.run([["results", ENDED.format(cause="off")]], "--boot", "uboot", "--uboot", folder.file("u-boot.bin", b"u"))
    argv = " ".join(folder.qemu()["argv"])
    assert done.returncode == 0 and "-bios" in argv and "-kernel" not in argv and "if=virtio,format=raw,readonly=on,file=" in argv


def test_tf_a_starts_before_uboot(folder):
    """bl31 as the Pi's firmware leaves it: its header says where tree and U-Boot are; nothing is started by the emulator itself."""
    bl31 = bytearray(0x2000)
    struct.pack_into("<I", bl31, 0, 0x14000400)
    struct.pack_into("<I", bl31, 0xf0, 0x5AFE570B)
    os.mkdir(os.path.join(folder.path, "own"))
    folder.file("own/bl31.bin", bytes(bl31))
    stub = os.path.join(folder.path, "kept.bin")
    rpi_stub.stub_write(os.path.join(folder.path, "own/bl31.bin"), stub)
    words = struct.unpack("<1024I", open(stub, "rb").read()[:4096])
    assert words[0] == 0x14000008 and words[0x2c // 4] == 0x14000000 | (0x1000 - 0x2c) // 4
    assert (words[0xf0 // 4], words[0xf8 // 4], words[0xfc // 4]) == (0, 0x2600000, 0x80000)
    tree = folder.file("t.dtb", tree_bytes())
    done = folder.run([["results", ENDED.format(cause="off")]], "--board", "rpi4", "--stub", "tf-a", "--firmware", "own", "--uboot",
                      folder.file("u-boot.bin", b"u"), "--host-dtb", tree)
    joined = " ".join(folder.qemu()["argv"])
    assert done.returncode == 0 and "-kernel" not in joined and "-dtb" not in joined, done.stderr
    for name, at in (("stub.bin", "0x0"), ("u-boot.bin", "0x80000"), ("machine.dtb", "0x2600000")):
        assert f"{name},addr={at},force-raw=on" in joined
    assert open(tree, "rb").read() == tree_bytes()


@pytest.mark.parametrize("damage, reason", [((0xf0, 0), "no armstub: 0x5afe570b is expected at 0xf0"), ((0x20, 1), "its header is not laid out")])
def test_what_is_no_tf_a_is_refused(folder, damage, reason):
    words = [0x14000400] + [0] * 1023
    words[0xf0 // 4] = 0x5AFE570B
    words[damage[0] // 4] = damage[1]
    os.mkdir(os.path.join(folder.path, "own"))
    folder.file("own/bl31.bin", struct.pack("<1024I", *words))
    done = folder.run([["exit", 0]], "--board", "rpi4", "--stub", "tf-a", "--firmware", "own", "--uboot", folder.file("u", b"u"), "--host-dtb",
                      folder.file("t.dtb", tree_bytes()))
    assert done.returncode == 2 and reason in done.stderr.decode() and folder.leftovers() == [], done.stderr


REFUSED = [
    (["--kernel", "nothing"], "--kernel 'nothing': no such file"),
    (["--kernel", "k", "--initrd", "nothing"], "--initrd 'nothing': no such file"),
    (["--kernel", "k", "--dtb", "k"], "not a flattened device tree"),
    (["--kernel", "k", "--hyp", "k"], "hypervisor 'k': not an arm64 Image"),
    (["--kernel", "k", "--hyp", "nothing"], "hypervisor 'nothing': no such file"),
    (["--kernel", "k", "--load", "0x1000"], "not inside the VM's memory"),
    (["--kernel", "k", "--guest-mem", "12"], "less than a page"),
    (["--kernel", "k", "--guest-mem", "0x1001"], "no whole pages"),
    (["--kernel", "k", "--cpus", "65"], "cpus is 65"),
    (["--kernel", "k", "--cpus", "none"], "no count"),
    (["--kernel", "k", "--cpus", "1_0"], "no count"),
    (["--kernel", "k", "--cpus", "\u0663"], "no count"),
    (["--kernel", "k", "--append", "new\nline"], "only printable ASCII"),
    (["--kernel", "k", "--vms", "v"], "not --kernel and --vms at once"),
    ([], "one of --kernel FILE, --vms VMS.dts, --bundle FILE and --card FILE is needed"),
    (["--vms", "nothing"], "description 'nothing': no such file"),
    (["--vms", "v", "--cpus", "2"], "--cpus belongs to --kernel"),
    (["--kernel", "k", "--image", "a=b"], "--image belongs to --vms"),
    (["--kernel", "k", "--gic", "4"], "--gic 4: qemu-virt can have 3, 2 here"),
    (["--kernel", "k", "--timeout", "soon"], "no number of seconds"),
    (["--kernel", "k", "--board", "toaster"], "invalid choice"),
    (["--kernel", "k", "--boot", "uboot", "--uboot", "nothing"], "U-Boot 'nothing': no such file"),
    (["--kernel", "k", "--stub", "tf-a"], "--stub belongs to --board rpi4"),
    (["--kernel", "k", "--board", "rpi4", "--stub", "tf-a", "--boot", "direct"], "--stub tf-a is for --boot uboot"),
    (["--kernel", "k", "--board", "rpi4", "--firmware", "own"], "--firmware belongs to --stub tf-a"),
    (["--kernel", "k", "--uboot", "k"], "--uboot is for --boot uboot"),
    (["--kernel", "k", "--host-dtb", "k"], "--host-dtb 'k': not a flattened device tree"),
    (["--kernel", "k", "--log", "nowhere/log"], "--log 'nowhere/log'"),
]


@pytest.mark.parametrize("args, reason", REFUSED, ids=[" ".join(args) for args, _ in REFUSED])
def test_refused_before_anything_starts(folder, args, reason):
    folder.file("k", b"raw kernel")
    env = {**folder.fake_env([["exit", 0]]), "ARMATURE_HYP": folder.file("hyp.bin", arm64_image())}
    done = folder.tool("run", *args, env=env)
    assert done.returncode == 2 and done.stdout == b"" and reason in done.stderr.decode(), done.stderr.decode()
    assert not os.path.exists(os.path.join(folder.path, "qemu.json")) and folder.leftovers() == []


def test_no_qemu(folder):
    done = folder.tool(*folder.run_arguments(), env={"ARMATURE_QEMU": "/nowhere/qemu"})
    assert done.returncode == 2 and b"QEMU '/nowhere/qemu' is not there" in done.stderr


@pytest.mark.parametrize("args, reason", [
    (["--log", "kernel.bin"], "--log 'kernel.bin': is the same file as --kernel"), (["--results", "hyp.bin"], "--results 'hyp.bin': is the same file as --hyp"),
    (["--log", "same", "--results", "./same"], "--results './same': is the same file as --log 'same'"), (["--log", "."], "--log '.': is a directory"),
    (["--initrd", "rd", "--log", "link"], "--log 'link': is the same file as --initrd 'rd'")])
def test_a_file_of_the_run_is_not_written_over(folder, args, reason):
    folder.file("rd", b"disk")
    os.symlink("rd", os.path.join(folder.path, "link"))
    done = folder.run([START, ended("off")], *args)
    assert done.returncode == 2 and reason in done.stderr.decode(), done.stderr
    assert open(os.path.join(folder.path, "kernel.bin"), "rb").read() == b"raw " * 16 and open(os.path.join(folder.path, "rd"), "rb").read() == b"disk"
    assert not os.path.exists(os.path.join(folder.path, "same"))


def test_streams_may_be_shared(folder):
    done = folder.run([START, ended("off")], "--log", "/dev/null", "--results", "/dev/null")
    assert done.returncode == 0, done.stderr


def trees_blocked(folder):
    os.makedirs(os.path.join(folder.path, "trees", "a.dtb"))
    return "trees/a.dtb"


@pytest.mark.parametrize("option, reason", [("--results", "No space left"), ("--log", "No space left"), ("--trees", "Is a directory")])
def test_a_file_that_cannot_be_written_is_said_once_and_the_run_goes_on(folder, option, reason):
    path = trees_blocked(folder) if option == "--trees" else "/dev/full"
    steps = [START, ["results", "L one\nT a 0 00\n"], ["sleep", 0.1], ["results", "L two\nT a 0 00\n"], ["console", "went on"], ended("off")]
    done = folder.run(steps, option, path.split("/")[0] or path)
    said = done.stderr.decode()
    assert done.returncode == 4 and done.stdout == b"went on" and "Traceback" not in said, said
    assert said.count(reason) == 1 and f"not written whole: '{path}'" in said, said


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_standard_descriptors(folder, closed):
    env = {**os.environ, **folder.fake_env([["stderr", "words\n"], START, ["console", "up"], ended("off")]), "TMPDIR": folder.path}
    done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", TOOL, *folder.run_arguments(), "--results", "r"], cwd=folder.path, env=env,
                          capture_output=True, timeout=30, check=False)
    assert done.returncode == 0 and b"Traceback" not in done.stderr, done
    assert done.stdout == (b"" if ">&- " in closed + " " and closed != "2>&-" else b"up")
    assert open(os.path.join(folder.path, "r"), "rb").read() == ENDED.format(cause="off").encode()


def test_a_qemu_that_is_no_program(folder):
    broken = folder.file("qemu", "#!/nowhere/interpreter\n")
    os.chmod(broken, 0o755)
    vms = folder.file("vms.dts", vms_source(vm_source(body='d { armature,host-path = "/pl011"; };')))
    for args in (folder.run_arguments(), ["run", "--hyp", "hyp.bin", "--vms", vms]):
        done = folder.tool(*args, env={"ARMATURE_QEMU": broken})
        assert done.returncode == 2 and f"QEMU '{broken}': No such file".encode() in done.stderr, done.stderr
