# SPDX-License-Identifier: Apache-2.0
"""The command line."""
import argparse
import os
import re
import shutil
import signal
import sys
import tempfile

from .base import EXIT_REFUSED, Refused, address_parse, descriptor_silence, file_required, note, say, size_parse
from .bindings import Bindings, schema_run
from .board import BOARDS
from .bundle import HASHES, bundle_write, content_read, description_read, images_parse
from .card import card_write, key_find
from .configured import content_check, limit_faults, options_required
from .description import Description
from .image import image_open
from .machine import Machine, machine_tree
from .output import files_read, output_check, output_file
from .placement import placement_faults
from .rpi import CONFIG, STUBS, config_text, firmware_files
from .run import host_given, hypervisor_find, run
from .tree import tree_compile, tree_read

EXIT_CODES = """\
exit status of run: 0 every VM powered off by itself, 3 a VM asked for a reset (--no-reboot, or its description), 4 a VM crashed or was
refused, the hypervisor panicked, or the machine ended without saying why, 124 the time given ran out, 130 ended by the user
(Ctrl-] q), 128 + N ended by signal N. All subcommands: 2 an input was refused; nothing was started or written. run also: QEMU refused
its options."""


def size(text):
    try:
        return size_parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def address(text):
    try:
        return address_parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(text):
    value = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
    if not 1 <= value <= 512:
        raise argparse.ArgumentTypeError(f"'{text}' is no count of 1 to 512")
    return value


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e7:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds")
    return value


class Parser(argparse.ArgumentParser):
    def _print_message(self, message, file=None):
        if file is sys.stdout:
            output(0, message)
        else:
            say(message)


def parser_make():
    parser = Parser(prog="armature", description="The host tool of the Armature hypervisor.",
                    epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parser_bundle(commands.add_parser("bundle", help="pack a VM description and its images into one file"))
    parser_check(commands.add_parser("check", help="find what is wrong with a VM description"))
    parser_card(commands.add_parser("sdcard", help="make a card image that U-Boot boots"))
    run_parser = commands.add_parser("run", help="run a machine under QEMU", epilog=EXIT_CODES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage="armature run (--kernel FILE | --vms VMS.dts | --bundle FILE | --card FILE)"
                                           " [options] [-- QEMU arguments]")
    parser_run_guest(run_parser)
    parser_run_machine(run_parser)
    parser_run_channels(run_parser)
    return parser


def parser_images(parser):
    parser.add_argument("--image", action="append", default=[], metavar="NAME=FILE",
                        help="an image that the description names (repeatable)")


def parser_bindings(parser):
    parser.add_argument("--bindings", action="append", default=[], metavar="DIR",
                        help="a folder with the schemas (.yaml) of vdevs from outside the tree (repeatable)")


def parser_limits(parser):
    parser.add_argument("--hyp", metavar="FILE", help="the hypervisor that it is for: what its configuration has no room for is refused")


def parser_host(parser):
    parser.add_argument("--host-dtb", metavar="FILE", help="the machine's device tree, for devices that the description names by their path there")


def host_reader(args):
    """What reads the machine's tree; None: none was named."""
    return (lambda: host_given(args.host_dtb)) if args.host_dtb else None


def parser_hash(parser):
    parser.add_argument("--hash", choices=HASHES, default="crc32", help="what the hypervisor checks images by (default: crc32)")
    parser.add_argument("--no-check", action="store_true",
                        help="pack even what the hypervisor will refuse (to see it refuse)")


def parser_bundle(parser):
    parser.add_argument("vms", metavar="VMS.dts", help="the VM description (source, or compiled)")
    parser_images(parser)
    parser_bindings(parser)
    parser_host(parser)
    parser_hash(parser)
    parser_limits(parser)
    parser.add_argument("-o", dest="output", required=True, metavar="OUT.bundle")
    parser.set_defaults(call=command_bundle)


def parser_check(parser):
    parser.add_argument("vms", metavar="VMS.dts")
    parser_images(parser)
    parser_bindings(parser)
    parser_limits(parser)
    parser_host(parser)
    parser.add_argument("--quick", action="store_true", help="without dt-schema")
    parser.set_defaults(call=command_check)


def parser_card(parser):
    parser.add_argument("--vms", metavar="VMS.dts", help="make the bundle from this description")
    parser_images(parser)
    parser_bindings(parser)
    parser_host(parser)
    parser_hash(parser)
    parser.add_argument("--bundle", metavar="FILE", help="a bundle made before")
    parser.add_argument("--hyp", metavar="FILE", help="the hypervisor (default: $ARMATURE_HYP, else the newest of the board's in build/)")
    parser.add_argument("--host-args", default="", metavar="WORDS", help="the hypervisor's options, as in 'log=debug panic=park'")
    parser.add_argument("--sign", metavar="KEYDIR", help="pack hypervisor and bundle into a FIT signed with KEYDIR/NAME.key")
    parser.add_argument("--control-dtb", metavar="OUT.dtb", help="with --sign: write the tree that makes U-Boot on QEMU virt demand"
                        " the signature (run --card CARD.img --host-dtb OUT.dtb, with the same --gic, --smp, --mem and --cpu)")
    parser.add_argument("--board", choices=sorted(BOARDS), default="qemu-virt", help="whose firmware's files the card has besides:"
                        " none, or a Raspberry Pi 4's")
    parser.add_argument("--firmware", metavar="DIR", help="rpi4: the folder with your start4.elf, fixup4.dat, bcm2711-rpi-4-b.dtb and"
                        " perhaps overlays/ (default: firmware/rpi4)")
    parser.add_argument("--stub", choices=STUBS, help="rpi4: what starts before U-Boot at EL3: the firmware's own (default), or TF-A's"
                        " bl31.bin, which brings PSCI")
    parser.add_argument("--overlay", action="append", metavar="NAME", help="rpi4: dtoverlay=NAME in config.txt (repeatable)")
    parser.add_argument("--uboot", metavar="FILE", help="rpi4: U-Boot's image (default: the Debian package's)")
    parser.add_argument("--gic", type=int, metavar="VERSION")
    parser.add_argument("--smp", type=count, metavar="N")
    parser.add_argument("--mem", type=size, metavar="SIZE")
    parser.add_argument("--cpu", metavar="MODEL")
    parser.add_argument("--add", action="append", default=[], metavar="FILE[=NAME]",
                        help="another file for the card, such as a board's firmware (repeatable)")
    parser.add_argument("--size", type=size, help="of the card (default: what its files need)")
    parser.add_argument("-o", dest="output", required=True, metavar="CARD.img")
    parser.set_defaults(call=command_card)


def parser_run_guest(parser):
    group = parser.add_argument_group("what runs")
    group.add_argument("--kernel", metavar="FILE", help="one VM with the layout of QEMU's virt: arm64 Image (also gzip'd), ELF, raw")
    group.add_argument("--initrd", metavar="FILE")
    group.add_argument("--append", metavar="STR", help="the guest's bootargs")
    group.add_argument("--dtb", metavar="FILE", help="the guest's own device tree, instead of the one made for it")
    group.add_argument("--dtb-at", type=address, metavar="IPA")
    group.add_argument("--cpus", type=count, metavar="N", help="vCPUs (default: 1)")
    group.add_argument("--guest-mem", type=size, metavar="SIZE", help="(default: 512M)")
    group.add_argument("--load", type=address, metavar="IPA", help="where the kernel's first byte goes")
    group.add_argument("--entry", type=address, metavar="IPA", help="where it starts (default: its first byte; ELF: as it says)")
    group.add_argument("--vms", metavar="VMS.dts", help="a VM description, with its images:")
    parser_images(group)
    parser_bindings(group)
    group.add_argument("--bundle", metavar="FILE", help="a bundle made before, taken as it is")
    group.add_argument("--card", metavar="FILE", help="a card image made before, taken as it is (implies --boot uboot)")
    parser_hash(group)


def parser_run_machine(parser):
    group = parser.add_argument_group("the machine")
    group.add_argument("--board", choices=sorted(BOARDS), default="qemu-virt")
    group.add_argument("--boot", choices=("direct", "uboot"), help="how the hypervisor is started (default: direct)")
    group.add_argument("--hyp", metavar="FILE", help="the hypervisor (default: $ARMATURE_HYP, else the newest of the board's in build/)")
    group.add_argument("--uboot", metavar="FILE", help="U-Boot's image (default: the Debian package's)")
    group.add_argument("--stub", choices=STUBS, help="rpi4: what runs before U-Boot: nothing (default), or TF-A's bl31.bin at EL3 (implies"
                       " --boot uboot)")
    group.add_argument("--firmware", metavar="DIR", help="rpi4: where a bl31.bin of yours is (default: firmware/rpi4, else Debian's)")
    group.add_argument("--cpu", metavar="MODEL", help="QEMU's -cpu (default: cortex-a72)")
    group.add_argument("--gic", type=int, metavar="VERSION")
    group.add_argument("--smp", type=count, metavar="N", help="cores (default: 4, or what the description needs)")
    group.add_argument("--mem", type=size, metavar="SIZE", help="(default: 2G, or what the description needs)")
    group.add_argument("--host-dtb", metavar="FILE", help="the machine's device tree instead of QEMU's")
    group.add_argument("--host-args", metavar="WORDS", help="more options for the hypervisor, as in 'panic=park'")
    group.add_argument("--deterministic", action="store_true", help="no random seeds, a clock that starts at a fixed date")
    group.add_argument("--icount", action="store_true", help="the same, and one nanosecond an instruction")
    group.add_argument("--gdb", action="store_true", help="wait for a debugger; says how to attach")
    group.add_argument("--timeout", type=seconds, metavar="S", help="end the run after so many seconds (exit status 124)")
    group.add_argument("--no-reboot", action="store_true", help="a VM that asks for a reset ends (exit status 3)")
    group.add_argument("--stay", action="store_true", help="the machine goes on when its last VM ended")
    parser.set_defaults(call=run, extra=[])


def parser_run_channels(parser):
    group = parser.add_argument_group("what is seen")
    group.add_argument("--console", choices=("raw", "mux"), help="raw: the one VM's console is stdin and stdout, byte for byte;"
                       " mux: shared, the hypervisor's log on it (default: raw with one VM by --kernel or --vms, else mux)")
    group.add_argument("--log", metavar="FILE", help="the hypervisor's log goes there")
    group.add_argument("--log-level", choices=("off", "fatal", "error", "warn", "info", "debug", "verbose"))
    group.add_argument("--results", metavar="FILE", help="a copy of the results channel's lines")
    group.add_argument("--trees", metavar="DIR", help="the device trees of VMs with armature,dry-run, as DIR/NAME.dtb")
    group.add_argument("-v", "--verbose", action="store_true", help="show QEMU's command line")


def refused(reason):
    note(reason)
    return EXIT_REFUSED


def output(status, text=""):
    """Prints the text. That nobody reads it changes no status; left for the interpreter's end it would."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        descriptor_silence(1)
        return status if isinstance(error, BrokenPipeError) else refused(f"standard output: {error.strerror}")
    return status


def command_bundle(args):
    output_check(args.output, "-o", files_read(args))
    content = content_read(args.vms, images_parse(args.image), not args.no_check, note, args.bindings, host_reader(args))
    if args.hyp and not args.no_check:
        content_check(content, file_required(args.hyp, "hypervisor"))
    bundle_write(content, args.output, args.hash)
    return 0


def command_check(args):
    """All that can be found: the schemas' remarks, what they cannot say, and with --image whether the images fit."""
    dtb, faults = description_read(args.vms, note, host_reader(args))
    description = Description(tree_read(dtb, f"description '{args.vms}'"), Bindings(args.bindings),
                              known_devices_only=True)
    description.faults[:0] = faults
    if args.image:
        paths = images_parse(args.image)
        roles = {name: role for vm in description.vms for name, role, _ in vm.images()}
        images = {name: image_open(name, path, roles.get(name, "data")) for name, path in paths.items()}
        for vm in description.vms:
            description.faults += placement_faults(vm, images)
    if not args.quick:
        with tempfile.TemporaryDirectory(prefix="armature-") as folder:
            path = os.path.join(folder, "vms.dtb")
            with open(path, "wb") as file:
                file.write(dtb)
            description.faults += schema_run(path, args.bindings)
    if args.hyp:
        description.faults += limit_faults(description.vms, options_required(file_required(args.hyp, "hypervisor")))
    for remark in description.remarks:
        note(remark)
    description.refuse(f"description '{args.vms}'")
    return output(0, f"{args.vms}: {len(description.vms)} VM{'s' if len(description.vms) != 1 else ''}:"
                     f" {', '.join(vm.name for vm in description.vms)}: no fault found\n")


def card_firmware(args, folder):
    """What the board's own firmware wants on the card."""
    if args.board != "rpi4":
        for option in ("firmware", "stub", "overlay", "uboot"):
            if getattr(args, option):
                raise Refused(f"sdcard: --{option} belongs to --board rpi4")
        return []
    if args.control_dtb:
        raise Refused("sdcard: --control-dtb writes QEMU virt's tree; a U-Boot for the Pi that verifies has its key built in")
    if args.sign and not (args.uboot or os.environ.get("ARMATURE_UBOOT")):
        raise Refused("sdcard: Debian's U-Boot for the Pi knows no FIT: with --sign, --uboot names one that was built with FIT_SIGNATURE")
    stub, overlays = args.stub or STUBS[0], args.overlay or ()
    files = firmware_files(BOARDS[args.board], args.firmware, args.uboot, stub, overlays)
    path = os.path.join(folder, CONFIG)
    with open(path, "w", encoding="utf-8") as file:
        file.write(config_text(stub, overlays))
    return files + [(path, CONFIG)]


def command_card(args):
    if (args.vms is None) == (args.bundle is None):
        raise Refused("sdcard: one of --vms VMS.dts and --bundle FILE is needed")
    if args.control_dtb and not args.sign:
        raise Refused("sdcard: --control-dtb belongs to --sign")
    board = BOARDS[args.board]
    for option in ("gic", "smp", "mem", "cpu"):
        if getattr(args, option) and not args.control_dtb:
            raise Refused(f"sdcard: --{option} is of the machine whose tree --control-dtb writes")
    if args.gic is not None and args.gic not in board.gics:
        raise Refused(f"sdcard: --gic {args.gic}: {board.name} can have {', '.join(map(str, board.gics))} here")
    hypervisor = hypervisor_find(args.hyp, board)
    added = [(path, name or os.path.basename(path)) for path, _, name in (item.partition("=") for item in args.add)]
    with tempfile.TemporaryDirectory(prefix="armature-") as folder:
        extra = card_firmware(args, folder) + added  # --add may replace a file
        card_outputs_check(args, [("hypervisor", hypervisor)] + [("the card's file", path) for path, _ in extra])
        bundle = args.bundle and file_required(args.bundle, "bundle")
        if args.vms:
            bundle = os.path.join(folder, "vms.bundle")
            content = content_read(args.vms, images_parse(args.image), not args.no_check, note, args.bindings, host_reader(args))
            if not args.no_check:
                content_check(content, hypervisor)
            bundle_write(content, bundle, args.hash)
        control = args.control_dtb and os.path.join(folder, "control.dtb")
        if control:
            machine_tree(Machine(board, args.gic or board.gics[0], args.cpu or board.cpu, args.smp or board.cores,
                                 args.mem or board.memory), control)
        card_write(args.output, hypervisor, bundle, args.host_args, args.sign, control, extra, args.size)
        if control:
            with output_file(args.control_dtb, "--control-dtb") as partial:
                shutil.copyfile(control, partial)
    return 0


def card_outputs_check(args, also_read):
    """Nothing that is read is written over, the key above all."""
    read = files_read(args) + also_read
    if args.sign:
        key = os.path.join(args.sign, key_find(args.sign))
        read += [("--sign", f"{key}.key"), ("--sign", f"{key}.crt")]
    output_check(args.output, "-o", read)
    if args.control_dtb:
        output_check(args.control_dtb, "--control-dtb", read + [("-o", args.output)])


def main(argv):
    extra = []
    if argv[:1] == ["run"] and "--" in argv:
        at = argv.index("--")
        argv, extra = argv[:at], argv[at + 1:]
    sys.stdout.reconfigure(errors="surrogateescape")  # a file's name as it was given, byte for byte
    args = parser_make().parse_args(argv)
    if args.command == "run":
        args.extra = extra
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that temporary files go
    signal.signal(signal.SIGHUP, lambda number, _: sys.exit(128 + number))
    try:
        return args.call(args)
    except Refused as refusal:
        return refused(str(refusal))
    except OSError as error:
        return refused(f"{error.filename}: {error.strerror}" if error.filename else f"{error.strerror or error}")
    except UnicodeError as error:
        return refused(f"something given is no text: {error}")
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
