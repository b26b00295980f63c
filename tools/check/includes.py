#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
includes.py [EXTERNAL_VDEV.c ...]: includes go one way: hyp/base <- arch <- boards <- hyp <- vdevs <- tests. Run from the
repository's root.
"""
import os
import re
import subprocess
import sys

# Layer of a file -> layers it may include. 'api' is the part of hyp that vdevs see.
MAY = {
    'base': {'base'},
    'arch': {'base', 'arch'},
    'boards': {'base', 'arch', 'boards'},
    'api': {'base', 'arch', 'api', 'hyp'},
    'hyp': {'base', 'arch', 'boards', 'api', 'hyp'},
    'vdevs': {'base', 'api', 'vdevs'},
    'vdevs-arch': {'base', 'arch', 'api', 'vdevs'},
    'tests': {'base', 'arch', 'boards', 'api', 'hyp', 'vdevs', 'tests'},
}
# The interrupt controller and timer vdevs work on the core's own registers.
NEAR_ARCH = ('vdevs/vgic', 'vdevs/vtimer')

# A test's eye on the scheduler's own state, built into the hypervisor as a vdev.
INSIDE = ('tests/vdev-traffic/watch.c', 'tests')


def layer_of(path):
    for prefix, layer in (('hyp/base/', 'base'), ('hyp/api/', 'api'), ('hyp/', 'hyp'), ('arch/', 'arch'), ('boards/', 'boards'),
                          ('vdevs/', 'vdevs'), INSIDE, ('tests/vdev-', 'vdevs'), ('tests/', 'tests')):
        if path.startswith(prefix):
            return layer
    return None


def main():
    listing = subprocess.run(['git', 'ls-files', '--cached', '--others', '--exclude-standard', '--', '*.c', '*.h', '*.S', '*.lds'],
                             check=True, capture_output=True, text=True)
    errors = count = 0
    external = sys.argv[1:]
    for path in sorted(set(listing.stdout.split()) | set(external)):
        layer = 'vdevs' if path in external else layer_of(path)
        if not layer or not os.path.exists(path):
            continue
        may = MAY['vdevs-arch' if path.startswith(NEAR_ARCH) else layer]
        for number, line in enumerate(open(path, encoding='utf-8'), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not m or m[1].startswith('generated/'):
                continue
            count += 1
            target = m[1]
            beside = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if not os.path.exists(target) and os.path.exists(beside):
                target = beside
            if layer == 'tests' and layer_of(target) is None:
                continue
            if layer_of(target) not in may:
                print(f'{path}:{number}: {layer} may not include {target} (it may: {", ".join(sorted(may))})')
                errors += 1
    print(f'{count} includes, {errors} against the order')
    return errors != 0


sys.exit(main())
