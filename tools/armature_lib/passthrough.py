# SPDX-License-Identifier: Apache-2.0
"""
Devices of the machine in a VM by their path: `armature,host-path` becomes a node with everything that the guest's driver needs (docs/PASSTHROUGH.md).
The hypervisor checks the outcome against the tree of the machine that runs.
"""
import fnmatch
import re

from .base import Refused, align_down, align_up
from .hosttree import ALL, PAGE, HostTree, below, cells64, cells_bytes
from .tree import Node, tree_flatten

BY_PATH, BY_EXCEPTION = "armature,host-path", "armature,host-except"
ONLY_HERE = ("armature,delete", "armature,clock-rates")
# References: property to the provider's number of cells after the phandle (None: none).
CELLS = {"clocks": "#clock-cells", "resets": "#reset-cells", "power-domains": "#power-domain-cells", "dmas": "#dma-cells", "phys": "#phy-cells",
         "mboxes": "#mbox-cells", "iommus": "#iommu-cells", "interconnects": "#interconnect-cells", "pwms": "#pwm-cells", "gpios": "#gpio-cells",
         "thermal-sensors": "#thermal-sensor-cells", "io-channels": "#io-channel-cells", "hwlocks": "#hwlock-cells", "sound-dai": "#sound-dai-cells",
         "cooling-device": "#cooling-cells", "msi-parent": "#msi-cells", "interrupts-extended": "#interrupt-cells", "mmc-pwrseq": None,
         "memory-region": None, "nvmem-cells": None, "operating-points-v2": None, "phy-handle": None, "interrupt-parent": None, "remote-endpoint": None}
# As the firmware left them, if their provider is not given: the property, and those that go with it.
LEFT = {"power-domains": ("power-domain-names",), "resets": ("reset-names",), "interconnects": ("interconnect-names",), "dmas": ("dma-names",),
        "iommus": ()}
DROPPED = ("interrupt-parent", "interrupts-extended", "assigned-clocks", "assigned-clock-parents", "assigned-clock-rates", "phandle", "linux,phandle")
REFUSED = ("interrupt-map", "iommu-map", "msi-map", "msi-parent")
COPIED = (b"fixed-clock", b"fixed-factor-clock", b"operating-points-v2", b"regulator-fixed")


def width_name(name):
    """How the property refers to others: (True, name of the provider's cells). (False, None): it does not."""
    if name in CELLS:
        return True, CELLS[name]
    if re.fullmatch(r"pinctrl-\d+|.+-supply", name):
        return True, None
    return (True, "#gpio-cells") if re.fullmatch(r".+-gpios?", name) and name != "nr-gpios" else (False, None)


def written_out(node):
    """Is it the outcome already, of another run?"""
    return "armature,device" in node and ("reg" in node or "interrupts" in node)


def named(vm):
    """Nodes of the VM that name devices of the machine, at any depth."""
    return [n for n in below(vm) if n is not vm and (BY_PATH in n or BY_EXCEPTION in n) and not written_out(n)]


def wants(root):
    """Does the description name devices of the machine that way?"""
    return any(named(vm) for vm in root.children)


class Expansion:
    """
    The description's tree with such nodes written out. `faults` and `remarks` are lines of 'path: reason'. New phandles are above all that either tree uses, so
    that a reference which nobody knew as one leads nowhere.
    """

    def __init__(self, root, host):
        self.root, self.host, self.faults, self.remarks = root, host, [], []
        self.given = {}     # the machine's path to the description's
        todo, self.next_phandle = [root], host.highest_phandle() + 1
        while todo:
            node = todo.pop()
            todo += node.children
            if "phandle" in node:
                self.next_phandle = max(self.next_phandle, node.number("phandle") + 1)
        found = [(vm, self.direct(vm)) for vm in root.children]
        for vm, nodes in found:
            self.vm_expand(vm, [node for node in nodes if BY_PATH in node])
        for vm, nodes in found:
            for node in [node for node in nodes if BY_EXCEPTION in node]:
                self.except_expand(vm, node)

    def tree(self):
        return tree_flatten(self.root)

    def direct(self, vm):
        """The VM's children that name devices; those that do it where nobody looks are faults."""
        nodes = named(vm)
        self.faults += [f"{n.path}: {BY_PATH if BY_PATH in n else BY_EXCEPTION}: only a child of the VM's node can be a device of the machine"
                        for n in nodes if n not in vm.children]
        self.faults += [f"{n.path}: {BY_PATH} and {BY_EXCEPTION} exclude each other" for n in nodes if BY_PATH in n and BY_EXCEPTION in n]
        return [n for n in nodes if n in vm.children and not (BY_PATH in n and BY_EXCEPTION in n)]

    def vm_expand(self, vm, nodes):
        wanted = []
        for node in nodes:
            try:
                wanted.append((node, self.found(node)))
            except Refused as refusal:
                self.faults.append(str(refusal))
        copy = Copy(self, vm, wanted)
        for node, host in wanted:
            try:
                made = copy.device(node, host)
                vm.children[vm.children.index(node)] = made
            except Refused as refusal:
                self.faults.append(f"{node.path}: {refusal}")
        copy.finish()

    def found(self, node):
        path = node.string(BY_PATH)
        host = self.host.paths.get(path)
        if host is None:
            raise Refused(f"{node.path}: {BY_PATH}: {self.host.what} has no {path}")
        reason = self.host.own(host)
        if reason:
            raise Refused(f"{node.path}: {path} is {reason}")
        if not self.host.enabled(host) and "status" not in node:
            raise Refused(f"{node.path}: {path} is switched off there; status = \"okay\" gives it all the same")
        if path in self.given:
            raise Refused(f"{node.path}: {path} is {self.given[path]}'s already")
        self.given[path] = node.path
        return host

    def except_expand(self, vm, node):
        """All that can be given and nobody has; what cannot is named with the reason."""
        patterns = node.strings(BY_EXCEPTION) if node.props[BY_EXCEPTION] else []
        vm.children.remove(node)
        hosts = [h for h in self.host.nodes if self.is_device(h) and not any(fnmatch.fnmatchcase(h.path, p) for p in patterns)]
        for pattern in patterns:
            if not any(fnmatch.fnmatchcase(path, pattern) for path in self.host.paths):
                self.faults.append(f"{node.path}: {BY_EXCEPTION}: {self.host.what} has no {pattern}")
        while True:  # what others refer to goes with what it cannot do without
            copy = Copy(self, vm, [(Node("", f"{node.path} ({h.path})"), h) for h in hosts])
            made, left = [], []
            for source, host in copy.wanted:
                try:
                    made.append(copy.device(source, host))
                except Refused as refusal:
                    self.remarks.append(f"{node.path}: {host.path} is left out: {refusal}")
                    left.append(host)
            if not left:
                break
            hosts = [h for h in hosts if h not in left]
        self.given.update({host.path: node.path for host in hosts})
        vm.children += made
        copy.finish()

    def is_device(self, host):
        return ("compatible" in host and self.host.enabled(host) and any(self.host.ranges(host)) and self.host.own(host) is None
                and host.path not in self.given and not any(h.path in self.given for h in self.host.above(host))
                and all(self.host.enabled(bus) for bus in self.host.above(host)))


class Copy:
    """The machine's nodes that one VM gets."""

    def __init__(self, expansion, vm, wanted):
        self.expansion, self.host, self.vm, self.wanted = expansion, expansion.host, vm, wanted
        self.numbers = {}   # the machine's phandle to the guest's
        self.support = {}   # path to a node that goes along
        self.names = {child.name for child in vm.children if not any(child is source for source, _ in wanted)}
        self.remarks = []
        for source, host in wanted:
            for node in below(host):
                if "phandle" in node:
                    own = source.number("phandle") if node is host and "phandle" in source else None
                    self.numbers[node.number("phandle")] = own or self.phandle()

    def phandle(self):
        self.expansion.next_phandle += 1
        return self.expansion.next_phandle - 1

    def finish(self):
        self.vm.children += self.support.values()
        self.expansion.remarks += self.remarks

    # A device

    def device(self, source, host):
        ranges = self.host.ranges(host)
        if None in ranges:
            raise Refused(f"{host.path}: no bus's ranges lead to its registers")
        for name in ("reg", "interrupts", "interrupts-extended"):
            if name in source:
                raise Refused(f"{name} is the machine's to say: delete it (armature,delete) where the guest is to do without")
        deleted = self.deleted(source)
        made = self.node(host, source)
        for name in ("reg", "interrupts", "phandle"):
            made.props.pop(name, None)
        if "dma-coherent" not in made and "dma-coherent" not in deleted and any("dma-coherent" in bus for bus in self.host.above(host)):
            made.props["dma-coherent"] = b""
        if ranges:
            made.props["reg"] = b"".join(cells64(*self.place(host, ranges, *r)) for r in ranges)
        without = deleted & {"interrupts", "interrupts-extended"}
        interrupts = [] if without else [self.interrupt(host, *entry) for entry in self.host.interrupts(host)]
        if interrupts:
            made.props["interrupts"] = b"".join(cells_bytes(*entry) for entry in interrupts)
        if not ranges and not interrupts:
            raise Refused(f"{host.path}: neither registers nor interrupts that can be passed on")
        made.props.update({"armature,device": b"pass\0", BY_PATH: host.path.encode() + b"\0"})
        phandle = self.numbers.get(host.number("phandle")) if "phandle" in host else source.props.get("phandle") and source.number("phandle")
        if phandle:
            made.props["phandle"] = cells_bytes(phandle)
        made.name = self.name(host.name.split("@")[0] + (f"@{ranges[0][0]:x}" if ranges else ""), host)
        made.path = f"{self.vm.path}/{made.name}"
        if "armature,no-dma" not in made:
            self.dma(made, host)
        return made

    def name(self, name, host):
        if name in self.names:
            raise Refused(f"{host.path}: the VM has a node '{name}' already")
        self.names.add(name)
        return name

    def place(self, host, ranges, base, size):
        """Whole pages where they hold nothing else; else the registers alone, whose accesses the hypervisor makes."""
        first, end = align_down(base, PAGE), align_up(base + size, PAGE)
        shared = any(at < end and first < at + length for at, length in ranges if (at, length) != (base, size))
        if shared or self.host.neighbours(host, base, size):
            return base, size
        return first, end - first

    def interrupt(self, host, controller, cells):
        if controller is None or controller is not self.host.gic():
            raise Refused(f"{host.path}: its interrupts go to {controller.path if controller else 'nowhere'}, not to the GIC")
        if len(cells) < 3:
            raise Refused(f"{host.path}: {self.host.what}: its interrupts end in the middle of one")
        if cells[0] != 0:
            raise Refused(f"{host.path}: interrupt <{' '.join(map(str, cells))}> belongs to a core: only shared ones can be passed on")
        return cells[:3]

    def dma(self, made, host):
        if "armature,identity" not in self.vm:
            raise Refused(f"{host.path} may reach memory by itself: the VM must be armature,identity, or the node say armature,no-dma")
        windows = self.host.windows(host)
        for memory in self.vm.children:
            if memory.name.split("@")[0] != "memory" or "reg" not in memory:
                continue
            for base, size in memory.ranges("reg"):
                if not any(at <= base and base + size <= at + length for _, at, length in windows):
                    seen = ", ".join(f"{at:#x} to {at + length:#x}" for _, at, length in windows) or "nothing"
                    raise Refused(f"{host.path} does not reach the VM's memory {base:#x} to {base + size:#x}: by the dma-ranges of its buses it sees {seen}")
        if windows != [ALL]:
            made.props["armature,dma-ranges"] = b"".join(cells64(*window) for window in windows)

    # A node and what it refers to

    @staticmethod
    def deleted(source):
        return set(source.strings("armature,delete")) if source and "armature,delete" in source else set()

    def node(self, host, source=None):
        """The node, with what the description adds, changes and deletes, and all that is below it."""
        deleted = self.deleted(source)
        unknown = deleted - set(host.props) - {child.name for child in host.children}
        if unknown:
            raise Refused(f"armature,delete: {host.path} has no {', '.join(sorted(unknown))}")
        made = Node(host.name, host.path)
        own = {name: value for name, value in source.props.items() if name not in ONLY_HERE} if source else {}
        rates = source.cells("armature,clock-rates") if source and "armature,clock-rates" in source else []
        for name in host.props:
            if name in REFUSED and name not in deleted:
                raise Refused(f"{host.path}: {name}: buses with devices of their own, as PCI, cannot be passed on")
            if name not in deleted and name not in own and name not in DROPPED:
                self.property(host, name, made, rates)
        for name in [n for n in made.props if n.startswith("pinctrl-")] if made.props.get("pinctrl-0") == b"" else []:
            del made.props[name]
        for name in [n for main, names in LEFT.items() if main in host.props and main not in made.props for n in names]:
            made.props.pop(name, None)
        made.props.update(own)
        if "phandle" in host and host.number("phandle") in self.numbers:
            made.props["phandle"] = cells_bytes(self.numbers[host.number("phandle")])
        additions = {child.name: child for child in source.children} if source else {}
        for child in host.children:
            if child.name not in deleted:
                made.children.append(self.node(child, additions.pop(child.name, None)))
        made.children += additions.values()
        return made

    def property(self, host, name, made, rates):
        refers, width = width_name(name)
        if not refers:
            made.props[name] = host.props[name]
            return
        entries = list(self.host.references(host, name, width))
        missing = [provider for provider, _ in entries if provider is None or provider.number("phandle") not in self.numbers]
        if missing and (name in LEFT or name.startswith("pinctrl-")):
            made.props.update({"pinctrl-0": b""} if name not in LEFT else {})
            self.remarks.append(f"{self.vm.path}: {host.path}: {name} stays as the firmware left it"
                                f" ({', '.join(sorted({p.path if p else '?' for p in missing}))} is not given)")
            return
        value = b""
        for index, (provider, cells) in enumerate(entries):
            if provider is None:
                raise Refused(f"{host.path}: {name}: entry {index} refers to no node")
            phandle, cells = self.provider(host, name, index, provider, cells, rates)
            value += cells_bytes(phandle, *cells)
        made.props[name] = value

    def provider(self, host, name, index, provider, cells, rates):
        """The guest's phandle for what the machine's node refers to, and the cells after it."""
        known = self.numbers.get(provider.number("phandle"))
        if known:
            return known, cells
        kinds = set(provider.props.get("compatible", b"").split(b"\0"))
        if name == "clocks" and not kinds & set(COPIED):
            return self.clock(host, index, provider, cells, rates), ()
        if name.endswith("-supply") and not (b"regulator-fixed" in kinds and not any(n in provider for n in ("gpio", "gpios", "vin-supply"))):
            return self.supply(host, name, provider), ()
        if kinds & set(COPIED):
            self.numbers[provider.number("phandle")] = phandle = self.phandle()
            made = self.node(provider)
            made.props.pop("clock-output-names", None)  # Linux's clocks have one name space, and the VM's own may be called so
            made.name = self.free_name(provider.name)
            self.support[provider.path] = made
            return phandle, cells
        raise Refused(f"{host.path}: {name}: needs {provider.path}, which is not given to this VM: give it too, say {name} anew in the node, or delete it"
                      f" (armature,delete = \"{name}\")")

    def clock(self, host, index, provider, cells, rates):
        """One that the firmware set and no guest changes."""
        if index < len(rates):
            rate = rates[index]
        elif len(cells) == 0 and "clock-frequency" in provider:
            rate = provider.number("clock-frequency")
        else:
            raise Refused(f"{host.path}: clocks: entry {index} is made by {provider.path}, which is not given to this VM: armature,clock-rates says,"
                          " for each entry, the rate in Hz that the firmware left")
        key = f"{provider.path}:{cells}:{rate}"
        return self.made(key, f"{provider.name.split('@')[0]}-{'-'.join(map(str, cells)) or '0'}", {
            "compatible": b"fixed-clock\0", "#clock-cells": cells_bytes(0), "clock-frequency": cells_bytes(rate)})

    def supply(self, host, name, provider):
        """One that the firmware switched on, at its one voltage."""
        low, high = (provider.number(p) if p in provider else None for p in ("regulator-min-microvolt", "regulator-max-microvolt"))
        if low is None or low != high:
            raise Refused(f"{host.path}: {name}: {provider.path} is not given to this VM and has no one voltage: name a regulator-fixed node of the VM's"
                          f" instead ({name} = <&...>), or delete it")
        return self.made(provider.path, provider.name.split("@")[0], {
            "compatible": b"regulator-fixed\0", "regulator-name": provider.props.get("regulator-name", provider.name.encode() + b"\0"),
            "regulator-min-microvolt": cells_bytes(low), "regulator-max-microvolt": cells_bytes(high), "regulator-always-on": b""})

    def free_name(self, name):
        """For a node whose name means nothing."""
        while name in self.names:
            name += "-host"
        self.names.add(name)
        return name

    def made(self, key, name, props):
        if key not in self.support:
            name = self.free_name(name)
            node = Node(name, f"{self.vm.path}/{name}")
            node.props = {**props, "phandle": cells_bytes(self.phandle())}
            self.support[key] = node
        return self.support[key].number("phandle")


def expand(root, dtb, what):
    """The Expansion of a description for the machine that this tree describes."""
    return Expansion(root, HostTree(dtb, what))
