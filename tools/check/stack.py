#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""stack.py --limit BYTES --calls FILE [--own NAME=BYTES] ELF SU...: the deepest path through the image's calls fits EL2's stack.

Frames are what the instructions take from SP, and where they do not show it what the compiler says (-fstack-usage);
calls are read from the disassembly. A call through a pointer is looked up in the source: `x->member(` reaches every
function that some `.member = function` names, and those that FILE adds. Otherwise FILE says what the caller can reach;
failing that, it is every function whose address is taken. Recursion is an error unless FILE allows it.
"""
import argparse
import collections
import glob
import os
import re
import subprocess
import sys
from elftools.elf.elffile import ELFFile

sys.setrecursionlimit(10000)


def plain(name):
    """The name in the source: without what the compiler adds to copies and parts of a function."""
    return re.sub(r'\.(part|constprop|isra|cold)\b.*', '', name)


class Function:
    def __init__(self, name):
        self.name, self.frame, self.calls, self.indirect = name, 0, set(), []


def jump_table(before):
    """Is a br after these instructions a switch (an offset loaded from a table, added to a label) and not a call?"""
    return any(re.match(r'adr ', line) for line in before) and any(re.match(r'add .*sxt[bhw]', line) for line in before)


def disassemble(elf):
    """The functions by name, and the set of names whose address code takes (adrp/add pairs are resolved by objdump)."""
    listing = subprocess.run(['aarch64-linux-gnu-objdump', '-d', '--no-show-raw-insn', elf], check=True, capture_output=True, text=True)
    functions, current = {}, None
    pages, taken, before = {}, set(), []
    for line in listing.stdout.splitlines():
        if m := re.match(r'[0-9a-f]+ <(.+)>:', line):
            current = functions.setdefault(m[1], Function(m[1]))
            current.down, pages = 0, {}
            continue
        m = re.match(r'\s*([0-9a-f]+):\s+(\S+)\s*(.*)', line)
        if not m or not current:
            continue
        what, operands = m[2], m[3]
        if f := re.search(r'\[sp, #-(\d+)\]!', operands):
            current.down += int(f[1])
        elif f := re.match(r'sp, sp, #(0x[0-9a-f]+|\d+)(, lsl #12)?', operands):
            size = int(f[1], 0) << (12 if f[2] else 0)
            if what == 'sub':
                current.down += size
            elif what == 'add':
                current.frame = max(current.frame, current.down)
        current.frame = max(current.frame, current.down)
        if what in ('bl', 'b') or what.startswith(('b.', 'cb', 'tb')):
            if t := re.search(r'<([^+>]+)(\+0x[0-9a-f]+)?>', operands):
                if t[1] != current.name:
                    current.calls.add(t[1])
        elif what == 'blr' or what == 'br' and not jump_table(before):
            current.indirect.append(int(m[1], 16))
        before = [*before[-5:], f'{what} {operands}']
        if what == 'ret':
            # The code after an early return starts from the full frame again: count only the prologue's part once.
            current.down = 0
        if what == 'adrp':
            if a := re.match(r'(x\d+), ([0-9a-f]+)', operands):
                pages[a[1]] = int(a[2], 16)
        elif what == 'add':
            if a := re.match(r'x\d+, (x\d+), #(0x[0-9a-f]+)', operands):
                if a[1] in pages:
                    taken.add(pages[a[1]] + int(a[2], 16))
        elif what == 'adr':
            if a := re.match(r'x\d+, ([0-9a-f]+)', operands):
                taken.add(int(a[1], 16))
    return functions, taken


def address_taken(path, taken):
    """Names of functions whose address stands in data, or is made by code."""
    with open(path, 'rb') as f:
        elf = ELFFile(f)
        where = {s['st_value']: s.name for s in elf.get_section_by_name('.symtab').iter_symbols() if s['st_info']['type'] == 'STT_FUNC'}
        for section in elf.iter_sections():
            if section['sh_type'] == 'SHT_PROGBITS' and section['sh_flags'] & 2:
                data = section.data()
                for at in range(0, len(data) - 7, 8):
                    taken.add(int.from_bytes(data[at:at + 8], 'little'))
    return {where[a] for a in taken if a in where}


def compiler_frames(paths):
    frames = {}
    for path in paths:
        if not os.path.exists(path):
            continue
        for line in open(path, encoding='utf-8'):
            place, size, kind = line.rstrip('\n').split('\t')
            name = place.rsplit(':', 1)[1]
            if 'dynamic' in kind and 'bounded' not in kind:
                print(f'{place}: the size of its frame is not known')
                frames[name] = 1 << 20
            frames[name] = max(frames.get(name, 0), int(size))
    return frames


class Pointers:
    """What calls through pointers can reach: from the source, and from the file of annotations."""

    def __init__(self, path, elf, functions, extra=()):
        self.callers, self.members, self.recursion = {}, collections.defaultdict(set), {}
        self.functions, self.lines, self.elf = functions, {}, elf
        self.unknown = []
        text = ''
        for folder in ('arch', 'boards', 'hyp', 'vdevs', *extra):
            for name in glob.glob(f'{folder}/**/*.[ch]', recursive=True):
                text += open(name, encoding='utf-8').read()
        known = {plain(f) for f in functions}
        for member in re.findall(r'\(\*(\w+)\)\s*\(', text):
            self.members[member] |= {f for f in re.findall(rf'[.>]{member}\s*=\s*&?(\w+)', text) if f in known}
        for line in open(path, encoding='utf-8'):
            line = line.split('#')[0].strip()
            if m := re.match(r'recursion (\S+) (\d+):', line):
                self.recursion[m[1]] = int(m[2])
            elif m := re.match(r'->(\w+):\s*(.*)', line):
                self.members[m[1]] |= self.matching(m[2])
            elif m := re.match(r'(\S+):\s*(.*)', line):
                self.callers[m[1]] = self.matching(m[2])
                if not any(re.fullmatch(m[1], f) for f in known):
                    self.unknown.append(m[1])

    def matching(self, regex):
        return {f for f in self.functions if re.fullmatch(regex, plain(f))} if regex else set()

    def look_up(self, addresses):
        """The source line of each call."""
        where = subprocess.run(['aarch64-linux-gnu-addr2line', '-e', self.elf], input='\n'.join(f'{a:#x}' for a in addresses),
                               check=True, capture_output=True, text=True).stdout.splitlines()
        for address, place in zip(addresses, where):
            file, line = place.split(' ')[0].rsplit(':', 1)
            if line.isdigit() and os.path.exists(file):
                text = open(file, encoding='utf-8').read().splitlines()
                self.lines[address] = text[int(line) - 1] if int(line) <= len(text) else ''

    def targets(self, function, address):
        """The set of functions, or None where nothing is known."""
        called = [m for m in re.findall(r'(?:->|\.)(\w+)\(', self.lines.get(address, '')) if m in self.members]
        named = set().union(*(self.members[m] for m in called))
        if called:
            return {f for f in self.functions if plain(f) in named or f in named}
        return next((t for caller, t in self.callers.items() if re.fullmatch(caller, plain(function.name))), None)


class Depth:
    """Longest paths. A cycle is cut and remembered."""

    def __init__(self, functions, recursion):
        self.functions, self.recursion = functions, recursion
        self.known, self.path, self.cycles = {}, [], set()

    def of(self, name):
        if name in self.known:
            return self.known[name]
        if name in self.path:
            cycle = self.path[self.path.index(name):]
            if not any(f in self.recursion for f in cycle):
                self.cycles.add(' -> '.join([*cycle, name]))
            return 0, []
        function = self.functions.get(name)
        if not function:
            return 0, []
        self.path.append(name)
        depth, way = max((self.of(callee) for callee in sorted(function.calls)), key=lambda d: d[0], default=(0, []))
        self.path.pop()
        total = (depth + function.frame) * self.recursion.get(name, 1)
        self.known[name] = total, [(name, function.frame), *way]
        return self.known[name]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--limit', type=int, required=True)
    parser.add_argument('--calls', required=True)
    parser.add_argument('--own', metavar='NAME=BYTES', action='append', default=[], help='a function that begins on a stack of its own')
    parser.add_argument('--sources', metavar='FOLDER', action='append', default=[], help='of vdevs that are not in the tree')
    parser.add_argument('elf')
    parser.add_argument('su', nargs='*')
    options = parser.parse_args()
    functions, made = disassemble(options.elf)
    frames = compiler_frames(options.su)
    taken = address_taken(options.elf, made)
    pointers = Pointers(options.calls, options.elf, functions, options.sources)
    pointers.look_up([address for f in functions.values() for address in f.indirect])
    for function in functions.values():
        function.frame = function.frame or frames.get(plain(function.name), 0)
        for address in function.indirect:
            targets = pointers.targets(function, address)
            if targets is None:
                print(f'note: a call through a pointer in {function.name} may reach anything: name it in {options.calls}: '
                      + pointers.lines.get(address, '?').strip())
                targets = taken
            function.calls |= targets
    depth = Depth(functions, pointers.recursion)
    worst, way = max((depth.of(name) for name in functions), key=lambda d: d[0])
    for cycle in sorted(depth.cycles):
        print(f'recursion: {cycle}')
    for name in pointers.unknown:
        print(f'{options.calls}: there is no function {name}')
    if worst > options.limit or depth.cycles:
        print('deepest: ' + ' -> '.join(f'{name} {frame}' for name, frame in way))
    too_deep = worst > options.limit
    for name, limit in (own.split('=') for own in options.own):
        own_depth, own_way = depth.of(name)
        if not 0 < own_depth <= int(limit):
            too_deep = True
            print(f'{name}: {own_depth} of {limit} bytes: ' + ' -> '.join(f'{name} {frame}' for name, frame in own_way))
    print(f'deepest path {worst} of {options.limit} bytes, from {way[0][0]} to {way[-1][0]}; {len(functions)} functions')
    return too_deep or bool(depth.cycles) or bool(pointers.unknown)


sys.exit(main())
