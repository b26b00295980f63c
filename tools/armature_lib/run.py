# SPDX-License-Identifier: Apache-2.0
"""`armature run`: a machine under QEMU from a description, or from one kernel, to an exit status."""
import glob
import os
import secrets
import shlex
import tempfile

from .base import GIB, MIB, ROOT, Refused, align_up, file_required, note, say
from .board import BOARDS, board_tree, firmware_path
from .bundle import bundle_write, content_make, content_read, images_parse
from .card import card_write
from .configured import content_check
from .console import Gate
from .guest import guest_description, tree_place
from .image import image_open
from .machine import Machine, Process, machine_command, machine_tree, port_free
from .output import files_read, output_check
from .pump import Pump
from .results import EXIT_FAILED, Ending, Results, verdict
from .rpi import tf_a_find
from .rpi_stub import stub_arguments, stub_tree
from .tree import tree_packed

GUEST_MEMORY = 512 * MIB
MEMORY_SPARE = 512 * MIB  # hypervisor, firmware, trees, alignment
LOG_SHOWN = 30
QEMU_REFUSES = 1  # its exit status


def hypervisor_find(path, board):
    """The image named (ARMATURE_HYP names one for a whole test run), or the newest that was built for the board."""
    path = path or os.environ.get("ARMATURE_HYP")
    if not path:
        built = glob.glob(os.path.join(glob.escape(ROOT), "build", board.builds, "armature.bin"))
        if not built:
            raise Refused(f"no hypervisor in {os.path.join(ROOT, 'build')}: build one (make {board.builds.rstrip('*')}_defconfig && make),"
                          " or name it with --hyp")
        path = max(built, key=os.path.getmtime)
    file_required(path, "hypervisor")
    with open(path, "rb") as file:
        if file.read(64)[0x38:0x3C] != b"ARM\x64":
            raise Refused(f"hypervisor '{path}': not an arm64 Image")
    return path


def content_choose(args):
    """What the bundle is made of; None where a bundle or a card is given ready made."""
    ways = [way for way in ("kernel", "vms", "bundle", "card") if getattr(args, way)]
    if len(ways) != 1:
        raise Refused("run: one of --kernel FILE, --vms VMS.dts, --bundle FILE and --card FILE is needed"
                      + (f", not {' and '.join('--' + way for way in ways)} at once" if ways else ""))
    if ways != ["kernel"]:
        for option in ("initrd", "append", "dtb", "dtb_at", "cpus", "guest_mem", "load", "entry"):
            if getattr(args, option) is not None:
                raise Refused(f"run: --{option.replace('_', '-')} belongs to --kernel")
    for option in ("image", "bindings"):
        if getattr(args, option) and ways != ["vms"]:
            raise Refused(f"run: --{option} belongs to --vms")
    if ways == ["vms"]:
        return content_read(args.vms, images_parse(args.image), not args.no_check, None, args.bindings, lambda: host_tree(args))
    if ways == ["kernel"]:
        return guest_content(args)
    file_required(args.bundle or args.card, ways[0])
    if ways == ["card"] and args.boot == "direct":
        raise Refused("run: --card is for --boot uboot")
    return None


def host_given(path):
    """The tree that --host-dtb names, and what it is called."""
    with open(file_required(path, "--host-dtb"), "rb") as file:
        return file.read(), f"--host-dtb '{path}'"


def host_tree(args):
    """The tree of the machine that will run, and its name: as far as devices go, neither cores nor memory change it."""
    if args.host_dtb:
        return host_given(args.host_dtb)
    with tempfile.TemporaryDirectory(prefix="armature-") as folder:
        path = os.path.join(folder, "machine.dtb")
        if not board_tree(BOARDS[args.board], path, False):
            machine_tree(machine_make(args, None), path)
        with open(path, "rb") as file:
            return file.read(), f"the tree of {args.board}"


def guest_content(args):
    paths = {name: path for name, path in (("kernel", args.kernel), ("initrd", args.initrd), ("dtb", args.dtb)) if path}
    for name, path in paths.items():
        file_required(path, f"--{name}")
    memory = args.guest_mem or GUEST_MEMORY
    dtb_at = tree_place(image_open("kernel", args.kernel, "kernel")) if args.dtb_at is None else args.dtb_at
    dtb = guest_description(memory, args.cpus or 1, args.append, ramdisk=args.initrd is not None,
                            dtb=args.dtb is not None, load=args.load, entry=args.entry, dtb_at=dtb_at)
    return content_make(dtb, paths, "run --kernel", not args.no_check)


def machine_make(args, content):
    board = BOARDS[args.board]
    if args.gic is not None and args.gic not in board.gics:
        raise Refused(f"--gic {args.gic}: {board.name} can have {', '.join(map(str, board.gics))} here")
    memory, cores = args.mem, args.smp
    if memory is None:
        memory = max(board.memory, align_up(content.memory() + MEMORY_SPARE, 256 * MIB)) if content else board.memory
    if memory % MIB:
        raise Refused("--mem: whole MiB are needed")
    if cores is None:
        cores = max(board.cores, content.cores()) if content else board.cores
    if (board.cores_fixed and cores != board.cores) or (board.memory_fixed and memory != board.memory):
        raise Refused(f"{board.name} has {board.cores} cores and {board.memory // GIB} GiB")
    return Machine(board, args.gic or board.gics[0], args.cpu or board.cpu, cores, memory,
                   deterministic=args.deterministic, icount=args.icount, extra=args.extra)


def host_words(args, raw, marker):
    """The hypervisor's options. The marker stands among them, never last: a line that shows them is not the marker's line."""
    words = ["console=raw" if raw else "console=mux", f"console-marker={marker}"]
    level = args.log_level or ("info" if args.log else "error" if raw else None)
    if level:
        words.append(f"log={level}")
    words.append("log-to=results" if raw or args.log else "log-to=uart")
    if args.no_reboot:
        words.append("on-reset=stop")
    if args.stay:
        words.append("on-end=stay")
    return " ".join(words + (args.host_args or "").split())


def file_open(path, what):
    try:
        return open(path, "wb") if path else None
    except OSError as error:
        raise Refused(f"{what} '{path}': {error.strerror}") from None


def folder_made(path, what):
    try:
        if path:
            os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise Refused(f"{what} '{path}': {error.strerror}") from None
    if path and not os.access(path, os.W_OK | os.X_OK):
        raise Refused(f"{what} '{path}': not writable")
    return path


def results_open(args, also_read):
    """The files of --results, --log and --trees, once it is known that none of them is one that is read, or the other."""
    read = files_read(args) + [(what, path) for what, path in also_read if path]
    written = [(option, path) for option, path in (("--results", args.results), ("--log", args.log)) if path]
    for option, path in written:
        output_check(path, option, read + [other for other in written if other[0] != option], stream=True)
    return Results(file_open(args.results, "--results"), file_open(args.log, "--log"), folder_made(args.trees, "--trees"))


def firmware_choose(args):
    """TF-A's file if it starts first, and whether U-Boot starts the hypervisor."""
    if args.stub and args.board != "rpi4":
        raise Refused("run: --stub belongs to --board rpi4")
    if args.stub == "tf-a" and args.boot == "direct":
        raise Refused("run: --stub tf-a is for --boot uboot")
    if args.firmware and args.stub != "tf-a":
        raise Refused("run: --firmware belongs to --stub tf-a")
    uboot = args.boot == "uboot" or args.card is not None or args.stub == "tf-a"
    if args.uboot and not uboot:
        raise Refused("run: --uboot is for --boot uboot")
    return tf_a_find(args.firmware) if args.stub == "tf-a" else None, uboot


def run(args):
    """The subcommand. Everything that can be refused is refused before QEMU starts."""
    content = content_choose(args)
    machine = machine_make(args, content)
    raw = args.console == "raw" or (args.console is None and content is not None and len(content.vms) == 1)
    repeat = args.deterministic or args.icount
    marker = f"armature-starts-{'0' * 16 if repeat else secrets.token_hex(8)}"
    machine.bootargs = host_words(args, raw, marker)
    given = tree_packed(*host_given(args.host_dtb)) if args.host_dtb else None
    tf_a, uboot = firmware_choose(args)
    hypervisor = None if args.card else hypervisor_find(args.hyp, machine.board)
    if hypervisor and not args.no_check:
        content_check(content, hypervisor, machine.gic)
    if uboot and not machine.board.firmware_option:
        raise Refused(f"--boot uboot: no U-Boot is known for the board {machine.board.name} under QEMU: only --boot direct")
    if uboot:
        machine.firmware = file_required(firmware_path(machine.board, args.uboot), "U-Boot")
    results = results_open(args, [("hypervisor", hypervisor), ("U-Boot", machine.firmware), ("TF-A", tf_a)])
    with tempfile.TemporaryDirectory(prefix="armature-run-") as folder:
        machine.tree = os.path.join(folder, "machine.dtb")
        if given:
            with open(machine.tree, "wb") as file:
                file.write(given)
        else:
            machine.tree = board_tree(machine.board, machine.tree, not repeat)
        if args.card:
            machine.card, marker = os.path.abspath(args.card), None
        else:
            artefacts_make(args, machine, content, hypervisor, uboot, folder)
        if tf_a:
            if not args.host_dtb:
                stub_tree(machine.tree)
            machine.stub = stub_arguments(tf_a, machine.firmware, machine.tree, folder)
        if args.gdb:
            machine.gdb_port = port_free()
            gdb_hint(machine.gdb_port, hypervisor)
        if args.verbose:
            note(" ".join(map(shlex.quote, machine_command(machine, {"console": 0, "results": 0}))))
        started = "-incoming" in machine.extra  # a saved machine: its guests run, and the marker was said before
        return machine_run(machine, results, Gate(marker.encode() if marker and not started else None, hold=raw), raw, args.timeout)


def artefacts_make(args, machine, content, hypervisor, uboot, folder):
    bundle = os.path.abspath(args.bundle) if args.bundle else os.path.join(folder, "vms.bundle")
    if content:
        bundle_write(content, bundle, args.hash)
    if uboot:
        machine.card = os.path.join(folder, "card.img")
        card_write(machine.card, hypervisor, bundle, machine.bootargs)
    else:
        machine.image, machine.bundle = hypervisor, bundle


def machine_run(machine, results, gate, raw, timeout):
    process = Process(machine)
    try:
        pump = Pump(process, results, gate, raw, timeout)
        ending = pump.run()
    finally:
        process.close()
        results.close()
    if pump.signal:
        return 128 + pump.signal
    if ending is Ending.MACHINE and process.child.returncode == QEMU_REFUSES and not pump.heard:
        raise Refused("QEMU refused its options")
    status, reason = verdict(results, ending)
    if status == EXIT_FAILED and not results.log_file:
        for line in list(results.log)[-LOG_SHOWN:]:
            say(line + "\n")
    if status:
        code = process.child.returncode
        note(reason + (f" (QEMU's exit status: {code})" if code and status == EXIT_FAILED and code > 0 else ""))
    return status


def gdb_hint(port, hypervisor):
    symbols = os.path.splitext(hypervisor)[0] + ".elf" if hypervisor else ""
    symbols = shlex.quote(symbols) + " " if os.path.exists(symbols) else ""
    note(f"the machine waits for a debugger: gdb-multiarch {symbols}-ex 'target remote 127.0.0.1:{port}'")
