#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: what Armature costs, row by row, against the best peer and the target. docs/BENCH.md says how it is measured."""
import argparse
import json
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Dict, List, Optional

sys.dont_write_bytecode = True

from counts import Hypervisor, records_read  # noqa: E402
from machines import Bench, Failed  # noqa: E402
from rows import APART, EVENTS, EVENTS_V2, LATE, LINUX, LOADED, MEMORY, SHARED, START, SWITCH, VDEV, Row  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
RAW_ENTRY = 0x40080000     # of a raw guest under QEMU's -kernel, and ours
LINUX_ENTRY = 0x40200000
SHOWN = 12                 # functions of a row


@dataclass
class Figure:
    """A measured row. Without a figure: why not."""
    row: Row
    figure: Optional[int] = None
    bare: Optional[int] = None
    hosted: Optional[int] = None
    functions: Dict[str, float] = field(default_factory=dict)
    devices: Optional[float] = None   # accesses of EL2 to devices
    missing: str = ""

    def ratio(self):
        return None if self.figure is None else self.figure / self.row.target


def rows_said(text):
    return {match[1]: int(match[2]) for match in re.finditer(r"^BENCH (.*)\t(\d+)$", text, re.M)}


def functions_of(bench, symbols, name, hosted):
    """The functions that each row's windows were spent in, by row."""
    records = [record for record in records_read(bench.path(f"{name}.counts")) if record.kind == "hint"]
    return {row: per_window(symbols.functions(record), record.windows) for row, record in zip(hosted, records)}


def per_window(functions, windows):
    return {name: round(count / windows, 1) for name, count in functions.items()}


def events(bench, guest, rows):
    """The rows of the EL1 guest: the median of 1 000 under Armature minus that on the bare machine."""
    gic = rows[0].gic
    name = f"events-v{gic}"
    bare = rows_said(bench.bare(f"{name}-bare", guest, cores=2, gic=gic))
    hosted = rows_said(bench.hosted(name, guest, RAW_ENTRY, cores=2, gic=gic))
    where = functions_of(bench, bench.symbols, name, hosted)
    records = [record for record in records_read(bench.path(f"{name}.counts")) if record.kind == "hint"]
    devices = {said: round(record.devices / record.windows, 1) for said, record in zip(hosted, records)}
    figures = []
    for row in rows:
        b, h = bare.get(row.said()), hosted.get(row.said())
        if b is None or h is None:
            figures.append(Figure(row, missing=f"no such row {'on the bare machine' if b is None else 'under Armature'}"))
        else:
            figures.append(Figure(row, h - b, b, h, where.get(row.said(), {}), devices.get(row.said())))
    return figures


def vdevs(bench, guest, image):
    """What a vdev costs, in a hypervisor that has the one of tests/vdev-bench: the median of 1 000 without the access itself."""
    folder = os.path.join(ROOT, "tests", "vdev-bench")
    hypervisor, symbols = hypervisor_take(image, os.path.join(bench.folder, "vdevs"))
    hosted = rows_said(bench.hosted_vms("vdevs", os.path.join(folder, "bench.dts"), guest, ["--mem", "1024M", "--bindings", folder], hypervisor, symbols))
    where = functions_of(bench, symbols, "vdevs", hosted)
    return [Figure(row, missing="no such row") if row.name not in hosted else
            Figure(row, hosted[row.name] - 1, None, hosted[row.name], where.get(row.name, {})) for row in VDEV]


VM = """
    {name} {{
        compatible = "armature,vm";
        #address-cells = <2>;
        #size-cells = <2>;
        {lines}
        memory@40000000 {{ device_type = "memory"; reg = <0x0 0x40000000 0x0 0x01000000>; }};
        chosen {{ bootargs = "{bootargs}"; armature,kernel = "bench"; }};
        pl011@9000000 {{
            compatible = "arm,pl011", "arm,primecell";
            reg = <0x0 0x09000000 0x0 0x1000>;
            interrupts = <0 1 4>;
            {serial}
        }};
        {devices}
    }};
"""
SHMEM = """shmem@a000000 {
            compatible = "qvm,guest_shm";
            reg = <0x0 0x0a000000 0x0 0x1000>, <0x0 0x10000000 0x0 0x00400000>;
            interrupts = <0 16 4>;
        };"""


def vm(name, lines, bootargs, serial="", devices=""):
    return VM.format(name=name, lines=lines, bootargs=bootargs, serial=serial, devices=devices)


def vms(bench, name, guest, rows, *nodes):
    """What VMs of the guest say of the rows."""
    tree = f'/dts-v1/;\n/ {{\n    compatible = "armature,vms";\n    #address-cells = <2>;\n    #size-cells = <2>;\n{"".join(nodes)}}};\n'
    path = bench.path(name + ".dts")
    with open(path, "w", encoding="utf-8") as file:
        file.write(tree)
    said = rows_said(bench.hosted_vms(name, path, guest))
    where = functions_of(bench, bench.symbols, name, said)
    return [Figure(row, said[row.name], None, said[row.name], where.get(row.name, {})) if row.name in said else Figure(row, missing="no such row")
            for row in rows]


def shared(bench, guest):
    """One VM notifies another, on another core, through shared memory."""
    return vms(bench, "shared", guest, SHARED, *(vm(f"vm{n + 1}", f"affinity = <{n}>;", f"notify={n + 1}", devices=SHMEM) for n in range(2)))


def switch(bench, guest):
    """Two vCPUs hand their core over."""
    return vms(bench, "switch", guest, SWITCH, vm("both", "cpus = <2>; affinity = <0 0>;", "switch=1"))


LOADS = ("computes", "accesses devices", "calls")   # storm=1 and so on


def late(bench, guest):
    """The timer of a VM above another one on its core."""
    figures = []
    for n, load in enumerate(LOADS, 1):
        rows = [row for row in LATE if f"below {load}:" in row.name or (row is LOADED and n == 1)]
        below = vm("below", "affinity = <0>; priority = <1>;", f"storm={n}", 'armature,backend = "null";')
        figures += vms(bench, f"late-{n}", guest, rows, vm("above", "affinity = <0>; priority = <100>;", f"late={n}"), below)
    return figures


def linux(bench, kernel, initrd):
    """The stretches of the Linux guest, and before them the start of the machine."""
    append = "console=ttyAMA0 quiet"
    bench.bare("linux-bare", kernel, initrd=initrd, append=append)
    bench.hosted("linux", kernel, LINUX_ENTRY, initrd=initrd, append=append)
    bare = records_read(bench.path("linux-bare.counts"))
    entry, *hosted = records_read(bench.path("linux.counts"))
    if entry.kind != "entry" or len(bare) != len(LINUX) or len(hosted) != len(LINUX):
        raise Failed(f"the Linux guest did not come to its end: see {bench.path('linux.console')}")
    figures = []
    for (instructions, exits), b, h in zip(LINUX, bare, hosted):
        functions = bench.symbols.functions(h)
        figures.append(Figure(instructions, h.total(), b.everything, h.everything, functions))
        figures.append(Figure(exits, bench.symbols.exits(h)))
    functions = bench.symbols.functions(entry)
    apart = sum(count for name, count in functions.items() if name.startswith(APART))
    figures.append(Figure(START, entry.everything - apart, None, entry.everything, functions))
    return figures


def memory(bench, guest):
    bench.hosted("memory", guest, RAW_ENTRY, cores=4, vcpus=1, append="samples=1")
    said = re.search(r"loaded at 0x[0-9a-f]+ \((\d+) KiB\)(?:.|\n)*EL2 uses (\d+) KiB beside its image", bench.log("memory"))
    if not said:
        return [Figure(MEMORY, missing=f"the log does not say it: {bench.path('memory.log')}")]
    return [Figure(MEMORY, int(said[1]) + int(said[2]))]


def attempt(measure, rows, *arguments):
    try:
        return measure(*arguments)
    except (Failed, OSError, ValueError, IndexError) as error:
        return [Figure(row, missing=str(error).splitlines()[0]) for row in rows] + [str(error)]


def number(value):
    return "-" if value is None else f"{value:,}".replace(",", " ")


def table(figures):
    lines = [["row", "bare metal", "under Armature", "added or counted", "device accesses", "best peer", "target", "figure / target"]]
    for f in figures:
        best = f.row.best_peer()
        lines.append([f.row.name, number(f.bare), number(f.hosted), number(f.figure) if not f.missing else "not measured",
                      "-" if f.devices is None else f"{f.devices:g}",
                      f"{number(best[0])} ({best[1]})" if best else "-", number(f.row.target),
                      "-" if f.ratio() is None else f"{f.ratio():.2f}" + (" above" if f.ratio() > 1 else "")])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    shown = ["| " + " | ".join(cell.ljust(width) if i in (0, 5) else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))) + " |"
             for line in lines]
    return "\n".join([shown[0], rule, *shown[1:]])


def functions_table(figures):
    lines = []
    for f in figures:
        if f.functions:
            top = list(f.functions.items())[:SHOWN]
            lines.append(f"{f.row.name}: {number(round(sum(f.functions.values())))} at EL2\n    "
                         + ", ".join(f"{name} {count:g}" for name, count in top))
    return "\n".join(lines)


def json_write(path, hypervisor, figures):
    rows = [{"row": f.row.name, "note": f.row.note, "bare": f.bare, "armature": f.hosted, "figure": f.figure, "devices": f.devices, "target": f.row.target,
             "ratio": f.ratio(), "peers": f.row.peers, "missing": f.missing, "functions": f.functions} for f in figures]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"hypervisor": hypervisor, "rows": rows}, file, indent=1, ensure_ascii=False)
        file.write("\n")


def results_write(path, figures):
    """A line a row, as on the results channel."""
    with open(path, "w", encoding="utf-8") as file:
        for f in figures:
            devices = "" if f.devices is None else f" devices={f.devices:g}"
            said = f"missing={f.missing!r}" if f.missing else f"figure={f.figure}{devices} target={f.row.target}"
            file.write(f"R bench {said} row={f.row.name}\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hyp", required=True, help="armature.bin, armature.elf beside it")
    parser.add_argument("--guest", required=True, help="the EL1 guest, raw")
    parser.add_argument("--vdevs", required=True, help="armature.bin with the vdev of tests/vdev-bench, armature.elf beside it")
    parser.add_argument("--linux", required=True)
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--out", default="build/bench.json")
    parser.add_argument("--functions", action="store_true", help="show where EL2's instructions went")
    parser.add_argument("--only", choices=("events", "events-v2", "vdevs", "linux", "memory", "shared", "switch", "late"))
    return parser.parse_args()


def hypervisor_take(image, folder):
    """The image is copied, so that a build beside us changes nothing; its path, and its symbols."""
    os.makedirs(folder, exist_ok=True)
    return shutil.copy2(image, folder), Hypervisor(shutil.copy2(os.path.splitext(image)[0] + ".elf", folder))


def bench_make(args):
    folder = os.path.join(os.path.dirname(os.path.abspath(args.out)), "bench", "run")
    hypervisor, symbols = hypervisor_take(args.hyp, folder)
    return Bench(folder, os.path.join(ROOT, "tools", "armature"), hypervisor, symbols, os.path.abspath(args.plugin))


def main():
    args = arguments()
    bench = bench_make(args)
    linux_rows = [row for pair in LINUX for row in pair] + [START]
    parts = {"events": (events, EVENTS, bench, args.guest, EVENTS), "events-v2": (events, EVENTS_V2, bench, args.guest, EVENTS_V2),
             "vdevs": (vdevs, VDEV, bench, args.guest, args.vdevs), "linux": (linux, linux_rows, bench, args.linux, args.initrd),
             "memory": (memory, [MEMORY], bench, args.guest), "shared": (shared, SHARED, bench, args.guest),
             "switch": (switch, SWITCH, bench, args.guest), "late": (late, LATE, bench, args.guest)}
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(attempt, *part) for name, part in parts.items() if args.only in (None, name)]
    measured: List = [each for job in jobs for each in job.result()]
    figures = [each for each in measured if isinstance(each, Figure)]
    print(table(figures))
    if args.functions:
        print("\n" + functions_table(figures))
    json_write(args.out, args.hyp, figures)
    results_write(os.path.splitext(args.out)[0] + ".results", figures)
    for trouble in [each for each in measured if isinstance(each, str)]:
        print(f"\nbench: {trouble}", file=sys.stderr)
    return any(f.missing for f in figures)


if __name__ == "__main__":
    sys.exit(main())
