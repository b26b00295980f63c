/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/dt.c hyp/dt_bus.c hyp/ranges.c tests/unit/tree_support.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hyp/dt.h"
#include "hyp/ranges.h"
#include "tests/unit/tree_support.h"

/* Two buses, the outer one with a hole. */
static void dt_translated(void **state)
{
    size_t size;
    struct range r;
    void *tree = tree_compile(
        "/dts-v1/; / { #address-cells = <2>; #size-cells = <1>;"
        "outer { #address-cells = <1>; #size-cells = <1>; ranges = <0x7e000000 0 0xfe000000 0x1000000>, <0x40000000 4 "
        "0 0x1000>;"
        " inner { #address-cells = <1>; #size-cells = <1>; ranges = <0 0x7e100000 0x1000>, <0x1000 0x40000800 0x1000>;"
        "  a@10 { reg = <0x10 0x20 0x800 0x800>; };"
        "  b@1000 { reg = <0x1000 0x800 0x1000 0x801 0xfffff000 0x2000>; }; };"
        " same { #address-cells = <1>; #size-cells = <1>; ranges; c@40000004 { reg = <0x40000004 4>; }; };"
        " none { #address-cells = <1>; #size-cells = <1>; d@0 { reg = <0 4>; }; };"
        " pci { #address-cells = <3>; #size-cells = <2>; ranges; e@0 { reg = <0 0 0 0 4>; }; }; };"
        "};",
        &size);

    (void)state;
    assert_int_equal(dt_check(tree, size, "tree"), 0);
    int a = fdt_path_offset(tree, "/outer/inner/a"), b = fdt_path_offset(tree, "/outer/inner/b");
    assert_int_equal(dt_reg(tree, a, 0, &r), 0);
    assert_int_equal(r.base.raw, 0xfe100010);
    assert_int_equal(dt_reg(tree, a, 1, &r), 0);
    assert_int_equal(r.base.raw, 0xfe100800);
    assert_int_equal(dt_reg(tree, a, 2, &r), -ENOENT);
    assert_int_equal(dt_reg(tree, b, 0, &r), 0);
    assert_int_equal(r.base.raw, UINT64_C(0x400000800));
    assert_int_equal(dt_reg(tree, b, 1, &r), -EINVAL);
    assert_int_equal(dt_reg(tree, b, 2, &r), -EINVAL);
    assert_int_equal(dt_reg(tree, fdt_path_offset(tree, "/outer/same/c"), 0, &r), 0);
    assert_int_equal(r.base.raw, UINT64_C(0x400000004));
    log_forget();
    assert_int_equal(dt_reg(tree, fdt_path_offset(tree, "/outer/none/d"), 0, &r), -EINVAL);
    assert_true(log_has("/outer/none/d@0: reg: no bus's ranges lead to 0x0"));
    assert_int_equal(dt_reg(tree, fdt_path_offset(tree, "/outer/pci/e"), 0, &r), -EINVAL);
    free(tree);
}

static void dt_ways(void **state)
{
    size_t size;
    struct dt_way way;
    void *tree = tree_compile("/dts-v1/; / { a { b { c { x = <1>; }; }; d { }; }; e { f { }; }; };", &size);

    (void)state;
    assert_int_equal(dt_check(tree, size, "tree"), 0);
    assert_int_equal(dt_way(tree, 0, &way), 0);
    assert_int_equal(way.count, 1);
    assert_int_equal(way.node[0], 0);
    static const char *const paths[] = { "/a", "/a/b", "/a/b/c", "/a/d", "/e", "/e/f" };
    for (unsigned i = 0; i < ARRAY_LEN(paths); i++) {
        int node = fdt_path_offset(tree, paths[i]);
        assert_int_equal(dt_way(tree, node, &way), 0);
        for (unsigned step = way.count; step--; node = fdt_parent_offset(tree, node))
            assert_int_equal(way.node[step], node);
        assert_true(node < 0);
    }
    int c = fdt_path_offset(tree, "/a/b/c");
    assert_int_equal(dt_way(tree, c + 4, &way), -EINVAL);
    assert_int_equal(way.count, 0);
    assert_int_equal(dt_way(tree, -FDT_ERR_NOTFOUND, &way), -EINVAL);
    assert_int_equal(dt_way(tree, (int)size, &way), -EINVAL);
    free(tree);
}

static void ranges_random(void **state)
{
    uint32_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct range list[6];
        unsigned count = 0;
        bool model[64] = { false };
        for (unsigned n = 0; n < 12; n++) {
            uint64_t base = random_next(&seed) % 56, size = random_next(&seed) % 8;
            if (ranges_add(list, &count, 6, (struct range){ PA(base), size }) == 0)
                memset(model + base, true, size);
            bool seen[64] = { false };
            for (unsigned i = 0; i < count; i++) {
                assert_true(list[i].size);
                assert_true(i == 0 || list[i - 1].base.raw + list[i - 1].size < list[i].base.raw);
                memset(seen + list[i].base.raw, true, list[i].size);
            }
            assert_memory_equal(seen, model, sizeof(model));
        }
    }
}

static void dt_unsound(void **state)
{
    static char source[1024];
    size_t size;
    uint8_t *tree = tree_compile("/dts-v1/; / { a = \"x\"; };", &size);

    (void)state;
    assert_int_equal(dt_check(tree, size, "it"), 0);
    log_forget();
    assert_int_equal(dt_check(tree, size - 1, "it"), -EINVAL);
    assert_true(log_has("it: truncated"));
    assert_int_equal(dt_check(tree, 8, "it"), -EINVAL);
    assert_int_equal(dt_check(tree + 4, size - 4, "it"), -EINVAL);
    assert_true(log_has("it: not at a multiple of 8 bytes"));
    fdt_set_version(tree, 16);
    assert_int_equal(dt_check(tree, size, "it"), -EINVAL);
    assert_true(log_has("it: device tree version 16, 17 is needed"));
    free(tree);
    /* Deeper than any walk is made for. */
    size_t n = (size_t)sprintf(source, "/dts-v1/; / {");
    for (unsigned i = 0; i < DT_DEPTH + 1; i++)
        n += (size_t)sprintf(source + n, " n {");
    for (unsigned i = 0; i < DT_DEPTH + 1; i++)
        n += (size_t)sprintf(source + n, " };");
    sprintf(source + n, " };");
    tree = tree_compile(source, &size);
    assert_int_equal(dt_check(tree, size, "it"), -EINVAL);
    assert_true(log_has("nested deeper than 32"));
    free(tree);
}

static void dt_values(void **state)
{
    size_t size;
    uint32_t v32 = 7;
    uint64_t v64;
    struct dt_path path;
    void *tree = tree_compile(
        "/dts-v1/; / { none; open = [41 42]; one = <0xffffffff>; two = <1 2>; three = <1 2 3>; s = \"a\", \"b\";"
        " aliases { self = \"self\"; open = [2f 61]; long = \"/n@1\"; };"
        " n@1 { status = \"ok\"; }; off { status = \"disabled\"; }; odd { status = [41]; };"
        " a-very-long-name-of-a-node-that-has-no-end { another-one-that-is-as-long-as-the-first { "
        "and-a-third-to-be-sure; deep-down-there { }; }; }; };",
        &size);

    (void)state;
    assert_false(dt_u32(tree, 0, "none", &v32) || dt_u32(tree, 0, "two", &v32) || dt_u32(tree, 0, "absent", &v32));
    assert_int_equal(v32, 7);
    assert_true(dt_u32(tree, 0, "one", &v32));
    assert_true(dt_u64(tree, 0, "one", &v64) && v64 == 0xffffffff);
    assert_true(dt_u64(tree, 0, "two", &v64) && v64 == UINT64_C(0x100000002));
    assert_false(dt_u64(tree, 0, "three", &v64) || dt_u64(tree, 0, "none", &v64));
    assert_null(dt_string(tree, 0, "open"));
    assert_null(dt_string(tree, 0, "none"));
    assert_string_equal(dt_string(tree, 0, "s"), "a");
    assert_true(dt_lookup(tree, "self", 4) < 0);
    assert_true(dt_lookup(tree, "open", 4) < 0);
    assert_true(dt_lookup(tree, "", 0) < 0);
    assert_true(dt_lookup(tree, "long", 4) > 0);
    assert_int_equal(dt_lookup(tree, "long", 4), dt_lookup(tree, "/n@1", 4));
    assert_true(dt_enabled(tree, dt_lookup(tree, "/n@1", 4)));
    assert_false(dt_enabled(tree, dt_lookup(tree, "/off", 4)));
    assert_false(dt_enabled(tree, dt_lookup(tree, "/odd", 4)));
    int deep = fdt_node_offset_by_prop_value(tree, -1, "status", "disabled", 9);
    assert_string_equal(dt_path(tree, deep, &path), "/off");
    deep = fdt_path_offset(
        tree, "/a-very-long-name-of-a-node-that-has-no-end/another-one-that-is-as-long-as-the-first/deep-down-there");
    assert_string_equal(dt_path(tree, deep, &path), ".../deep-down-there");
    free(tree);
}

static void dt_gic_numbers(void **state)
{
    (void)state;
    assert_int_equal(dt_gic_intid(0, 0), 32);
    assert_int_equal(dt_gic_intid(0, 987), 1019);
    assert_int_equal(dt_gic_intid(0, 988), 0);
    assert_int_equal(dt_gic_intid(1, 15), 31);
    assert_int_equal(dt_gic_intid(1, 16), 0);
    assert_int_equal(dt_gic_intid(2, 0), 0);
    assert_int_equal(dt_gic_intid(0, UINT32_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dt_translated), cmocka_unit_test(dt_ways),   cmocka_unit_test(ranges_random),
        cmocka_unit_test(dt_unsound),    cmocka_unit_test(dt_values), cmocka_unit_test(dt_gic_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
