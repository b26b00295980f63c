# SPDX-License-Identifier: Apache-2.0
"""What the linker's map file says: which object file put how many bytes where."""
import collections
import re

Piece = collections.namedtuple('Piece', 'output name address size file')


def pieces(path):
    """The input sections that are in the image, in the map's order."""
    found, output, pending = [], None, None
    started = False
    for line in open(path, encoding='utf-8', errors='replace'):
        line = line.rstrip('\n')
        if line.startswith('Linker script and memory map'):
            started = True
        if not started:
            continue
        if m := re.match(r'(\.[\w.$-]+)(\s|$)', line):
            output = m[1]
        # A long section name stands on a line of its own, its numbers on the next.
        if re.fullmatch(r' \.\S+', line):
            pending = line
            continue
        if pending:
            line, pending = pending + line, None
        m = re.match(r' (\.?[\w.$-]+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$', line)
        if m and int(m[3], 16):
            found.append(Piece(output, m[1], int(m[2], 16), int(m[3], 16), m[4]))
    return found


def source_folder(file, build):
    """'hyp/base' for 'build/x/hyp/base/log.o', 'libfdt' and 'newlib' for the archives' members."""
    if m := re.search(r'(libfdt|libc)\.a\(', file):
        return {'libfdt': 'libfdt', 'libc': 'newlib'}[m[1]]
    if file.startswith(build + '/'):
        file = file[len(build) + 1:]
    return file.rsplit('/', 1)[0] if '/' in file else 'generated'
