# SPDX-License-Identifier: Apache-2.0
"""The rows of the bench table: what others need for the same, measured the same way, and what we aim at."""
from dataclasses import dataclass
from typing import Dict

PEERS = ("Bao", "Jailhouse", "Xen null", "KVM VHE")


@dataclass(frozen=True)
class Row:
    name: str
    peers: Dict[str, int]
    target: int
    note: str = ""
    gic: int = 3

    def said(self):
        """Its name in the guest's output."""
        return self.name.removeprefix(f"GICv{self.gic}: ")

    def best_peer(self):
        """(figure, names), or None where no figure of a peer is known."""
        if not self.peers:
            return None
        best = min(self.peers.values())
        return best, ", ".join(name for name, figure in self.peers.items() if figure == best)


def event(name, figures, target, note=""):
    """Figures in the order of PEERS; None: not measured, or not the same thing there."""
    return Row(name, {peer: figure for peer, figure in zip(PEERS, figures) if figure is not None}, target, note)


EVENTS = (
    event("HVC PSCI_VERSION", (188, 120, 470, 1050), 60),
    event("HVC unknown function", (None, 120, 1639, 973), 50),
    event("SMC PSCI_VERSION", (202, 136, 500, 930), 65),
    event("read GICD_TYPER", (224, 284, 597, 1841), 90),
    event("read GICD_ISENABLER1", (1289, 922, 674, 4143), 130),
    event("write GICD_ISENABLER1", (3593, 921, 872, 2016), 180),
    event("write GICR_ISENABLER0", (3629, 264, 850, 2081), 160),
    event("write GICD_IPRIORITYR (word)", (690, 417, 675, 2193), 180),
    event("MRS ID_AA64MMFR0_EL1", (0, 0, 410, 1468), 70, "0 where it is not trapped"),
    event("emulated PL011: read FR", (None, None, 621, 6125), 120),
    event("emulated PL011: write DR", (None, None, 683, 9455), 250),
    event("SGI to self → handler", (851, 1450, 1096, 2576), 170),
    event("vtimer deadline → handler, busy", (199, 206, 1083, 2433), 90),
    event("vtimer deadline → handler, from WFI", (199, 206, 2940, 10699), 90),
    event("IPI one way, target spinning", (851, 1451, 1617, 4157), 260),
    event("IPI one way, target in WFI", (851, 1451, 3326, 11240), 260),
    event("IPI ping-pong, spinning", (1702, 2901, 3335, 8632), 520),
    event("PSCI CPU_ON → first instruction", (1628, 2001, 4003, 18302), 900),
)

# What no bare machine has: the access is one instruction, and all else is the hypervisor. A write of TRAP is an access and the change.
VDEV = (
    Row("vdev: read, vread", {}, 250, "full exit, state blocks"),
    Row("vdev: write, vwrite", {}, 250, "full exit, state blocks"),
    Row("vdev: read, register table", {}, 200, "full exit"),
    Row("vdev: write, register table", {}, 200, "full exit"),
    Row("vdev: read, quick register", {}, 120),
    Row("vdev: write, quick register", {}, 120),
    Row("vdev: read after a region change", {}, 250, "the region is looked up again"),
    Row("region change: a page's writes trapped", {}, 8000, "a block of 2 MiB split, and every core told"),
    Row("region change: the page given back", {}, 8000, "the block joined again"),
    Row("pulse to a thread above the guest, and back", {}, 1500, "deliver, two switches between vCPU and thread"),
    Row("thread switch: from a condition to the other thread", {}, 700, "signal, wait, and the other goes on; mean of 1 000"),
    Row("vtimer from WFI, the core asleep", {}, 150, "from the deadline to the handler"),
    Row("vtimer from WFI, a thread below computes", {}, 1000, "the same, the thread is preempted"),
    Row("region change under load: trapped", {}, 8000, "the other vCPU reads the page and the vdev all the while"),
    Row("region change under load: given back", {}, 8000),
)
# The same on a GICv2, where the machine's and the virtual CPU interface are devices. No peer was measured there this way; the targets are GICv3's.
# (On a Cortex-A53 with a GIC-400 Bao needs 188 EL2 instructions a timer interrupt and 518 an SGI, Jailhouse 225 and 1324, Xen 1418 and 1266.)
BANKED = {"write GICR_ISENABLER0": "write GICD_ISENABLER0"}
EVENTS_V2 = tuple(Row("GICv2: " + BANKED.get(row.name, row.name), {}, row.target, row.note, 2) for row in EVENTS)
# Two VMs, each on its core; there is nothing like it on the bare machine, so the figure is all of it.
SHARED = (
    Row("shmem notify → peer's handler, spinning", {}, 600, "two VMs"),
    Row("shmem notify → peer's handler, in WFI", {}, 600, "two VMs"),
)

# Two vCPUs on one core, of one VM.
SWITCH = (
    Row("vCPU switch: from WFI to the other's handler", {}, 1000, "the exit, the choice, the switch, the interrupt that it waited for"),
    Row("vCPU switch: at a turn's end", {}, 1200, "EL2's timer, the choice, the switch: between the two guests' instructions"),
)
# A VM whose timer fires while one below it runs on its core: from the deadline to the handler. The worst is what docs/SCHEDULING.md bounds.
LOADED = Row("vtimer, a VM below is loaded: worst", {}, 8000, "and starts")
LATE = (LOADED, *(Row(f"vtimer, a VM below {what}: {which}", {}, target) for what, targets in (
    ("computes", (1300, 1500)), ("accesses devices", (1300, 2000)), ("calls", (1300, 2000))) for which, target in zip(("median", "worst"), targets)))

# Debian's Linux 6.1, one vCPU. Per stretch: EL2 instructions, exits.
BOOT, WORK = "Linux: kernel entry to /init", "Linux: 50 fork+exec, sha256, 20 sleeps of 5 ms"
LINUX = (
    (Row(BOOT + ", EL2 instructions", {"Bao": 342000, "Xen null": 643000, "Xen credit2": 876000, "KVM VHE": 13800000}, 150000),
     Row(BOOT + ", exits", {"Bao": 621, "Xen null": 1001, "Xen credit2": 1092, "KVM VHE": 1565}, 620)),
    (Row(WORK + ", EL2 instructions", {"Bao": 18300, "Xen null": 886000, "Xen credit2": 1019000, "KVM VHE": 1990000}, 9000),
     Row(WORK + ", exits", {"Bao": 92, "Xen null": 14446, "Xen credit2": 14466, "KVM VHE": 572}, 92)),
)

START = Row("instructions from entry to the first guest instruction", {"Bao": 378000, "Xen": 17100000}, 2000000,
            "one core; without copying, hashing and scrubbing")
MEMORY = Row("memory not given to guests, KiB", {"Bao": 304, "Xen": 15565}, 512, "four cores, one VM, without the bundle")

# What START leaves out, by the beginning of the function's name: copying and checking images, clearing memory, and writing caches back.
APART = ("bulk_", "cache_clean", "crc32", "sha256")
