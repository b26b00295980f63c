#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""simd.py ELF MAP: no SIMD or floating-point register is used at EL2, outside libfdt (runs only at startup, before any
guest's registers are live) and the code whose job is to switch them."""
import bisect
import re
import subprocess
import sys
from mapfile import pieces

ALLOWED = re.compile(r'libfdt\.a\(|arch/arm64/fp\.o$')
# v0-v31, q0.., d0.., s0.., b0.., h0.. as operands; not part of a longer word, an address or a symbol.
REGISTER = re.compile(r'(?<![\w.<+])[vqdshb]([0-9]|[12][0-9]|3[01])(\.[0-9]*[bhsdq])?(\[\d+\])?(?=[\s,}\]]|$)')


def main():
    elf, mapping = sys.argv[1:3]
    code = sorted((p.address, p.address + p.size, p.file) for p in pieces(mapping) if not p.name.startswith('.debug'))
    starts = [c[0] for c in code]
    bad, function, seen = 0, '', 0
    listing = subprocess.run(['aarch64-linux-gnu-objdump', '-d', '--no-show-raw-insn', elf], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        if m := re.match(r'[0-9a-f]+ <(.+)>:', line):
            function = m[1]
            continue
        m = re.match(r'\s*([0-9a-f]+):\s+(\S+)\s*(.*)', line)
        if not m:
            continue
        seen += 1
        operands = m[3].split('//')[0]
        if m[2].startswith('.') or not REGISTER.search(operands):
            continue
        at = bisect.bisect_right(starts, int(m[1], 16)) - 1
        file = code[at][2] if at >= 0 else '?'
        if not ALLOWED.search(file):
            print(f'{file}: {function}: {m[2]} {operands.strip()}')
            bad += 1
    print(f'{seen} instructions, {bad} with SIMD operands outside libfdt and the switch')
    return bad != 0 or not seen


sys.exit(main())
