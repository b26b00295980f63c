# SPDX-License-Identifier: Apache-2.0
"""`armature check`: every refusal names the node and the reason."""
import os
import subprocess

import pytest
from conftest import ROOT, TOOL, tree_bytes, vm_source, vms_source

PL011 = 'compatible = "arm,pl011", "arm,primecell";'
BAD = [
    ("/a: unknown property 'priorty'; the nearest known one is 'priority'", vm_source(body="priorty = <1>;")),
    ("/a: unknown property 'armature,on-rest'; the nearest known one is 'armature,on-reset'", vm_source(body='armature,on-rest = "stop";')),
    ("/a: cpus is 0: 1 to 64 is possible", vm_source(body="cpus = <0>;")),
    ("/a: cpus: one number expected, 0 cells found", vm_source(body="cpus;")),
    ("/a: priority is 256: 0 to 255 is possible", vm_source(body="priority = <256>;")),
    ("/a: affinity names 1 cores for 2 vCPUs", vm_source(body="cpus = <2>; affinity = <0>;")),
    ("/a: runmask has 3 cells for 2 vCPUs", vm_source(body="cpus = <2>; runmask = <1 2 3>;")),
    ("/a: runmask: 0 would let a vCPU run nowhere", vm_source(body="runmask = <0>;")),
    ("/a: runmask and affinity exclude each other", vm_source(body="runmask = <1>; affinity = <0>;")),
    ("/a: budget-us and period-us need each other", vm_source(body="budget-us = <1000>;")),
    ("/a: budget-us 2000 is more than period-us 1000", vm_source(body="budget-us = <2000>; period-us = <1000>;")),
    ("/a: background-priority 16 is not below the priority",
     vm_source(body="budget-us = <500>; period-us = <1000>; background-priority = <16>;")),
    ('/a: armature,on-crash is "maybe": one of restart, stop is possible', vm_source(body='armature,on-crash = "maybe";')),
    ('/a: armature,unsupported-register is "x"', vm_source(body='armature,unsupported-register = "x";')),
    ("/a: no RAM", vm_source().replace('device_type = "memory";', 'device_type = "memory"; armature,read-only;')),
    ("/a/memory@40000000: reg: 0x1001 bytes at 0x40000000 are no whole pages", vm_source(memory="<0 0x40000000 0 0x1001>")),
    ("/a/memory@40000000: reg: 0x1000 bytes at 0xfffffffffffff000 reach beyond 48 bits",
     vm_source(memory="<0xffffffff 0xfffff000 0 0x1000>")),
    ("/a/memory@40000000: reg: two cells of address and two of size expected", vm_source(memory="<0 0x40000000 0>")),
    ("/a/memory@40000000: unknown property 'armature,imag'", vm_source().replace("reg =", 'armature,imag = "x"; reg =')),
    ("/a/memory@40800000: its range at 0x40800000 overlaps 0x1000000 bytes at 0x40000000 of /a/memory@40000000",
     vm_source(body='memory@40800000 { device_type = "memory"; reg = <0 0x40800000 0 0x1000>; };')),
    ("/a: nothing to start", vm_source().replace("armature,kernel", "x")),
    ("/a/chosen: unknown property 'armature,kernl'; the nearest known one is 'armature,kernel'",
     vm_source().replace("armature,kernel", 'armature,kernl = "x"; armature,kernel')),
    ("/a/chosen: armature,dtb-address and armature,no-dtb exclude each other",
     vm_source().replace("chosen {", "chosen { armature,no-dtb; armature,dtb-address = <0x40000000>;")),
    ("/a/chosen: armature,kernel: a string is expected", vm_source().replace('armature,kernel = "k"', "armature,kernel = <1>")),
    ('/a/x@9000000: no vdev for "arm,pl0111"; the nearest known one is \'arm,pl011\'',
     vm_source(body='x@9000000 { compatible = "arm,pl0111"; reg = <0 0x9000000 0 0x1000>; };')),
    ("/a/x@9000000: unknown property 'armature,bakend'; the nearest known one is 'armature,backend'",
     vm_source(body='x@9000000 { ' + PL011 + ' armature,bakend = "console"; };')),
    ("overlaps 0x1000 bytes at 0x8000000 of /a/x@8000000", vm_source(body="x@8000000 { " + PL011 + " reg = <0 0x8000000 0 0x1000>; };")),
    ("/a/x@9000000: interrupts: <2 1 4> is no SPI", vm_source(body="x@9000000 { " + PL011 + " interrupts = <2 1 4>; };")),
    ("/a/x@9000000: interrupts: three cells each", vm_source(body="x@9000000 { " + PL011 + " interrupts = <0 1>; };")),
    ("/a/x@9000000: interrupts: SPI 1: flags 0 are none of 1, 2 (edge), 4, 8", vm_source(body="x@9000000 { " + PL011 + " interrupts = <0 1 0>; };")),
    ('/a/x@9000000: status "disbaled" is none of okay, ok, disabled, reserved, fail; the nearest known one is \'disabled\'',
     vm_source(body="x@9000000 { " + PL011 + ' status = "disbaled"; };')),
    ("/: no VM in it", vm_source(body='status = "disabled";')),
    ("/a/chosen: bootargs has more than 2047 characters", vm_source().replace("chosen {", 'chosen { bootargs = "' + "x" * 2048 + '";')),
    ("/a/x@9000000: interrupts: three cells each", vm_source(body="x@9000000 { " + PL011 + " interrupts; };")),
    ("/a/x@9000000: interrupts: 3 bytes are no whole number of cells", vm_source(body="x@9000000 { " + PL011 + " interrupts = [00 00 01]; };")),
    ("/a/x@9000000: unknown property 'armature,host-rag'; the nearest known one is 'armature,host-reg'",
     vm_source(body='x@9000000 { compatible = "its,own"; armature,device = "pass"; armature,host-rag = <0 0 0 0>; };')),
    ("/a/x@9000000: no vdev for \"its,own\"", vm_source(body='x@9000000 { compatible = "its,own"; armature,device = "pas"; };')),
    *((f"/a/x: armature,sched: {reason}", vm_source(body=f"x {{ {PL011} armature,sched = <{cells}>; }};")) for cells, reason in (
        ("300", "priorities end at 255: 300"), ("9 99 1000", "a budget has 100 us at least and its period at most: 99"),
        ("9 1001 1000", "a budget has 100 us at least and its period at most: 1001"), ("9 100 1000001", "a period has a second at most: 1000001"),
        ("9 100 1000 9", "the background priority is not below the priority: 9"))),
    ("/a/x: armature,sched has 2 cells: <priority>", vm_source(body=f"x {{ {PL011} armature,sched = <9 1000>; }};")),
    ('/a/x: armature,action: "terminate" after "interrupt"',
     vm_source(body='x { compatible = "arm,sp805", "arm,primecell"; armature,action = "interrupt", "terminate"; };')),
    ("/a/soc/x: a device must be a direct child of the VM's node", vm_source(body='soc { compatible = "simple-bus"; x { ' + PL011 + " }; };")),
    ("/a/soc/y/x: a device must be a direct child of the VM's node", vm_source(body="soc { y { x { " + PL011 + " }; }; };")),
    ("/a/soc/y: unknown property 'armature,log'", vm_source(body='soc { y { armature,log = "none"; }; };')),
    ("/a/cpus: a node of this name is made for every VM", vm_source(body="cpus { };")),
    ("/b: not a VM", vm_source() + "b { };"),
    ("/b/memory@40800000: armature,identity: its memory at 0x40800000 overlaps 0x1000000 bytes at 0x40000000 of /a/memory@40000000",
     vm_source("a", "armature,identity;") + vm_source("b", "armature,identity;", "<0 0x40800000 0 0x1000>").replace("@40000000", "@40800000")),
]


@pytest.mark.parametrize("reason, vms", BAD, ids=[reason[:50] for reason, _ in BAD])
def test_refusal_names_node_and_reason(folder, reason, vms):
    done = folder.tool("check", "--quick", folder.file("vms.dts", vms_source(vms)))
    assert done.returncode == 2 and reason in done.stderr.decode() and done.stdout == b"", done.stderr.decode()


GOOD = ["x { compatible = \"arm,sp805\", \"arm,primecell\"; armature,action = \"terminate\", \"interrupt\"; };",
        f"x {{ {PL011} armature,sched = <255>; }}; y {{ {PL011} armature,sched = <9 100 1000000 8>; }};",
        "soc { compatible = \"simple-bus\"; bus { compatible = \"vendor,bus\", \"simple-mfd\"; clock { compatible = \"fixed-clock\"; }; plain { }; }; };"]


@pytest.mark.parametrize("body", GOOD)
def test_what_the_hypervisor_takes(folder, body):
    done = folder.tool("check", "--quick", folder.file("vms.dts", vms_source(vm_source(body=body))))
    assert done.returncode == 0, done.stderr.decode()


def test_all_faults_are_told_at_once(folder):
    done = folder.tool("check", "--quick", folder.file("vms.dts", vms_source(vm_source("a", "cpus = <0>;"), vm_source("b", "priority = <999>;"))))
    assert "/a: cpus is 0" in done.stderr.decode() and "/b: priority is 999" in done.stderr.decode()


@pytest.mark.parametrize("source, reason", [
    ("/dts-v1/; / { };", "this is no VM description"), ("/dts-v1/; / { compatible = \"armature,vms\"; };", "no VM in it"),
    ("/dts-v1/; / { oops", "syntax error"), (b"\xd0\x0d\xfe\xed" + bytes(60), "damaged or truncated"), ("", "syntax error")])
def test_what_is_no_description(folder, source, reason):
    done = folder.tool("check", "--quick", folder.file("vms.dts", source))
    assert done.returncode == 2 and reason in done.stderr.decode(), done.stderr.decode()


def test_a_vm_that_is_off_needs_nothing(folder):
    """It is left out, as the hypervisor does it: its images are asked from nobody."""
    vms = vms_source(vm_source(), vm_source("b", 'status = "disabled"; cpus = <0>;', kernel="another"))
    done = folder.tool("bundle", folder.file("vms.dts", vms), "--image", f"k={folder.file('k.bin', b'k' * 4096)}", "-o", "out.bundle")
    assert done.returncode == 0, done.stderr.decode()
    done = folder.tool("check", "--quick", "vms.dts")
    assert done.returncode == 0 and b"/b: switched off by its status" in done.stdout + done.stderr, done.stderr.decode()


def test_dt_schema_is_run(folder):
    done = folder.tool("check", folder.file("vms.dts", vms_source(vm_source(body='x { ' + PL011 + ' armature,backend = "file"; };'))))
    assert done.returncode == 2 and "dt-schema: x: armature,backend:0: 'file' is not one of" in done.stderr.decode()


BELL = vm_source(body="bell@a000000 { compatible = \"example,bell\"; reg = <0x0 0xa000000 0x0 0x1000>; armature,loud = <3>; };")
BELL_SCHEMA = """%YAML 1.2
---
$id: http://devicetree.org/schemas/example,bell.yaml#
$schema: http://devicetree.org/meta-schemas/core.yaml#
title: A bell
maintainers: [ Its author <author@example.invalid> ]
select: { properties: { compatible: { contains: { const: "example,bell" } } }, required: [ compatible ] }
properties:
  compatible: { const: "example,bell" }
  armature,loud: { $ref: /schemas/types.yaml#/definitions/uint32, description: How loud, maximum: 9 }
additionalProperties: true
"""


def bell_check(folder, vms, command, *arguments, schema=BELL_SCHEMA):
    os.makedirs(os.path.join(folder.path, "own"), exist_ok=True)
    folder.file("own/example,bell.yaml", schema)
    return folder.tool(command, folder.file("vms.dts", vms_source(vms)), *arguments)


def test_device_from_outside_the_tree(folder):
    done = bell_check(folder, BELL, "check", "--bindings", "own")
    assert done.returncode == 0, done.stderr.decode()
    done = bell_check(folder, BELL, "check")
    assert done.returncode == 2 and 'no vdev for "example,bell"' in done.stderr.decode() and "--bindings FOLDER" in done.stderr.decode()


def test_its_schema_is_held_against_it(folder):
    done = bell_check(folder, BELL.replace("<3>", "<10>"), "check", "--bindings", "own")
    assert done.returncode == 2 and "10 is greater than the maximum of 9" in done.stderr.decode(), done.stderr.decode()


def test_a_schema_that_is_none_is_named(folder):
    done = bell_check(folder, BELL, "check", "--bindings", "own", schema=BELL_SCHEMA.replace("description: How loud,", ""))
    assert done.returncode == 2 and "dt-schema: own/example,bell.yaml: ignoring, error in schema: properties: armature,loud" in \
        done.stderr.decode(), done.stderr.decode()


@pytest.mark.parametrize("command, arguments", [("check", []), ("bundle", ["-o", "out.bundle", "--image", "k=vms.dts"])])
def test_its_properties_are_known_by_its_schema(folder, command, arguments):
    done = bell_check(folder, BELL.replace("armature,loud", "armature,lout"), command, "--bindings", "own", *arguments)
    assert done.returncode == 2 and "unknown property 'armature,lout'; the nearest known one is 'armature,loud'" in done.stderr.decode()


@pytest.mark.parametrize("name, schema, reason", [
    (None, None, "--bindings 'own': no .yaml file in it"), ("x.yaml", "a: [", "the schema 'own/x.yaml': while parsing"),
    ("x.yaml", "", "the schema 'own/x.yaml': no schema in it"), ("arm,pl011.yaml", "a: 1", "the schema 'own/arm,pl011.yaml': ")])
def test_schemas_that_cannot_be_used(folder, name, schema, reason):
    os.mkdir(os.path.join(folder.path, "own"))
    if name:
        folder.file(f"own/{name}", schema)
    done = folder.tool("check", "--quick", folder.file("vms.dts", vms_source(vm_source())), "--bindings", "own")
    assert done.returncode == 2 and reason in done.stderr.decode(), done.stderr.decode()


def test_bindings_folder_that_is_not_there(folder):
    done = folder.tool("check", "--quick", folder.file("vms.dts", vms_source(vm_source())), "--bindings", "nowhere")
    assert done.returncode == 2 and "--bindings 'nowhere': no such folder" in done.stderr.decode(), done.stderr.decode()


def test_shared_interrupt_is_a_remark_only(folder):
    done = folder.tool("check", "--quick", folder.file("vms.dts", vms_source(vm_source(
        body="".join(f"x{n} {{ {PL011} interrupts = <0 1 4>; }};" for n in range(2))))))
    assert done.returncode == 0 and "SPI 1 is shared with /a/x0" in done.stderr.decode()


def test_any_device_of_the_machine_can_be_passed_through(folder):
    """Whatever its compatible; its schema goes by armature,device."""
    source = vms_source(vm_source(body='x@9010000 { compatible = "its,own"; reg = <0 0x9010000 0 0x1000>; armature,device = "pass"; };'))
    done = folder.tool("check", "--quick", folder.file("vms.dts", source))
    assert done.returncode == 0, done.stderr.decode()


def test_disabled_device_is_left_out(folder):
    done = folder.tool("check", "--quick", folder.file("vms.dts", vms_source(vm_source(body='x { compatible = "y,z"; status = "disabled"; };'))))
    assert done.returncode == 0, done.stderr


def test_cpp_and_includes(folder):
    folder.file("names.h", "#define CPUS 3\n")
    done = folder.tool("check", "--quick", folder.file("vms.dts", '#include "names.h"\n' + vms_source(vm_source(body="cpus = <CPUS>;"))))
    assert done.returncode == 0, done.stderr


def test_images_are_checked_when_given(folder):
    path = folder.file("vms.dts", vms_source(vm_source()))
    done = folder.tool("check", "--quick", path, "--image", "other=" + folder.file("x", b"x"))
    assert done.returncode == 2 and "/a/chosen: armature,kernel: no image 'k' was given" in done.stderr.decode()
    assert folder.tool("check", "--quick", path, "--image", "k=" + folder.file("x", b"x")).returncode == 0


def descriptions():
    top = os.path.join(ROOT, "dts")
    return sorted(os.path.join(place, name) for place, _, names in os.walk(top) for name in names if name.endswith(".dts"))


@pytest.mark.parametrize("path", descriptions(), ids=lambda path: os.path.relpath(path, ROOT))
def test_descriptions_of_the_repository(folder, path):
    done = folder.tool("check", path)
    assert done.returncode == 0, done.stderr.decode()


def test_a_damaged_tree_is_refused_whatever_its_header_says(folder):
    """Cut off anywhere, with an offset that leads out of it, or with a name that is no ASCII: also where it is the machine's."""
    whole = tree_bytes(vms_source(vm_source()))
    struct_at = int.from_bytes(whole[8:12], "big")
    broken = {"cut": whole[:-20], "short": whole[:30], "offset": whole[:8] + b"\x7f\0\0\0" + whole[12:],
              "size": whole.replace(b"\0\0\0\x03\0\0\0\x0d", b"\0\0\0\x03\x7f\0\0\x0d", 1),
              "token": whole[:struct_at] + b"\xff" * 8 + whole[struct_at + 8:]}
    for name, data in broken.items():
        assert data != whole
        done = folder.tool("check", "--quick", folder.file(f"{name}.dtb", data))
        assert done.returncode == 2 and f"{name}.dtb': damaged or truncated" in done.stderr.decode(), (name, done)
    asks = vms_source(vm_source(body="d { armature,host-path = \"/a\"; };"))
    done = folder.tool("check", "--quick", folder.file("asks.dts", asks), "--host-dtb", folder.file("m.dtb", broken["cut"]))
    assert done.returncode == 2 and "--host-dtb" in done.stderr.decode() and "damaged or truncated" in done.stderr.decode(), done
    for name in (b"\xc3\xa9", b"\xff\xff"):
        done = folder.tool("check", "--quick", folder.file("name.dtb", whole.replace(b"memory@40000000", name + b"mory@40000000")))
        assert done.returncode == 2 and "a name in it is not ASCII" in done.stderr.decode(), done


def shell(folder, words):
    return subprocess.run(["bash", "-c", f'set -o pipefail; "$0" {words}', TOOL], cwd=folder.path, capture_output=True, timeout=30, check=False)


def test_an_output_that_nobody_reads_is_no_error(folder):
    folder.file("vms.dts", vms_source(vm_source()))
    for words, status in (("check --quick vms.dts | sleep 0", 0), ("run --help | sleep 0", 0), ("check --quick vms.dts > /dev/full", 2),
                          ("check nothing 2> /dev/full", 2)):
        done = shell(folder, words)
        assert done.returncode == status and b"Traceback" not in done.stderr and b"BrokenPipe" not in done.stderr, (words, done)
    assert b"standard output: No space left" in shell(folder, "check --quick vms.dts > /dev/full").stderr


def test_no_room_for_temporary_files_is_a_reason(folder):
    vms = folder.file("x.dts", vms_source(vm_source()))
    env = {**os.environ, "TMPDIR": folder.path}
    done = subprocess.run(["sh", "-c", 'ulimit -f 0; "$@"', "sh", TOOL, "bundle", vms, "--no-check", "-o", "/dev/shm/none/out"], env=env,
                          capture_output=True, timeout=30, check=False)
    assert done.returncode == 2 and b"Traceback" not in done.stderr and b"armature: " in done.stderr, done


def test_a_name_that_is_no_text(folder):
    name = os.path.join(os.fsencode(folder.path), b"v\xff.dts")
    with open(name, "wb") as file:
        file.write(vms_source(vm_source()).encode())
    done = folder.tool("check", "--quick", name)
    assert done.returncode == 0 and name in done.stdout, done


@pytest.mark.parametrize("broken", ["interrupts;", "reg;", 'armature,backend = "\u00e9";'])
def test_where_dt_schema_breaks_the_other_faults_are_told(folder, broken):
    body = "cpus = <99>; x@9000000 { " + PL011 + ("" if broken == "reg;" else " reg = <0 0x9000000 0 0x1000>;") + broken + " };"
    done = folder.tool("check", folder.file("vms.dts", vms_source(vm_source(body=body))))
    said = done.stderr.decode()
    assert done.returncode == 2 and "/a: cpus is 99" in said and "dt-schema could not read it: " in said and "Traceback" not in said, said


@pytest.mark.parametrize("cells, good", [("0x40200000", True), ("0 0x40200000", True), ("0 0 0x40200000", False)])
def test_addresses_are_one_cell_or_two(folder, cells, good):
    chosen = f"chosen {{ armature,kernel-load = <{cells}>; armature,entry = <{cells}>; armature,dtb-address = <{cells}>; "
    done = folder.tool("check", folder.file("vms.dts", vms_source(vm_source().replace("chosen {", chosen))))
    assert (done.returncode == 0) == good and b"error" not in done.stderr, done.stderr


def test_a_schema_whose_properties_are_no_mapping(folder):
    os.mkdir(os.path.join(folder.path, "[own]"))
    folder.file("[own]/x.yaml", "properties: [ compatible ]\n")
    done = folder.tool("check", folder.file("vms.dts", vms_source(vm_source())), "--bindings", "[own]")
    assert done.returncode == 2 and "the schema '[own]/x.yaml': its properties are no mapping" in done.stderr.decode(), done.stderr


def test_a_description_whose_name_looks_like_an_option(folder):
    folder.file("-y.dts", "#define NAME a\n" + vms_source(vm_source("NAME")))
    done = folder.tool("check", "--quick", "--", "-y.dts")
    assert done.returncode == 0 and b"-y.dts: 1 VM: a:" in done.stdout, done
