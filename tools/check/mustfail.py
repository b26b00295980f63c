#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mustfail.py FOLDER -- COMPILER...: each source in FOLDER must not compile, for the reason that its comment
`/* fails: REGEX */` names. The same source with -DMUST_COMPILE must compile: it shows the right way beside the wrong."""
import glob
import os
import re
import subprocess
import sys


def main():
    folder, compiler = sys.argv[1], sys.argv[sys.argv.index('--') + 1:]
    errors = 0
    sources = sorted(glob.glob(os.path.join(folder, '*.c')))
    for path in sources:
        reason = re.search(r'/\* fails: (.*?) \*/', open(path, encoding='utf-8').read())
        if not reason:
            print(f'{path}: has no comment /* fails: REGEX */')
            errors += 1
            continue
        wrong = subprocess.run([*compiler, path], capture_output=True, text=True)
        right = subprocess.run([*compiler, '-DMUST_COMPILE', path], capture_output=True, text=True)
        messages = [line for line in wrong.stderr.splitlines() if 'error:' in line]
        if wrong.returncode == 0:
            print(f'{path}: compiles, though it must not ({reason[1]})')
            errors += 1
        elif not messages or not all(re.search(reason[1], line) for line in messages):
            print(f'{path}: fails for another reason than "{reason[1]}":\n' + wrong.stderr)
            errors += 1
        if right.returncode:
            print(f'{path}: its right half (-DMUST_COMPILE) does not compile:\n' + right.stderr)
            errors += 1
    print(f'{len(sources)} sources that must not compile, {errors} wrong')
    return errors != 0 or not sources


sys.exit(main())
