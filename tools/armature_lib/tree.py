# SPDX-License-Identifier: Apache-2.0
"""A device tree as Python objects: compiled by dtc, read by libfdt."""
import os
import re
import struct

from .base import ROOT, Refused, file_required, program_run

# A VM's node is the tree of a machine of its own: dtc judges it as a part of one big machine.
DTC_SILENCED = ("chosen_node_is_root", "chosen_node_bootargs", "chosen_node_stdout_path", "interrupts_property",
                "interrupt_provider", "avoid_unnecessary_addr_size", "unique_unit_address", "alias_paths",
                "unit_address_vs_reg", "simple_bus_reg")

MAGIC = b"\xd0\x0d\xfe\xed"
DEPTH = 64  # of nodes, deeper than any machine's


class Node:
    """A node with its properties as bytes. Typed reads refuse with the path and the property's name."""

    def __init__(self, name, path):
        self.name, self.path = name, path
        self.props, self.children = {}, []

    def __contains__(self, name):
        return name in self.props

    def child(self, name):
        """The child of that name, with or without a unit address."""
        return next((c for c in self.children if name in (c.name, c.name.split("@")[0])), None)

    def cells(self, name):
        data = self.props[name]
        if len(data) % 4:
            raise Refused(f"{self.path}: {name}: {len(data)} bytes are no whole number of cells")
        return list(struct.unpack(f">{len(data) // 4}I", data))

    def number(self, name):
        """One or two cells as one number."""
        cells = self.cells(name)
        if len(cells) not in (1, 2):
            raise Refused(f"{self.path}: {name}: one number expected, {len(cells)} cells found")
        return cells[0] if len(cells) == 1 else cells[0] << 32 | cells[1]

    def strings(self, name):
        data = self.props[name]
        if not data or data[-1] or any(not part.isascii() for part in data[:-1].split(b"\0")):
            raise Refused(f"{self.path}: {name}: a string is expected")
        return [part.decode("ascii") for part in data[:-1].split(b"\0")]

    def string(self, name):
        strings = self.strings(name)
        if len(strings) != 1:
            raise Refused(f"{self.path}: {name}: one string expected, {len(strings)} found")
        return strings[0]

    def ranges(self, name):
        """`reg` with two address and two size cells: a list of (base, size)."""
        cells = self.cells(name)
        if len(cells) == 0 or len(cells) % 4:
            raise Refused(f"{self.path}: {name}: two cells of address and two of size expected, {len(cells)} cells found")
        return [(a << 32 | b, c << 32 | d) for a, b, c, d in zip(*[iter(cells)] * 4)]


def tree_check(dtb, what):
    """Before anything follows an offset in it: libfdt's reading functions trust all but the header."""
    import libfdt  # takes as long to load as all the rest: only where a tree is read
    if dtb[:4] != MAGIC:
        raise Refused(f"{what}: not a flattened device tree")
    if libfdt.fdt_check_full(bytearray(dtb), len(dtb)):
        raise Refused(f"{what}: damaged or truncated")
    return libfdt


def tree_packed(dtb, what):
    """Without the room at its end: QEMU, which writes its trees with much of it, makes twice as much of one that it is given."""
    libfdt = tree_check(dtb, what)
    fdt = libfdt.Fdt(dtb)
    return bytes(fdt.as_bytearray()[:fdt.totalsize()]) if fdt.pack([libfdt.BADVERSION]) == 0 else dtb


def tree_read(dtb, what):
    """The root node of a flattened tree."""
    libfdt = tree_check(dtb, what)
    try:
        return node_read(libfdt.Fdt(dtb), 0, "", "/", libfdt)
    except libfdt.FdtException as error:
        raise Refused(f"{what}: damaged: {error}") from None
    except (UnicodeError, SystemError):
        raise Refused(f"{what}: a name in it is not ASCII") from None


def node_read(fdt, offset, name, path, libfdt):
    if path.count("/") > DEPTH:
        raise Refused(f"{path[:60]}...: nodes within nodes, more than {DEPTH} deep")
    node = Node(name_ascii(name), path)
    prop = fdt.first_property_offset(offset, libfdt.QUIET_NOTFOUND)
    while prop >= 0:
        found = fdt.get_property_by_offset(prop)
        node.props[name_ascii(found.name)] = bytes(found)
        prop = fdt.next_property_offset(prop, libfdt.QUIET_NOTFOUND)
    child = fdt.first_subnode(offset, libfdt.QUIET_NOTFOUND)
    while child >= 0:
        child_name = fdt.get_name(child)
        node.children.append(node_read(fdt, child, child_name, path.rstrip("/") + "/" + child_name, libfdt))
        child = fdt.next_subnode(child, libfdt.QUIET_NOTFOUND)
    return node


def name_ascii(name):
    """The name; libfdt takes any UTF-8 for one, and writes none but ASCII."""
    name.encode("ascii")
    return name


def tree_flatten(root):
    """The flattened tree of a node that is a root."""
    import libfdt
    writer = libfdt.FdtSw()
    writer.finish_reservemap()
    todo = [(root, "")]
    while todo:
        node, name = todo.pop()
        if node is None:
            writer.end_node()
            continue
        writer.begin_node(name)
        for prop, value in node.props.items():
            writer.property(prop, value)
        todo.append((None, ""))
        todo += [(child, child.name) for child in reversed(node.children)]
    return bytes(writer.as_fdt().as_bytearray())


def tree_compile(path, warn=None):
    """Compiles a .dts (run through cpp if it uses it); a .dtb is taken as it is. `warn` gets what dtc remarks."""
    file_required(path, "description")
    with open(path, "rb") as file:
        source = file.read()
    if source[:4] == MAGIC:
        return source
    include = [os.path.dirname(os.path.abspath(path)), os.path.join(ROOT, "dts", "include")]
    if re.search(rb"(?m)^\s*#\s*(include|define|if|ifdef|ifndef)\b", source):
        source, _ = program_run(["cpp", "-nostdinc", "-undef", "-D__DTS__", "-x", "assembler-with-cpp",
                                 *(f"-I{folder}" for folder in include), os.path.abspath(path), "-"], "cpp", f"description '{path}'")
    return source_compile(source, f"description '{path}'", include, warn)


def source_compile(source, what, include=(), warn=None):
    argv = ["dtc", "-I", "dts", "-O", "dtb", *(f"-Wno-{name}" for name in DTC_SILENCED)]
    for folder in include:
        argv += ["-i", folder]
    dtb, remarks = program_run(argv, "device-tree-compiler", what, input=source)
    remarks = [line for line in remarks.splitlines() if "Failed prerequisite" not in line]
    if warn and remarks:
        warn("\n".join(remarks).replace("<stdin>", what))
    return dtb
