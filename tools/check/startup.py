#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""startup.py --libfdt LIBFDT.A OBJECT...: nothing that runs or is kept after startup refers to startup-only code.

Startup-only are the functions in sections .init.* and all of libfdt. A reference from any other section is an error.
The exceptions are marked by the section they stand in: .head and .text.hyp_start (the way in, before there is a phase),
.vdev_factories (whose startup entry only the vdev core's startup wrapper calls) and tables marked __startup_table.
"""
import argparse
import re
import subprocess
import sys
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

FREE = re.compile(r'\.(init|head|text\.hyp_start$|rodata\.startup_table$|vdev_factories|debug|eh_frame|note|comment)')


def sections_of(path):
    with open(path, 'rb') as f:
        elf = ELFFile(f)
        symtab = elf.get_section_by_name('.symtab')
        names = [s.name for s in elf.iter_sections()]
        symbols = [(s.name, s['st_shndx'], s['st_info']['type'], s['st_value']) for s in symtab.iter_symbols()] if symtab else []
        relocations = []
        for section in elf.iter_sections():
            if isinstance(section, RelocationSection):
                target = names[section['sh_info']]
                relocations += [(target, r['r_info_sym'], r['r_offset']) for r in section.iter_relocations()]
        return names, symbols, relocations


def function_at(symbols, names, section, offset):
    best = ''
    value = -1
    for name, index, kind, start in symbols:
        if isinstance(index, int) and names[index] == section and value < start <= offset and kind in ('STT_FUNC', 'STT_OBJECT'):
            best, value = name, start
    return best or section


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--libfdt', required=True)
    parser.add_argument('objects', nargs='+')
    options = parser.parse_args()
    listing = subprocess.run(['aarch64-linux-gnu-nm', '--defined-only', options.libfdt], check=True, capture_output=True, text=True)
    libfdt = {line.split()[-1] for line in listing.stdout.splitlines() if ' T ' in line}
    files = {path: sections_of(path) for path in options.objects}
    startup = {}
    for path, (names, symbols, _) in files.items():
        for name, index, _, _ in symbols:
            if isinstance(index, int) and names[index].startswith('.init') and name:
                startup[name] = path
    errors = set()
    for path, (names, symbols, relocations) in files.items():
        for section, symbol, offset in relocations:
            if FREE.match(section):
                continue
            name, index, kind, _ = symbols[symbol]
            here = isinstance(index, int)
            local = names[index].startswith('.init') if here else False
            if local or (not here and (name in startup or name in libfdt)):
                who = function_at(symbols, names, section, offset)
                what = name or names[index]
                why = 'libfdt' if name in libfdt else 'startup code'
                errors.add(f'{path}: {who} ({section}) refers to {what}, which is {why}')
    print('\n'.join(sorted(errors)), end='\n' if errors else '')
    print(f'{len(startup)} startup functions, {len(errors)} references from code that stays')
    return bool(errors)


sys.exit(main())
