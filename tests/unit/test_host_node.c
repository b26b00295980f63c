/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/host_node.c hyp/platform_gic.c hyp/dt.c hyp/dt_bus.c hyp/ranges.c tests/unit/tree_support.c */
/* A device that is passed on by its path, against the tree of the machine that runs: registers, interrupts, and the memory that it sees. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hyp/api/host.h"
#include "hyp/api/vdev.h"
#include "hyp/dt.h"
#include "hyp/host.h"
#include "hyp/vm.h"
#include "tests/unit/tree_support.h"

#define BASE 0x10000000
/* As on the Pi: the devices' bus sees the first GiB of memory at 3 GiB; another is behind a second bus that shows half of that. */
#define MACHINE \
    "/dts-v1/; / { #address-cells = <2>; #size-cells = <1>; interrupt-parent = <&gic>;" \
    " gic: intc { compatible = \"arm,gic-400\"; #interrupt-cells = <3>; interrupt-controller; };" \
    " soc { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>; ranges = <0x7e000000 0x0 " \
    "0xfe000000 0x1800000>;" \
    "  dma-ranges = <0xc0000000 0x0 0x0 0x40000000>;" \
    "  mmc@7e300000 { reg = <0x7e300000 0x100>; interrupts = <0 126 4>; };" \
    "  a@7e201000 { reg = <0x7e201000 0x200>; interrupts = <0 1 4>; inner@0 { reg = <0>; }; };" \
    "  b@7e201400 { reg = <0x7e201400 0x200>; interrupts = <0 2 4>, <0 3 4>; status = \"disabled\"; };" \
    "  wide@7e400000 { reg = <0x7e400000 0x2000>, <0x70000000 0x10>; };" \
    "  inner { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>; ranges;" \
    "   dma-ranges = <0x80000000 0xe0000000 0x20000000>; low@7e500000 { reg = <0x7e500000 0x1000>; }; };" \
    "  plain { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>; ranges; dma-ranges;" \
    "   same@7e600000 { reg = <0x7e600000 0x1000>; }; }; };" \
    " top@f0000000 { reg = <0x0 0xf0000000 0x1000>; }; };"
#define MMC "/soc/mmc@7e300000"

static void *tree;
static struct config_vm config;
static struct guest_system vm;
static struct vdev_builder builder;
static void *description;

const void *host_tree(void)
{
    return tree;
}

/* The vdev's node, with these properties. */
static void describe(const char *properties)
{
    char text[512];
    size_t size;
    snprintf(text, sizeof(text), "/dts-v1/; / { given { %s }; };", properties);
    free(description);
    description = tree_compile(text, &size);
    builder.fdt = description;
    builder.node = fdt_path_offset(description, "/given");
}

static int setup(void **state)
{
    size_t size;
    (void)state;
    machine_phase = PHASE_STARTUP;
    log_forget();
    tree = tree_compile(MACHINE, &size);
    config = (struct config_vm){ .identity = true, .ram = { { .base = IPA(BASE), .size = MIB(256) } }, .ram_count = 1 };
    vm = (struct guest_system){ .config = &config };
    builder = (struct vdev_builder){ .gsp = &vm, .path = "/vm/given" };
    describe("");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(tree);
    free(description);
    description = NULL;
    return 0;
}

static struct host_node node(const char *path)
{
    struct host_node n;
    assert_int_equal(host_node_find(&builder, path, &n), EOK);
    return n;
}

static int range(const char *path, uint64_t location, uint64_t length)
{
    struct host_node n = { path, fdt_path_offset(tree, path) };
    return host_node_range(&builder, &n, location, length);
}

static void found(void **state)
{
    struct host_node n;
    (void)state;
    assert_string_equal(node(MMC).path, MMC);
    assert_int_equal(host_node_find(&builder, "/soc/mmc@7e340000", &n), ENOENT);
    assert_true(log_has("/vm/given: this machine's tree has no /soc/mmc@7e340000"));
    assert_int_equal(host_node_find(&builder, "serial0", &n), ENOENT);
    assert_int_equal(host_node_find(&builder, "", &n), ENOENT);
    assert_int_equal(host_node_find(&builder, "/soc/b@7e201400", &n), ENOENT);
    assert_true(log_has("/soc/b@7e201400 is switched off in this machine's tree"));
    describe("status = \"okay\";");
    assert_int_equal(host_node_find(&builder, "/soc/b@7e201400", &n), EOK);
    machine_phase = PHASE_RUNNING;
    assert_int_equal(host_node_find(&builder, MMC, &n), EPERM);
}

static void registers(void **state)
{
    (void)state;
    assert_int_equal(range(MMC, 0xfe300000, 0x1000), EOK);
    assert_int_equal(range(MMC, 0xfe300000, 0x100), EOK);
    assert_int_equal(range(MMC, 0xfe300000, 0x2000), EINVAL);
    assert_int_equal(range(MMC, 0xfe301000, 0x1000), EINVAL);
    assert_int_equal(range(MMC, 0x7e300000, 0x1000), EINVAL);
    assert_true(log_has("0x1000 bytes at 0x7e300000 are no registers of " MMC));
    assert_int_equal(range("/soc/wide@7e400000", 0xfe400000, 0x2000), EOK);
    assert_int_equal(range("/soc/wide@7e400000", 0xfe400000, 0x1000), EINVAL);
    assert_int_equal(range("/soc/wide@7e400000", 0x70000000, 0x10), EINVAL);
    /* A page with another's registers, also one that is switched off; what is below the node is its own. */
    assert_int_equal(range("/soc/a@7e201000", 0xfe201000, 0x1000), EBUSY);
    assert_true(log_has("the pages of /soc/a@7e201000, hold registers of /soc/b@7e201400 too"));
    assert_int_equal(range("/soc/a@7e201000", 0xfe201000, 0x200), EOK);
    assert_int_equal(range("/soc/a@7e201000", 0xfe201200, 0x200), EINVAL);
    assert_int_equal(range("/soc", 0xfe201000, 0x200), EINVAL);
}

static void interrupts(void **state)
{
    struct host_node mmc = node(MMC), b = { "/soc/b@7e201400", fdt_path_offset(tree, "/soc/b@7e201400") };
    (void)state;
    assert_int_equal(host_node_interrupt(&builder, &mmc, 32 + 126), EOK);
    assert_int_equal(host_node_interrupt(&builder, &mmc, 32 + 127), EINVAL);
    assert_true(log_has("interrupt 159 is none of " MMC));
    assert_int_equal(host_node_interrupt(&builder, &b, 35), EOK);
}

static int dma(const char *path, uint64_t base, uint64_t size)
{
    struct host_node n = node(path);
    config.ram[0].base = IPA(base);
    config.ram[0].size = size;
    return host_node_dma(&builder, &n);
}

static void memory_that_it_sees(void **state)
{
    (void)state;
    describe("armature,dma-ranges = <0 0xc0000000 0 0 0 0x40000000>;");
    assert_int_equal(dma(MMC, BASE, MIB(256)), EOK);
    assert_int_equal(dma(MMC, 0, GIB(1)), EOK);
    assert_int_equal(dma(MMC, GIB(1) - MIB(2), MIB(4)), EFAULT);
    assert_true(log_has("the VM's memory 0x3fe00000 to 0x40200000 is not within what " MMC " reaches"));
    assert_int_equal(dma(MMC, GIB(4), MIB(4)), EFAULT);
    /* A second range counts too. */
    config.ram[1] = (struct config_ram){ .base = IPA(GIB(1)), .size = MIB(2) };
    config.ram_count = 2;
    assert_int_equal(dma(MMC, BASE, MIB(256)), EFAULT);
    config.ram_count = 1;
    /* Through two buses; an empty dma-ranges changes nothing; the root neither. */
    describe("armature,dma-ranges = <0 0x80000000 0 0x20000000 0 0x20000000>;");
    assert_int_equal(dma("/soc/inner/low@7e500000", 0x20000000, MIB(512)), EOK);
    assert_int_equal(dma("/soc/inner/low@7e500000", BASE, MIB(256)), EFAULT);
    describe("armature,dma-ranges = <0 0xc0000000 0 0 0 0x40000000>;");
    assert_int_equal(dma("/soc/plain/same@7e600000", BASE, MIB(256)), EOK);
    describe("");
    assert_int_equal(dma("/top@f0000000", GIB(8), MIB(256)), EOK);
}

static void what_the_guest_is_told(void **state)
{
    (void)state;
    assert_int_equal(dma(MMC, BASE, MIB(256)), EINVAL);
    assert_true(log_has(
        MMC " sees the VM's memory 0x10000000 at 0xd0000000 on this machine, armature,dma-ranges says otherwise"));
    describe("armature,dma-ranges = <0 0xc0000000 0 0 0 0x18000000>;");
    assert_int_equal(dma(MMC, BASE, MIB(256)), EINVAL);
    describe("armature,dma-ranges = <0 0 0 0 0 0x8000000>, <0 0xc8000000 0 0x8000000 0 0x38000000>;");
    assert_int_equal(dma(MMC, BASE, MIB(256)), EOK);
    config.identity = false;
    assert_int_equal(dma(MMC, BASE, MIB(256)), EPERM);
    assert_true(
        log_has(MMC " may reach memory by itself: its VM must be armature,identity, or the node say armature,no-dma"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(found, setup, teardown),
        cmocka_unit_test_setup_teardown(registers, setup, teardown),
        cmocka_unit_test_setup_teardown(interrupts, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_that_it_sees, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_guest_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
