# SPDX-License-Identifier: Apache-2.0
"""The machine's device tree: where its devices are, what they refer to, and what memory they see."""
import struct

from .base import Refused, align_down, align_up
from .tree import tree_read

PAGE = 4096
UARTS = (b"arm,pl011", b"brcm,bcm2835-aux-uart", b"cdns,uart-r1p12")  # what the hypervisor drives, of boards/uart
RESETS = (b"brcm,bcm2835-pm-wdt",)  # boards/power: what it switches the machine with where there is no PSCI
GICS = (b"arm,gic-v3", b"arm,gic-400", b"arm,cortex-a15-gic")
ALL = (0, 0, 1 << 64)  # a window (device's address, the CPU's, size) that changes nothing


def number(cells):
    value = 0
    for cell in cells:
        value = value << 32 | cell
    return value


def compatibles(node):
    return node.props.get("compatible", b"").split(b"\0")


class HostTree:
    """All nodes by path and phandle, each with its parent."""

    def __init__(self, dtb, what):
        self.what, self.parents, self.paths, self.phandles = what, {}, {}, {}
        self.root = tree_read(dtb, what)
        todo = [self.root]
        while todo:
            node = todo.pop()
            self.paths[node.path] = node
            if "phandle" in node:
                self.phandles[node.number("phandle")] = node
            for child in node.children:
                self.parents[child.path] = node
                todo.append(child)
        self.nodes = list(below(self.root))

    def above(self, node):
        """The node's buses, nearest first, with the root."""
        while node.path in self.parents:
            node = self.parents[node.path]
            yield node

    @staticmethod
    def enabled(node):
        return node.props.get("status", b"okay\0") in (b"okay\0", b"ok\0")

    @staticmethod
    def cells_of(bus, name, default):
        return bus.number(name) if name in bus else default

    def bus_cells(self, bus):
        return self.cells_of(bus, "#address-cells", 2), self.cells_of(bus, "#size-cells", 1)

    def entries(self, node, name, widths):
        """The property's cells in groups of these widths, each a number."""
        cells = node.cells(name)
        if sum(widths) == 0:
            return
        for at in range(0, len(cells) - sum(widths) + 1, sum(widths)):
            entry, position = [], at
            for width in widths:
                entry.append(number(cells[position:position + width]))
                position += width
            yield tuple(entry)

    def ranges(self, node):
        """(base, size) of each of the node's registers as the CPU sees them; None for one that it does not."""
        bus = self.parents.get(node.path)
        if bus is None or "reg" not in node:
            return []
        na, ns = self.bus_cells(bus)
        if not 1 <= na <= 2 or not 1 <= ns <= 2:
            return []
        return [self.translate(node, base, size) for base, size in self.entries(node, "reg", (na, ns))]

    def translate(self, node, base, size):
        for bus in self.above(node):
            parent = self.parents.get(bus.path)
            if parent is None:
                return base, size
            if "ranges" not in bus:
                return None
            if not bus.props["ranges"]:
                continue
            widths = (self.bus_cells(bus)[0], self.bus_cells(parent)[0], self.bus_cells(bus)[1])
            window = next(((c, p, s) for c, p, s in self.entries(bus, "ranges", widths) if c <= base and base + size <= c + s), None)
            if window is None or max(widths) > 2:
                return None
            base = window[1] + base - window[0]
        return None

    def windows(self, node):
        """What memory the device sees: (its address, the CPU's, size). A bus that says nothing changes nothing, as Linux has it."""
        found = [ALL]
        for bus in self.above(node):
            parent = self.parents.get(bus.path)
            if parent is None or not bus.props.get("dma-ranges"):
                continue
            widths = (self.bus_cells(bus)[0], self.bus_cells(parent)[0], self.bus_cells(bus)[1])
            found = [(device + max(child, at) - at, parent_at + max(child, at) - child, min(child + length, at + size) - max(child, at))
                     for device, at, size in found for child, parent_at, length in self.entries(bus, "dma-ranges", widths)
                     if max(child, at) < min(child + length, at + size)]
        return found

    def kin(self, one, other):
        return one.path == other.path or other in self.above(one) or one in self.above(other)

    def neighbours(self, node, base, size):
        """Other nodes with registers in the pages that hold these."""
        first, end = align_down(base, PAGE), align_up(base + size, PAGE)
        return [other for other in self.nodes if "reg" in other and not self.kin(node, other)
                and any(r and r[0] < end and first < r[0] + r[1] for r in self.ranges(other))]

    def gic(self):
        return next((node for node in self.nodes if self.enabled(node) and set(compatibles(node)) & set(GICS)), None)

    def interrupts(self, node):
        """(controller, cells) of each of the node's interrupts."""
        if "interrupts-extended" in node:
            return list(self.references(node, "interrupts-extended", "#interrupt-cells"))
        if "interrupts" not in node:
            return []
        parent = next((n for n in [node, *self.above(node)] if "interrupt-parent" in n), None)
        controller = self.phandles.get(parent.number("interrupt-parent")) if parent else None
        width = controller.number("#interrupt-cells") if controller and "#interrupt-cells" in controller else 0
        cells = node.cells("interrupts")
        if not width or len(cells) % width:
            return [(None, tuple(cells))]
        return [(controller, tuple(cells[at:at + width])) for at in range(0, len(cells), width)]

    def references(self, node, name, width_name):
        """(provider, cells) of each reference in a property; the provider says how many cells follow its phandle, none without a name."""
        cells, at = node.cells(name), 0
        while at < len(cells):
            provider = self.phandles.get(cells[at])
            width = provider.number(width_name) if provider and width_name and width_name in provider else 0
            yield provider, tuple(cells[at + 1:at + 1 + width])
            at += 1 + width

    def highest_phandle(self):
        return max(self.phandles, default=0)

    def console(self):
        """What stdout-path names, or the first candidate that the hypervisor takes instead."""
        chosen, aliases = self.paths.get("/chosen"), self.paths.get("/aliases")
        name = chosen.props.get("stdout-path", b"") if chosen else b""
        for path in (name.split(b"\0")[0].split(b":")[0], b"serial0"):
            if aliases and path and not path.startswith(b"/"):
                path = aliases.props.get(path.decode("latin-1"), b"").split(b"\0")[0]
            node = self.paths.get(path.decode("latin-1"))
            if node is not None and self.driven(node):
                return node
        return next(filter(self.driven, self.nodes), None)

    def driven(self, node):
        """A UART that the hypervisor could have."""
        return self.enabled(node) and bool(set(compatibles(node)) & set(UARTS))

    def results(self):
        """The UART that the hypervisor takes for its results: serial1, else the first other than the console that has nothing soldered to it."""
        aliases = self.paths.get("/aliases")
        named = self.paths.get(aliases.props.get("serial1", b"").split(b"\0")[0].decode("latin-1")) if aliases else None
        console = self.console()
        return next((node for node in [named, *self.nodes] if node is not None and node is not console and self.driven(node) and not node.children), None)

    def own(self, node):
        """Why the node is the hypervisor's, or no device at all; None."""
        kinds = compatibles(node)
        if node is self.root:
            return "the whole tree"
        if node is self.console() or node is self.results():
            return "the hypervisor's console" if node is self.console() else "the hypervisor's results channel"
        if any(set(compatibles(n)) & set(GICS) for n in [node, *self.above(node)]):
            return "the hypervisor's interrupt controller"
        if any(kind.startswith(b"arm,") and kind.endswith(b"-timer") for kind in kinds):
            return "the hypervisor's timer"
        if set(kinds) & set(RESETS) and "/psci" not in self.paths:
            return "what the hypervisor resets the machine with"
        top = ([node] + list(self.above(node)))[-2]
        if top.name.split("@")[0] in ("cpus", "memory", "psci", "chosen", "aliases", "reserved-memory") or "device_type" in top and top.props["device_type"] == b"memory\0":
            return "no device"
        return None


def below(node):
    """The node and all below it, in the tree's order."""
    todo = [node]
    while todo:
        node = todo.pop()
        yield node
        todo += reversed(node.children)


def cells_bytes(*values):
    for value in values:
        if not 0 <= value < 1 << 32:
            raise Refused(f"{value:#x} does not fit into a cell")
    return struct.pack(f">{len(values)}I", *values)


def cells64(*values):
    return cells_bytes(*(part for value in values for part in (value >> 32 & 0xFFFFFFFF, value & 0xFFFFFFFF)))
