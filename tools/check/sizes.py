#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sizes.py [--limit BYTES] ELF MAP BIN: the image's size by folder, and what EL2 keeps for itself."""
import argparse
import collections
import os
import sys
from elftools.elf.elffile import ELFFile
from mapfile import pieces, source_folder

KINDS = ('text', 'startup', 'rodata', 'data', 'zero')


def kind_of(output, name):
    if output.startswith('.init'):
        return 'startup'
    if output.startswith(('.bss', '.boot', '.stack', '.percore')):
        return 'zero'
    if output.startswith('.data'):
        return 'data'
    return 'text' if output.startswith(('.text', '.head', '.entry')) else 'rodata'


def struct_sizes(elf, names):
    """The sizes of structs by name, from the debug information."""
    found = {}
    for unit in elf.get_dwarf_info().iter_CUs():
        for die in unit.get_top_DIE().iter_children():
            name = die.attributes.get('DW_AT_name')
            size = die.attributes.get('DW_AT_byte_size')
            if die.tag == 'DW_TAG_structure_type' and name and size and name.value.decode() in names:
                found[name.value.decode()] = size.value
        if len(found) == len(names):
            break
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--limit', type=int, help='the image may not be larger')
    parser.add_argument('elf')
    parser.add_argument('map')
    parser.add_argument('bin')
    options = parser.parse_args()
    build = os.path.dirname(options.elf)
    table = collections.defaultdict(collections.Counter)
    for piece in pieces(options.map):
        if piece.output and not piece.output.startswith(('.debug', '.comment', '.note', '/DISCARD')):
            table[source_folder(piece.file, build)][kind_of(piece.output, piece.name)] += piece.size
    total = collections.Counter()
    print(f"{'bytes by folder':<20}" + ''.join(f'{k:>10}' for k in KINDS))
    for folder in sorted(table):
        total.update(table[folder])
        print(f'  {folder:<18}' + ''.join(f'{table[folder][k]:>10}' for k in KINDS))
    print(f"  {'all':<18}" + ''.join(f'{total[k]:>10}' for k in KINDS))
    with open(options.elf, 'rb') as f:
        elf = ELFFile(f)
        structs = struct_sizes(elf, ('vm', 'vcpu', 'virq', 'vdev', 'core'))
        span = {s.name: s['st_value'] for s in elf.get_section_by_name('.symtab').iter_symbols() if s.name in ('image_start', 'image_end')}
    if structs:
        print('  structs: ' + ', '.join(f'{name} {size}' for name, size in sorted(structs.items())))
    size = os.path.getsize(options.bin)
    print(f'{options.bin}: {size / 1024:.0f} KiB; in memory {(span.get("image_end", 0) - span.get("image_start", 0)) / 1024:.0f} KiB')
    if options.limit and size > options.limit:
        print(f'larger than {options.limit} bytes')
        return 1
    return 0


sys.exit(main())
