# SPDX-License-Identifier: Apache-2.0
"""The VM description: what it says, and everything that can be found wrong with it before anything starts."""
from dataclasses import dataclass, field
from typing import List, Optional, Tuple

from .base import Refused
from .bindings import SUPPORT, nearest

PAGE = 4096
RANGE_LIMIT = 8  # of memory, a VM
IPA_LIMIT = 1 << 48
POLICIES = ("fail", "ignore", "abort")
ENDINGS = ("restart", "stop")
VCPU_LIMIT, NAME_LIMIT = 64, 31  # the most that CONFIG_MAX_VCPUS can be; what an image has is compared with the image
PRIORITY_MAX, BUDGET_US_MIN, PERIOD_US_MAX = 255, 100, 1000000
BOOTARGS_LIMIT = 2047  # what Linux for arm64 takes
STATUS_ON, STATUS_OFF = ("okay", "ok"), ("disabled", "reserved", "fail")
GICD, GICC, GICR, GICR_STRIDE = (0x08000000, 0x10000), (0x08010000, 0x2000), 0x080A0000, 0x20000
GICV3, GICV2 = (b"arm,gic-v3",), (b"arm,gic-400", b"arm,cortex-a15-gic")
GICV2_CPUS = 8
WATCHDOG = "arm,sp805"
TIMER_PPIS = (13, 14, 11, 10)


def is_gic(node, kinds):
    return any(kind in node.props.get("compatible", b"").split(b"\0") for kind in kinds)


@dataclass
class Ram:
    path: str
    base: int
    size: int
    read_only: bool
    image: Optional[str]

    @property
    def end(self):
        return self.base + self.size


@dataclass
class Vm:
    name: str
    path: str
    cpus: int = 1
    affinity: List[int] = field(default_factory=list)
    highest_core: int = -1  # of its runmask
    identity: bool = False
    ram: List[Ram] = field(default_factory=list)
    kernel: Optional[str] = None
    ramdisk: Optional[str] = None
    dtb: Optional[str] = None
    kernel_load: Optional[int] = None
    entry: Optional[int] = None
    dtb_address: Optional[int] = None
    owned: List[Tuple[int, int, str]] = field(default_factory=list)  # (base, size, path) of what has an address
    vdevs: List[Tuple[str, List[str], Optional[str]]] = field(default_factory=list)  # (path, compatible, armature,device)
    spis: List[Tuple[str, int]] = field(default_factory=list)  # (path, number)

    def vdev_count(self):
        """With the two that every VM gets if it does not describe them."""
        described = {name for _, compatible, _ in self.vdevs for name in compatible}
        return len(self.vdevs) + (not described & {kind.decode() for kind in GICV3 + GICV2}) + ("arm,armv8-timer" not in described)

    def images(self):
        """(name, role, path of who asks) of every image that the VM names."""
        chosen = f"{self.path}/chosen"
        named = [(self.kernel, "kernel", chosen), (self.ramdisk, "ramdisk", chosen), (self.dtb, "dtb", chosen)]
        named += [(r.image, "data", r.path) for r in self.ram]
        return [entry for entry in named if entry[0] is not None]


def overlaps(ranges):
    """Pairs ((base, size, owner), (base, owner)) where a range begins before one of lower address ended."""
    last = None
    for base, size, owner in sorted(ranges):
        if last and last[0] + last[1] > base:
            yield last, (base, owner)
        if not last or base + size > last[0] + last[1]:
            last = (base, size, owner)


class Description:
    """
    The VMs of a tree and `faults`, lines of 'path: reason'. Reading goes on after a fault: all are told at once. `remarks`: what is
    possible, but seldom meant.
    """

    def __init__(self, root, bindings, known_devices_only=False):
        self.bindings, self.faults, self.remarks, self.vms = bindings, [], [], []
        self.known_devices_only = known_devices_only
        if "armature,vms" not in root.props.get("compatible", b"").decode("latin-1").split("\0"):
            self.fault("/", "compatible is not \"armature,vms\": this is no VM description")
            return
        for node in root.children:
            if self.is_off(node):
                continue
            if any(vm.path == node.path for vm in self.vms):
                self.fault(node.path, "a second VM with the name")
            elif "armature,vm" in node.props.get("compatible", b"").decode("latin-1").split("\0"):
                self.vms.append(self.vm_read(node))
            elif not node.name.startswith("__"):
                self.fault(node.path, "not a VM: compatible is not \"armature,vm\"")
        if not self.vms:
            self.fault("/", "no VM in it")
        self.identity_check()

    def fault(self, path, reason):
        self.faults.append(f"{path}: {reason}")

    def refuse(self, what):
        """Ends with every fault, if there is one."""
        if self.faults:
            raise Refused("\n".join([f"{what} is refused:"] + [f"  {line}" for line in self.faults]))

    def attempt(self, call, *args, fallback=None):
        """A typed read; its refusal becomes a fault."""
        try:
            return call(*args)
        except Refused as refusal:
            self.faults.append(str(refusal))
            return fallback

    # One VM

    def vm_read(self, node):
        vm = Vm(node.name, node.path)
        if len(node.name) > NAME_LIMIT:
            self.fault(node.path, f"the name has more than {NAME_LIMIT} characters")
        self.names_check(node, self.bindings.vm_properties(), strict=True)
        vm.cpus = self.bounded(node, "cpus", 1, 1, VCPU_LIMIT)
        self.bounded(node, "priority", 16, 0, PRIORITY_MAX)
        self.affinity_read(node, vm)
        self.runmask_read(node, vm)
        self.budget_read(node)
        for kind in ("reference", "instruction", "register"):
            self.word(node, f"armature,unsupported-{kind}", POLICIES)
        for kind in ("reset", "crash"):
            self.word(node, f"armature,on-{kind}", ENDINGS)
        vm.identity = "armature,identity" in node
        for cells in ("#address-cells", "#size-cells"):
            if cells in node and self.attempt(node.number, cells) != 2:
                self.fault(node.path, f"{cells} must be <2>")
        for child in node.children:
            self.child_read(child, vm)
        if not any(not r.read_only for r in vm.ram):
            self.fault(node.path, "no RAM: a node 'memory@...' is needed")
        if vm.kernel is None and vm.entry is None:
            self.fault(node.path, "nothing to start: 'chosen' has neither armature,kernel nor armature,entry")
        self.gic_default(node, vm)
        self.overlap_check(vm)
        self.interrupts_check(node, vm)
        return vm

    def affinity_read(self, node, vm):
        if "affinity" not in node:
            return
        vm.affinity = self.attempt(node.cells, "affinity", fallback=[])
        if len(vm.affinity) != vm.cpus:
            self.fault(node.path, f"affinity names {len(vm.affinity)} cores for {vm.cpus} vCPUs")

    def runmask_read(self, node, vm):
        if "runmask" not in node:
            return
        masks = self.attempt(node.cells, "runmask", fallback=[])
        if "affinity" in node:
            self.fault(node.path, "runmask and affinity exclude each other")
        if len(masks) not in (1, vm.cpus):
            self.fault(node.path, f"runmask has {len(masks)} cells for {vm.cpus} vCPUs: one, or one each, is expected")
        if 0 in masks:
            self.fault(node.path, "runmask: 0 would let a vCPU run nowhere")
        vm.highest_core = max(mask.bit_length() for mask in masks) - 1 if masks else 0

    def budget_read(self, node):
        budget, period = (self.bounded(node, name, 0, BUDGET_US_MIN, PERIOD_US_MAX) for name in ("budget-us", "period-us"))
        background = self.bounded(node, "background-priority", -1, 0, PRIORITY_MAX)
        if ("budget-us" in node) != ("period-us" in node):
            self.fault(node.path, "budget-us and period-us need each other")
        elif budget > period:
            self.fault(node.path, f"budget-us {budget} is more than period-us {period}")
        if "background-priority" in node and "budget-us" not in node:
            self.fault(node.path, "background-priority is for vCPUs with budget-us")
        elif background >= self.bounded(node, "priority", 16, 0, PRIORITY_MAX):
            self.fault(node.path, f"background-priority {background} is not below the priority")

    def is_off(self, node):
        """By its status, of which each but okay does."""
        status = self.attempt(node.string, "status") if "status" in node else STATUS_ON[0]
        if status in STATUS_ON:
            return False
        if status is not None and status not in STATUS_OFF and not status.startswith("fail-"):
            self.fault(node.path, f"status \"{status}\" is none of {', '.join(STATUS_ON + STATUS_OFF)}{nearest(status, STATUS_ON + STATUS_OFF)}")
        self.remarks.append(f"{node.path}: switched off by its status")
        return True

    def child_read(self, child, vm):
        kind = child.name.split("@")[0]
        if self.is_off(child):
            return
        if kind == "memory" or child.props.get("device_type") == b"memory\0":
            self.memory_read(child, vm)
        elif child.name == "chosen":
            self.chosen_read(child, vm)
        elif kind in ("cpus", "psci"):
            self.fault(child.path, "a node of this name is made for every VM and cannot be described")
        elif kind == "armature,reserve":
            self.names_check(child, self.bindings.child_properties("armature,reserve"), strict=True)
        elif "compatible" in child:
            self.device_read(child, vm)
        else:
            self.plain_read(child)

    def memory_read(self, node, vm):
        self.names_check(node, self.bindings.child_properties("memory@0"), strict=True)
        image = self.attempt(node.string, "armature,image") if "armature,image" in node else None
        if "reg" not in node:
            self.fault(node.path, "reg is missing")
            return
        ranges = self.attempt(node.ranges, "reg", fallback=[])
        if image is not None and len(ranges) > 1:
            self.fault(node.path, "armature,image needs a node with one range")
        for base, size in ranges:
            if base % PAGE or size % PAGE or size == 0:
                self.fault(node.path, f"reg: {size:#x} bytes at {base:#x} are no whole pages of 4 KiB")
            elif base + size > IPA_LIMIT:
                self.fault(node.path, f"reg: {size:#x} bytes at {base:#x} reach beyond 48 bits")
            else:
                vm.ram.append(Ram(node.path, base, size, "armature,read-only" in node, image))
                vm.owned.append((base, size, node.path))

    def chosen_read(self, node, vm):
        self.names_check(node, self.bindings.child_properties("chosen"), strict=False)
        for attribute in ("kernel", "ramdisk", "dtb"):
            if f"armature,{attribute}" in node:
                setattr(vm, attribute, self.attempt(node.string, f"armature,{attribute}"))
        for prop, attribute in (("kernel-load", "kernel_load"), ("entry", "entry"), ("dtb-address", "dtb_address")):
            if f"armature,{prop}" in node:
                setattr(vm, attribute, self.attempt(node.number, f"armature,{prop}"))
        if vm.dtb_address is not None:
            if "armature,no-dtb" in node:
                self.fault(node.path, "armature,dtb-address and armature,no-dtb exclude each other")
            if vm.dtb_address % 8:
                self.fault(node.path, f"armature,dtb-address {vm.dtb_address:#x} is not aligned to 8 bytes")
        if vm.dtb is not None and "armature,no-dtb" in node:
            self.fault(node.path, "armature,dtb and armature,no-dtb exclude each other")
        if vm.entry is not None and vm.entry % 4:
            self.fault(node.path, f"armature,entry {vm.entry:#x} is not a multiple of 4")
        if "bootargs" in node and len(self.attempt(node.string, "bootargs", fallback="")) > BOOTARGS_LIMIT:
            self.fault(node.path, f"bootargs has more than {BOOTARGS_LIMIT} characters")

    def device_read(self, node, vm):
        compatible = self.attempt(node.strings, "compatible", fallback=[])
        device = self.attempt(node.string, "armature,device") if "armature,device" in node else None
        schema = self.bindings.device_schema(compatible, device)
        if set(compatible) & set(SUPPORT) and self.bindings.is_support(schema):  # a vdev may be one of these to the guest besides
            self.plain_read(node)
            return
        vm.vdevs.append((node.path, compatible, device))
        self.sched_read(node)
        if WATCHDOG in compatible:
            self.action_read(node)
        if schema is None and self.known_devices_only:
            names = " ".join(f'"{name}"' for name in compatible)
            self.fault(node.path, f"no vdev for {names}{nearest(compatible[0] if compatible else '', self.bindings.devices())}"
                                  " (one from outside the tree: --bindings FOLDER names where its schema is)")
        if schema is not None or self.known_devices_only:
            self.names_check(node, self.bindings.device_properties(schema), strict=False)
        if "reg" in node:
            for base, size in self.attempt(node.ranges, "reg", fallback=[]):
                if size == 0 or base + size > IPA_LIMIT:
                    self.fault(node.path, f"reg: {size:#x} bytes at {base:#x} are no usable range")
                else:
                    vm.owned.append((base, size, node.path))

    def plain_read(self, node):
        """What goes into the guest's tree as it is, with all below."""
        self.names_check(node, set(), strict=False)
        for child in node.children:
            if "compatible" in child and not set(self.attempt(child.strings, "compatible", fallback=[])) & set(SUPPORT):
                self.fault(child.path, "a device must be a direct child of the VM's node")
            self.plain_read(child)

    def action_read(self, node):
        """What a watchdog does at its end."""
        words = self.attempt(node.strings, "armature,action", fallback=[]) if "armature,action" in node else []
        if "interrupt" in words and "terminate" in words[words.index("interrupt"):]:
            self.fault(node.path, 'armature,action: "terminate" after "interrupt"')

    def sched_read(self, node):
        """How a vdev's threads run: <priority [budget-us period-us [background-priority]]>."""
        cells = self.attempt(node.cells, "armature,sched") if "armature,sched" in node else None
        if cells is None:
            return
        if len(cells) not in (1, 3, 4):
            self.fault(node.path, f"armature,sched has {len(cells)} cells: <priority>, <priority budget-us period-us> or that and a background"
                                  " priority is expected")
            return
        priority, budget, period, background = (cells + [None] * 3)[:4]
        if priority > PRIORITY_MAX:
            self.fault(node.path, f"armature,sched: priorities end at {PRIORITY_MAX}: {priority}")
        if budget is not None and not BUDGET_US_MIN <= budget <= period:
            self.fault(node.path, f"armature,sched: a budget has {BUDGET_US_MIN} us at least and its period at most: {budget}")
        if period is not None and period > PERIOD_US_MAX:
            self.fault(node.path, f"armature,sched: a period has a second at most: {period}")
        if background is not None and background >= priority:
            self.fault(node.path, f"armature,sched: the background priority is not below the priority: {background}")

    # Parts

    def names_check(self, node, known, strict):
        """armature,* names must be known; with `strict` the others too."""
        for name in node.props:
            if name in known or name in ("phandle", "linux,phandle", "status"):
                continue
            if strict or name.startswith("armature,"):
                self.fault(node.path, f"unknown property '{name}'{nearest(name, known)}")

    def bounded(self, node, name, default, low, high):
        if name not in node:
            return default
        value = self.attempt(node.number, name, fallback=default)
        if not low <= value <= high:
            self.fault(node.path, f"{name} is {value}: {low} to {high} is possible")
            return default
        return value

    def word(self, node, name, words):
        if name in node:
            value = self.attempt(node.string, name)
            if value is not None and value not in words:
                self.fault(node.path, f"{name} is \"{value}\": one of {', '.join(words)} is possible")

    def gic_default(self, node, vm):
        """Without an interrupt controller in the description the VM gets the machine's kind of one where QEMU's virt has it."""
        described = [child for child in node.children if is_gic(child, GICV3 + GICV2)]
        for child in described:
            if is_gic(child, GICV2) and vm.cpus > GICV2_CPUS:
                self.fault(child.path, f"a GICv2 has {GICV2_CPUS} CPU interfaces at most, the VM has {vm.cpus} vCPUs")
        if not described:
            path = f"{node.path} (its interrupt controller, added by default)"
            vm.owned += [(*GICD, path), (*GICC, path), (GICR, GICR_STRIDE * vm.cpus, path)]

    def overlap_check(self, vm):
        if len(vm.ram) > RANGE_LIMIT:
            self.fault(vm.path, f"{len(vm.ram)} ranges of memory: {RANGE_LIMIT} are possible")
        for (base, size, owner), (other, other_owner) in overlaps(vm.owned):
            self.fault(other_owner, f"its range at {other:#x} overlaps {size:#x} bytes at {base:#x} of {owner}")

    def identity_check(self):
        """VMs whose addresses are the machine's share one address space."""
        for (base, size, owner), (other, other_owner) in overlaps(
                (r.base, r.size, r.path) for vm in self.vms if vm.identity for r in vm.ram):
            if owner.split("/")[1] != other_owner.split("/")[1]:
                self.fault(other_owner, f"armature,identity: its memory at {other:#x} overlaps {size:#x} bytes at"
                                        f" {base:#x} of {owner}")

    def interrupts_check(self, vm_node, vm):
        owners = {(1, ppi): f"{vm_node.path} (the timer)" for ppi in TIMER_PPIS}
        for node in vm_node.children:
            compatible = node.props.get("compatible", b"")
            if "interrupts" not in node or node.name == "armature,reserve" or is_gic(node, GICV3 + GICV2) or b"timer" in compatible:
                continue
            cells = self.attempt(node.cells, "interrupts")
            if cells is None:
                continue
            if not cells or len(cells) % 3:
                self.fault(node.path, f"interrupts: three cells each (type, number, flags), {len(cells)} found")
                continue
            for kind, number, flags in zip(*[iter(cells)] * 3):
                self.interrupt_check(node, kind, number, flags, owners, any(path == node.path for path, *_ in vm.vdevs))
                vm.spis += [(node.path, number)] if kind == 0 else []

    def interrupt_check(self, node, kind, number, flags, owners, is_vdev):
        name = f"{'SPI' if kind == 0 else 'PPI'} {number}"
        if kind > 1 or (kind == 0 and number > 987) or (kind == 1 and number > 15):
            self.fault(node.path, f"interrupts: <{kind} {number} {flags}> is no SPI (0, 0..987) and no PPI (1, 0..15)")
        elif flags & 0xF not in (1, 2, 4, 8):
            reason = f"interrupts: {name}: flags {flags} are none of 1, 2 (edge), 4, 8 (level)"
            if is_vdev:  # the hypervisor reads these itself
                self.fault(node.path, reason)
            else:
                self.remarks.append(f"{node.path}: {reason}")
        elif (kind, number) in owners:
            self.remarks.append(f"{node.path}: interrupts: {name} is shared with {owners[kind, number]}")
        else:
            owners[kind, number] = node.path
