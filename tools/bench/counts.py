# SPDX-License-Identifier: Apache-2.0
"""What the counting plugin wrote, and whose instructions they were."""
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import Dict

from elftools.elf.elffile import ELFFile

SLOT = 0x80                        # of a vector table (DDI 0487 D1.10.2)
FROM_LOWER_EL = range(0x400, 0x800, SLOT)


@dataclass
class Record:
    """One row of the guest's: so many windows, all instructions in them, and those of the hypervisor by address."""
    kind: str
    windows: int
    everything: int
    devices: int          # accesses of the hypervisor to devices
    addresses: Dict[int, int]

    def total(self):
        return sum(self.addresses.values())


class Hypervisor:
    """The symbols of the image under test."""

    def __init__(self, elf):
        names = {}
        with open(elf, "rb") as file:
            for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols():
                kind, name = symbol["st_info"]["type"], symbol.name
                if symbol["st_shndx"] in ("SHN_UNDEF", "SHN_ABS") or kind not in ("STT_FUNC", "STT_NOTYPE") or name[:1] in ("", "$"):
                    continue
                if kind == "STT_FUNC" or symbol["st_value"] not in names:
                    names[symbol["st_value"]] = name
        by_name = {name: address for address, name in names.items()}
        self.base = by_name["image_start"]
        self.size = by_name["init_end"] - self.base
        self.vectors = by_name["vectors_hyp"]
        self.addresses = sorted(address for address in names if self.base <= address < self.base + self.size)
        self.names = [names[address] for address in self.addresses]

    def functions(self, record):
        """Instructions by function, most first."""
        found = Counter()
        for address, count in record.addresses.items():
            found[self.names[bisect_right(self.addresses, address) - 1]] += count
        return dict(found.most_common())

    def exits(self, record):
        """Entries into EL2 from a guest."""
        return sum(record.addresses.get(self.vectors + slot, 0) for slot in FROM_LOWER_EL)


def records_read(path):
    records = []
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0] == "record":
                windows, everything, devices = (int(word.split("=")[1]) for word in words[2:5])
                records.append(Record(words[1], windows, everything, devices, {}))
            else:
                records[-1].addresses[int(words[0], 16)] = int(words[1])
    return records
