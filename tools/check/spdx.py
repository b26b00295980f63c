#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every source file says its licence in its first lines. Run from the repository's root."""
import os
import re
import subprocess
import sys

# Texts, data, and the files that kconfiglib writes (it drops comments).
NONE_NEEDED = re.compile(r'(\.md|\.txt|\.svg|\.png|_defconfig|LICENSE|NOTICE|\.gitignore|\.clang-format|\.json|\.bin|\.dtb|\.ini)$')


def main():
    listing = subprocess.run(['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'], check=True, capture_output=True, text=True)
    files = [f for f in listing.stdout.split('\0') if f and os.path.isfile(f) and not NONE_NEEDED.search(f)]
    bad = []
    for path in files:
        with open(path, 'rb') as f:
            if b'SPDX-License-Identifier: Apache-2.0' not in f.read(400):
                bad.append(path)
    for path in bad:
        print(f'{path}: no line "SPDX-License-Identifier: Apache-2.0" at its top')
    print(f'{len(files)} files, {len(bad)} without their licence')
    return bool(bad)


sys.exit(main())
