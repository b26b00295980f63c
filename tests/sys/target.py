# SPDX-License-Identifier: Apache-2.0
"""
The machines that the tests run on, and what each of them has. A test says by @needs(...) what it cannot do without; where the target lacks
that it is skipped, and the reason is shown. An environment of another kind (a board on a serial line) is one more Target.
"""
from dataclasses import dataclass
from typing import Dict, FrozenSet, Tuple

MIB = 1 << 20

# What a target can have besides cores and memory: the word in a test's needs(...), and what is said where it is not there.
FEATURES = {
    "cores-chosen": "the number of its cores is fixed",
    "memory-chosen": "the size of its memory is fixed",
    "models": "its core is always the same model",
    "virtio": "it has no virtio devices",
    "pl031": "it has no PL031, nor another clock that keeps the date",
    "pl061": "it has no PL061: QEMU's virt machine has none either where a firmware starts it",
    "flash": "it has no flash in its memory map",
    "el1": "it cannot be made to enter at EL1",
    "fit": "its stock U-Boot starts no FIT, let alone a signed one",
    "gicv3": "its GIC is a GICv2",
    "gicv2": "its GIC is a GICv3",
    "icount": "it cannot count instructions",
    "debugger": "no debugger can stop it",
    "loader": "nothing can be put into its memory beside what it starts",
    "raw-console": "one wire carries console, log and results: the console is not its guest's alone, byte for byte",
    "reset-ends": "a reset starts it again, and no run ends with it",
    "own-tool": "the test starts an emulator of its own",
}


@dataclass(frozen=True)
class Target:
    name: str                   # in the tests' names, and a marker: -m rpi4
    board: str                  # tools/armature run --board
    config: str                 # whose image: make CONFIG=
    gic: int
    features: FrozenSet[str]
    cores: int                  # most
    model: str                  # of its cores, by default
    ram: Tuple[int, int]        # address and size of what the hypervisor finds by default
    guest_memory: int           # what VMs can have of it, MiB
    devices: str                # where its devices lie, for those who look whether they can be seen: address+size,...
    tree: Dict[str, str]        # nodes of its device tree
    tree_at: int                # where a tree and a hypervisor given by hand may lie
    image_at: int
    tree_file: str = ""         # below build/cache, where the emulator makes none
    fetch: Tuple[str, ...] = ()  # by tools/fetch
    patience: float = 1         # how much longer than on QEMU's virt a run may take: the emulated SD card reads 2 MiB a second

    def lacks(self, *features, cores=1, memory=0):
        """Why a test that needs this cannot run here; None: it can."""
        unknown = [feature for feature in features if feature not in FEATURES]
        if unknown:
            raise ValueError(f"needs{tuple(unknown)}: no such feature, they are {', '.join(FEATURES)}")
        for feature in features:
            if feature not in self.features:
                return f"{self.name}: {FEATURES[feature]}"
        if cores > self.cores:
            return f"{self.name}: it has {self.cores} cores, {cores} are needed"
        if memory > self.guest_memory:
            return f"{self.name}: {memory} MiB for VMs are needed, it has {self.guest_memory}"
        return None

    def arguments(self):
        """Of `tools/armature run`."""
        return ("--board", self.board, "--gic", self.gic)

    def cores_wanted(self, count):
        """The argument for a machine of so many cores, where that can be chosen."""
        return ("--smp", count) if "cores-chosen" in self.features else ()

    def hypervisor_variable(self):
        """Of the environment: it names the image under test."""
        return "ARMATURE_HYP" if self.config == DEFAULT.config else f"ARMATURE_HYP_{self.config.upper()}"


EMULATED = frozenset(("icount", "debugger", "loader", "raw-console", "reset-ends", "own-tool"))
VIRT = EMULATED | {"cores-chosen", "memory-chosen", "models", "virtio", "pl031", "pl061", "flash", "el1", "fit"}
ON_VIRT = dict(board="qemu-virt", config="qemu_virt", cores=8, model="cortex-a72", ram=(0x40000000, 0x80000000), guest_memory=64 << 10,
               devices="4000000000+4000000,4010000000+10000000", tree={"memory": "/memory@40000000", "gic": "/intc@8000000"}, tree_at=0x60000000,
               image_at=0x50000000)
TARGETS = {target.name: target for target in (
    Target(name="v3", gic=3, features=VIRT | {"gicv3"}, **ON_VIRT),
    Target(name="v2", gic=2, features=VIRT | {"gicv2"}, **ON_VIRT),
    Target(name="rpi4", board="rpi4", config="rpi4", gic=2, features=EMULATED | {"gicv2"}, cores=4, model="cortex-a72", ram=(0, 0x3C000000),
           guest_memory=700, devices="fc000000+4000000,400000000+80000000", tree={"memory": "/memory@0", "gic": "/soc/interrupt-controller@40041000"},
           tree_at=0x20000000, image_at=0x10000000,
           tree_file="kernel-debian/usr/lib/linux-image-*/broadcom/bcm2711-rpi-4-b.dtb", fetch=("linux", "u-boot-rpi", "tf-a"), patience=3),
)}
DEFAULT = TARGETS["v3"]
