#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the ramdisk of the go payload. usage: pack.py HYPERVISOR-IMAGE BUNDLE OUT"""
import struct
import sys


def padded(data):
    return data + bytes(-len(data) % 4096)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    image, bundle = (open(name, 'rb').read() for name in sys.argv[1:3])
    with open(sys.argv[3], 'wb') as out:
        out.write(padded(struct.pack('<Q', len(image))) + padded(image) + bundle)


main()
