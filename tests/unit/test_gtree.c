/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/gtree.c hyp/gtree_write.c hyp/gtree_clock.c hyp/gtree_vdev.c hyp/gtree_own.c hyp/factory.c hyp/nearest.c */
/* sources: hyp/config.c hyp/config_read.c hyp/config_vm.c hyp/config_device.c hyp/config_check.c */
/* sources: hyp/bundle.c hyp/bundle_image.c hyp/crc32.c hyp/sha256.c hyp/vm_seed.c hyp/dt.c hyp/dt_bus.c hyp/ranges.c */
/* sources: tests/unit/tree_support.c tests/unit/bundle_support.c tests/unit/vm_support.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libfdt.h>
#include "hyp/gtree.h"
#include "hyp/vm_seed.h"
#include "tests/unit/bundle_support.h"
#include "tests/unit/tree_support.h"
#include "tests/unit/vm_support.h"

#define ROOT(body) "/dts-v1/; / { compatible = \"armature,vms\"; " body " };"
#define RAM "memory@40000000 { device_type = \"memory\"; reg = <0 0x40000000 0 0x20000000>; };"
#define QEMU_VM \
    ROOT("other { compatible = \"armature,vm\"; };" \
         "guest { compatible = \"armature,vm\"; #address-cells = <2>; #size-cells = <2>; " RAM \
         "memory@1000000 { device_type = \"memory\"; reg = <0 0x1000000 0 0x100000>; armature,read-only; };" \
         "chosen { bootargs = \"console=ttyAMA0\"; armature,kernel = \"kernel\"; guest,own = <7>; };" \
         "clk: apb-pclk { compatible = \"fixed-clock\"; #clock-cells = <0>; clock-frequency = <24000000>; };" \
         "uart: pl011@9000000 { compatible = \"arm,pl011\", \"arm,primecell\"; reg = <0 0x9000000 0 0x1000>;" \
         " interrupts = <0 1 4>; clocks = <&clk>, <&clk>; clock-names = \"uartclk\", \"apb_pclk\";" \
         " armature,backend = \"console\"; child { deep { deeper { }; }; }; after { }; };" \
         "disk { compatible = \"virtio,mmio\"; armature,device = \"blk\"; };" \
         "off { compatible = \"x,y\"; status = \"disabled\"; }; }; ")

static struct config config;
static uint8_t *bytes;
static uint8_t *tree;
static size_t used;
static uint32_t life; /* of VMs that are built: how often they were restarted */

static int parse_tree(const void *dtb, size_t size)
{
    const struct bundle_part parts[] = { { .name = "vms", .data = dtb, .size = (uint32_t)size } };
    struct bundle b;
    size_t length;

    log_forget();
    free(bytes);
    bytes = bundle_make(parts, 1, &length);
    assert_int_equal(bundle_open(bytes, length, &b), 0);
    return config_parse(&b, &config);
}

/* Reads the description, builds the tree of VM `index` into exactly `room` bytes. */
static int build(const char *source, unsigned index, size_t room, uint64_t initrd_size)
{
    size_t size;
    void *dtb = tree_compile(source, &size);

    assert_int_equal(parse_tree(dtb, size), 0);
    free(dtb);
    struct guest_system *vm = test_vm_make(&config.vms[index], index, 0xa000000, 48);
    free(tree);
    tree = malloc(room);
    int err = gtree_build(vm, tree, room, IPA(0x48000000), initrd_size, &used);
    if (!err)
        vm_seeds_find(vm, tree);
    vm->restarts = life;
    vm_seeds_write(vm);
    test_vm_free(vm);
    return err;
}

static const void *prop(const char *path, const char *name, int length)
{
    int got = -1, node = fdt_path_offset(tree, path);
    const void *value = node < 0 ? NULL : fdt_getprop(tree, node, name, &got);

    if (!value || (length >= 0 && got != length))
        fail_msg("%s: %s: %d bytes, %d expected", path, name, got, length);
    return value;
}

static uint64_t cells(const char *path, const char *name, unsigned n, unsigned at)
{
    return fdt32_ld((const fdt32_t *)prop(path, name, (int)(4 * n)) + at);
}

static bool absent(const char *path, const char *name)
{
    return !fdt_getprop(tree, fdt_path_offset(tree, path), name, NULL);
}

/* No token is padding: what the guest gets is what was written. */
static bool has_nops(void)
{
    int next, tag;

    for (int at = 0; (tag = (int)fdt_next_tag(tree, at, &next)) != FDT_END; at = next)
        if (tag == FDT_NOP)
            return true;
    return false;
}

static void gtree_qemu(void **state)
{
    size_t size;
    void *dtb = tree_compile(QEMU_VM, &size);

    (void)state;
    assert_int_equal(parse_tree(dtb, size), 0);
    /* More vCPUs than Aff0 counts, whatever the limit of this configuration. */
    config.vms[1].cpus = 18;
    struct guest_system *vm = test_vm_make(&config.vms[1], 1, 0xa000000, 48);
    free(tree);
    tree = malloc(65536);
    assert_int_equal(gtree_build(vm, tree, 65536, IPA(0x48000000), 0x1234, &used), 0);
    test_vm_free(vm);
    free(dtb);

    assert_int_equal(fdt_check_full(tree, used), 0);
    assert_int_equal(fdt_totalsize(tree), used);
    assert_int_equal(fdt_num_mem_rsv(tree), 0);
    assert_false(has_nops());
    assert_int_equal(cells("/", "#address-cells", 1, 0), 2);
    uint32_t gic = (uint32_t)cells("/", "interrupt-parent", 1, 0);
    assert_int_equal(cells("/intc@8000000", "phandle", 1, 0), gic);
    assert_int_equal(cells("/intc@8000000", "#interrupt-cells", 1, 0), 3);
    assert_int_equal(cells("/intc@8000000", "reg", 8, 5), 0x80a0000);
    assert_string_equal(prop("/intc@8000000", "compatible", -1), "arm,gic-v3");
    prop("/intc@8000000", "interrupt-controller", 0);
    assert_string_equal(prop("/psci", "method", 4), "hvc");
    assert_string_equal(prop("/psci", "compatible", -1), "arm,psci-1.0");
    assert_int_equal(cells("/memory@40000000", "reg", 4, 3), 0x20000000);
    assert_true(fdt_path_offset(tree, "/memory@1000000") < 0);
    assert_int_equal(cells("/cpus", "#address-cells", 1, 0), 1);
    assert_int_equal(cells("/cpus/cpu@0", "reg", 1, 0), 0);
    assert_int_equal(cells("/cpus/cpu@101", "reg", 1, 0), 0x101);
    assert_string_equal(prop("/cpus/cpu@f", "enable-method", 5), "psci");
    assert_int_equal(cells("/timer", "interrupts", 12, 1), 13);
    assert_string_equal(prop("/timer", "compatible", -1), "arm,armv8-timer");
    assert_string_equal(prop("/chosen", "stdout-path", -1), "/pl011@9000000");
    assert_string_equal(prop("/aliases", "serial0", -1), "/pl011@9000000");
    assert_string_equal(prop("/chosen", "bootargs", -1), "console=ttyAMA0");
    assert_int_equal(cells("/chosen", "guest,own", 1, 0), 7);
    assert_int_equal(cells("/chosen", "linux,initrd-start", 2, 1), 0x48000000);
    assert_int_equal(cells("/chosen", "linux,initrd-end", 2, 1), 0x48001234);
    assert_true(absent("/chosen", "armature,kernel"));
    /* The UART as described, without what is ours, and what its clocks refer to. */
    assert_int_equal(cells("/pl011@9000000", "interrupts", 3, 1), 1);
    assert_int_equal(cells("/pl011@9000000", "clocks", 2, 0), cells("/apb-pclk", "phandle", 1, 0));
    assert_true(absent("/pl011@9000000", "armature,backend"));
    assert_true(fdt_path_offset(tree, "/pl011@9000000/child/deep/deeper") > 0);
    assert_true(fdt_path_offset(tree, "/pl011@9000000/after") > 0);
    /* The disk as assigned. */
    assert_int_equal(cells("/disk@a000000", "reg", 4, 1), 0xa000000);
    assert_int_equal(cells("/disk@a000000", "interrupts", 3, 1), 49 - 32);
    assert_true(absent("/disk@a000000", "armature,device"));
    assert_true(fdt_path_offset(tree, "/off") < 0);
    prop("/chosen", "rng-seed", 32);
    prop("/chosen", "kaslr-seed", 8);
}

/* A UART described without clocks still gets what a PrimeCell's driver asks for; paths by label lose the VM's part. */
static void gtree_completed(void **state)
{
    (void)state;
    assert_int_equal(
        build(ROOT("vm { compatible = \"armature,vm\"; " RAM "chosen { armature,kernel = \"k\"; stdout-path = &b; };"
                   "aliases { first = &a; odd = [41 42]; };"
                   "a: a { compatible = \"arm,pl011\", \"arm,primecell\"; armature,backend = \"console\"; };"
                   "b: b@9000000 { compatible = \"arm,pl011\"; reg = <0 0x9000000 0 0x1000>; };"
                   "gic: gic@8000000 { compatible = \"arm,gic-v3\"; interrupt-controller; #interrupt-cells = <3>;"
                   " reg = <0 0x8000000 0 0x10000 0 0x80a0000 0 0x40000>; };"
                   "x { interrupt-parent = <&gic>; }; };"),
              0, 65536, 0),
        0);
    assert_int_equal(fdt_check_full(tree, used), 0);
    assert_int_equal(cells("/a@a000000", "clocks", 2, 1), cells("/apb-pclk", "phandle", 1, 0));
    assert_int_equal(cells("/apb-pclk", "clock-frequency", 1, 0), 24000000);
    prop("/a@a000000", "clock-names", 17);
    assert_string_equal(prop("/chosen", "stdout-path", -1), "/b@9000000");
    assert_string_equal(prop("/aliases", "first", -1), "/a");
    assert_string_equal(prop("/aliases", "serial0", -1), "/a@a000000");
    assert_true(absent("/b@9000000", "clocks"));
    assert_true(absent("/chosen", "linux,initrd-start"));
    /* The description's own controller: its phandle, its reg, no property twice. */
    assert_int_equal(cells("/x", "interrupt-parent", 1, 0), cells("/gic@8000000", "phandle", 1, 0));
    assert_int_equal(cells("/gic@8000000", "reg", 8, 7), 0x40000);
    assert_int_equal(cells("/", "interrupt-parent", 1, 0), cells("/gic@8000000", "phandle", 1, 0));
    unsigned regs = 0;
    for (int p = fdt_first_property_offset(tree, fdt_path_offset(tree, "/gic@8000000")); p >= 0;
         p = fdt_next_property_offset(tree, p)) {
        const char *name;
        assert_non_null(fdt_getprop_by_offset(tree, p, &name, NULL));
        regs += strcmp(name, "reg") == 0;
    }
    assert_int_equal(regs, 1);
}

/* A clock of the description for one UART and none for another: neither node nor output has the other's name. */
static void gtree_two_clocks(void **state)
{
    (void)state;
    assert_int_equal(build(ROOT("vm { compatible = \"armature,vm\"; " RAM "chosen { armature,kernel = \"k\"; };"
                                "c: apb-pclk { compatible = \"fixed-clock\"; #clock-cells = <0>; clock-frequency = <7>;"
                                " clock-output-names = \"clk24mhz\"; };"
                                "a@9000000 { compatible = \"arm,pl011\", \"arm,primecell\"; clocks = <&c>;"
                                " reg = <0 0x9000000 0 0x1000>; };"
                                "b@9010000 { compatible = \"arm,pl011\", \"arm,primecell\";"
                                " reg = <0 0x9010000 0 0x1000>; }; };"),
                           0, 65536, 0),
                     0);
    assert_int_equal(cells("/a@9000000", "clocks", 1, 0), cells("/apb-pclk", "phandle", 1, 0));
    assert_int_equal(cells("/apb-pclk", "clock-frequency", 1, 0), 7);
    assert_int_equal(cells("/b@9010000", "clocks", 2, 0), cells("/clock-24000000", "phandle", 1, 0));
    assert_string_equal(prop("/clock-24000000", "clock-output-names", -1), "clock-24000000");
}

static void gtree_seeds(void **state)
{
#define TWO ROOT("a { compatible = \"armature,vm\"; " RAM " }; b { compatible = \"armature,vm\"; " RAM " };")
    struct {
        uint8_t rng[32], kaslr[8];
    } all[4];
    static const struct {
        unsigned vm;
        uint32_t life;
    } of[] = { { 0, 0 }, { 0, 1 }, { 0, 2 }, { 1, 0 } };

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        life = of[i].life;
        assert_int_equal(build(TWO, of[i].vm, 65536, 0), 0);
        memcpy(all[i].rng, prop("/chosen", "rng-seed", 32), 32);
        memcpy(all[i].kaslr, prop("/chosen", "kaslr-seed", 8), 8);
        assert_memory_not_equal(all[i].rng, all[i].kaslr, 8);
        for (unsigned k = 0; k < i; k++) {
            assert_memory_not_equal(all[i].rng, all[k].rng, 32);
            assert_memory_not_equal(all[i].kaslr, all[k].kaslr, 8);
        }
    }
    /* The same host's seed: the same run. */
    life = 0;
    assert_int_equal(build(TWO, 0, 65536, 0), 0);
    assert_memory_equal(all[0].rng, prop("/chosen", "rng-seed", 32), 32);
    test_platform.rng_seed_len = 0;
    assert_int_equal(build(TWO, 0, 65536, 0), 0);
    assert_true(absent("/chosen", "rng-seed") && absent("/chosen", "kaslr-seed"));
    test_platform.rng_seed_len = 18;
}

/* A seed that the description gives is the guest's in each life, and the other is ours. */
static void gtree_seed_of_the_description(void **state)
{
    (void)state;
    assert_int_equal(
        build(ROOT("a { compatible = \"armature,vm\"; " RAM " chosen { kaslr-seed = <1 2>; }; };"), 0, 65536, 0), 0);
    assert_int_equal(cells("/chosen", "kaslr-seed", 2, 1), 2);
    assert_int_not_equal(cells("/chosen", "rng-seed", 8, 0), 0);
}

static void gtree_no_room(void **state)
{
    (void)state;
    assert_int_equal(build(QEMU_VM, 1, 65536, 1), 0);
    size_t full = used;
    for (size_t room = 1; room < full; room += 37) {
        assert_int_equal(build(QEMU_VM, 1, room, 1), -ENOSPC);
        assert_true(log_has("/guest: the guest's tree does not fit into"));
    }
}

static void gtree_own_tree(void **state)
{
    struct config_vm c = { .path = "/vm", .bootargs = "a b" };
    size_t size;
    void *own = tree_compile("/dts-v1/; /memreserve/ 0x1000 0x1000; / { model = \"mine\"; chosen { bootargs = \"longer "
                             "than before\"; x; }; };",
                             &size);
    struct image image = { .name = "own", .data = own, .size = size };

    (void)state;
    free(tree);
    tree = malloc(4096);
    log_forget();
    assert_int_equal(gtree_own(&c, &image, tree, 4096, IPA(0x123456789000), 0x1000, &used), 0);
    assert_int_equal(fdt_check_full(tree, used), 0);
    assert_string_equal(prop("/chosen", "bootargs", 4), "a b");
    assert_int_equal(cells("/chosen", "linux,initrd-start", 2, 0), 0x1234);
    assert_int_equal(cells("/chosen", "linux,initrd-end", 2, 1), 0x5678a000);
    assert_string_equal(prop("/", "model", 5), "mine");
    prop("/chosen", "x", 0);
    assert_int_equal(fdt_num_mem_rsv(tree), 1);
    /* Nothing told, nothing changed. */
    c.bootargs = NULL;
    assert_int_equal(gtree_own(&c, &image, tree, 4096, IPA(0), 0, &used), 0);
    assert_string_equal(prop("/chosen", "bootargs", -1), "longer than before");
    assert_true(absent("/chosen", "linux,initrd-start"));
    assert_int_equal(gtree_own(&c, &image, tree, 100, IPA(0), 0, &used), -ENOSPC);
    assert_true(log_has("/vm: tree \"own\" does not fit into 100 bytes"));
    image.size = size - 1;
    assert_int_equal(gtree_own(&c, &image, tree, 4096, IPA(0), 0, &used), -EINVAL);
    assert_true(log_has("own: truncated"));
    free(own);
    own = tree_compile("/dts-v1/; / { };", &size);
    image.data = own;
    image.size = size;
    c.bootargs = "new";
    assert_int_equal(gtree_own(&c, &image, tree, 4096, IPA(0), 0, &used), 0);
    assert_string_equal(prop("/chosen", "bootargs", 4), "new");
    free(own);
}

/* A damaged description gives a sound tree or none. */
static void gtree_hostile(void **state)
{
    uint32_t seed = 31337;
    size_t size;
    uint8_t *dtb = tree_compile(QEMU_VM, &size);
    unsigned built = 0;

    (void)state;
    for (unsigned round = 0; round < 8000; round++) {
        uint8_t *copy = bytes_copy(dtb, size);
        bytes_damage(copy, size, &seed);
        if (parse_tree(copy, size) == 0) {
            for (unsigned i = 0; i < config.vm_count; i++) {
                struct config_vm *c = &config.vms[i];
                assert_true(c->cpus >= 1 && c->cpus <= CONFIG_MAX_VCPUS);
                if (!c->vdev_count || !c->vdevs[0].factory->pic)
                    continue;
                struct guest_system *vm = test_vm_make(c, i, 0xa000000, 48);
                free(tree);
                tree = malloc(8192);
                int err = gtree_build(vm, tree, 8192, IPA(0x48000000), 1, &used);
                assert_true(err || fdt_check_full(tree, used) == 0);
                assert_true(err == 0 || log_all()[0]);
                built += !err;
                test_vm_free(vm);
            }
        }
        free(copy);
    }
    print_message("%u trees built\n", built);
    assert_true(built > 1000);
    free(dtb);
}

#define CLOCK_VM(clock) \
    ROOT("vm { compatible = \"armature,vm\"; " RAM "chosen { armature,kernel = \"k\"; };" clock \
         "a: a { compatible = \"arm,pl011\", \"arm,primecell\"; armature,backend = \"console\"; };" \
         "u { clocks = <&c>; }; };")

/* A clock that the description has is used; one that is made takes no name of its. */
static void gtree_clock_names(void **state)
{
    (void)state;
    assert_int_equal(build(CLOCK_VM("c: my-clock { compatible = \"fixed-clock\"; #clock-cells = <0>; clock-frequency = "
                                    "<24000000>; };"),
                           0, 65536, 0),
                     0);
    assert_int_equal(cells("/a@a000000", "clocks", 2, 0), cells("/my-clock", "phandle", 1, 0));
    assert_true(fdt_path_offset(tree, "/apb-pclk") < 0);
    assert_int_equal(build(CLOCK_VM("c: apb-pclk { compatible = \"fixed-clock\"; #clock-cells = <0>; clock-frequency = "
                                    "<1000>; };"),
                           0, 65536, 0),
                     0);
    assert_int_equal(cells("/a@a000000", "clocks", 2, 0), cells("/clock-24000000", "phandle", 1, 0));
    assert_int_equal(cells("/clock-24000000", "clock-frequency", 1, 0), 24000000);
    assert_string_equal(prop("/clock-24000000", "clock-output-names", -1), "clock-24000000");
    assert_int_not_equal(cells("/clock-24000000", "phandle", 1, 0), cells("/apb-pclk", "phandle", 1, 0));
    log_forget();
    assert_int_equal(build(CLOCK_VM("c: apb-pclk { compatible = \"fixed-clock\"; #clock-cells = <0>; clock-frequency = "
                                    "<1000>; }; clock-24000000 { };"),
                           0, 65536, 0),
                     -EINVAL);
    assert_true(log_has("/vm: the guest's tree cannot be made: FDT_ERR_EXISTS"));
}

/* Names from one buffer, which is gone when they are compared; more cells than any node of ours has. */
static int many_add(struct vdev_fdt *f)
{
    uint32_t many[300];
    int err = EOK;

    for (uint32_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = i;
    for (unsigned i = 0; i < 70 && !err; i++) {
        char name[16];
        snprintf(name, sizeof(name), "pin-%u", i);
        err = vdev_fdt_u32s(f, name, &many[i], 1);
        memset(name, 'x', sizeof(name));
    }
    return err ? err : vdev_fdt_u32s(f, "many", many, ARRAY_LEN(many));
}

static int long_names_add(struct vdev_fdt *f)
{
    int err = EOK;

    for (unsigned i = 0; i < 60 && !err; i++) {
        char name[48];
        snprintf(name, sizeof(name), "a-name-that-is-forty-bytes-long-in-all-%02u", i);
        err = vdev_fdt_u32s(f, name, &i, 1);
    }
    return err;
}

static void gtree_vdevs_properties(void **state)
{
    (void)state;
    test_gen_fdt = many_add;
    assert_int_equal(build(QEMU_VM, 1, 65536, 0), 0);
    for (unsigned i = 0; i < 70; i++) {
        char name[16];
        snprintf(name, sizeof(name), "pin-%u", i);
        assert_int_equal(cells("/pl011@9000000", name, 1, 0), i);
    }
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(cells("/pl011@9000000", "many", 300, i), i);
    assert_int_equal(cells("/pl011@9000000", "clocks", 2, 0), cells("/apb-pclk", "phandle", 1, 0));
    test_gen_fdt = long_names_add;
    log_forget();
    assert_int_equal(build(QEMU_VM, 1, 65536, 0), -ENOSPC);
    assert_true(log_has(
        "/guest: the guest's tree cannot be made: the names of a node's properties are longer than 2048 bytes"));
    test_gen_fdt = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gtree_qemu),
        cmocka_unit_test(gtree_completed),
        cmocka_unit_test(gtree_two_clocks),
        cmocka_unit_test(gtree_seeds),
        cmocka_unit_test(gtree_seed_of_the_description),
        cmocka_unit_test(gtree_no_room),
        cmocka_unit_test(gtree_own_tree),
        cmocka_unit_test(gtree_clock_names),
        cmocka_unit_test(gtree_hostile),
        cmocka_unit_test(gtree_vdevs_properties),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(bytes);
    free(tree);
    return failed;
}
