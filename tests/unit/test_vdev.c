/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/vdev.c hyp/vdev_assign.c hyp/guest_intr.c hyp/vdev_api.c hyp/vdev_options.c hyp/vdev_sched.c hyp/gasp.c hyp/base/lock.c hyp/regs.c hyp/reg_index.c hyp/aspace.c hyp/aspace_change.c hyp/aspace_window.c hyp/region.c arch/arm64/stage2.c arch/arm64/pgtable.c hyp/ranges.c tests/unit/arch_fake.c tests/unit/alloc_fake.c tests/unit/machine_fake.c tests/unit/tree_support.c */
/* The vdevs of a VM from description to end: order, places, interrupts, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <libfdt.h>
#include "hyp/api/gasp.h"
#include "hyp/gtree.h"
#include "hyp/vdev_core.h"
#include "tests/unit/alloc_fake.h"
#include "tests/unit/arch_fake.h"
#include "tests/unit/tree_support.h"

/* ---- Factories that write down what happens to them ---- */

static char history[8192];
static unsigned fail_code = ~0u; /* the control code that the device `failing` refuses */
static const char *failing = "";

static void note(const vdev_t *v, const char *what)
{
    size_t n = strlen(history);
    snprintf(history + n, sizeof(history) - n, "%s:%s ", v->v_name, what);
}

static const char *code_name(unsigned code)
{
    static const char *const names[] = { "START", "END",    "CONFIGURED", "TERMINATE", "STATUS",   "ACPI",
                                         "FDT",   "BUTTON", "ASSIGN",     "BARS",      "STARTING", "RESET" };
    static char option[16];
    if (code < ARRAY_LEN(names))
        return names[code];
    snprintf(option, sizeof(option), "OPT%u", code - VDEV_CTRL_FIRST_OPTIDX);
    return option;
}

static int refuse(const vdev_t *v, unsigned code)
{
    return code == fail_code && !strcmp(v->v_name, failing) ? EIO : EOK;
}

static unsigned pic_next;
static bool pic_stuck;

static int pic_parse(const struct vdev_builder *b, const uint32_t *cells, unsigned n, struct guest_intr *out)
{
    assert_int_equal(n, 3);
    if (cells[0] > 1)
        return error_at(EINVAL, "%s: interrupts: type %u", b->path, cells[0]);
    out->param = cells[1] + (cells[0] ? 16 : 32);
    return EOK;
}

/* A simple one: names line after line, and leaves it to the core whether one is free. */
static int pic_assign(const struct vdev_builder *b, struct guest_intr *out)
{
    (void)b;
    if (pic_next == 40)
        return ENOSPC;
    out->param = pic_stuck ? 32 : pic_next++;
    return EOK;
}

static const struct vdev_pic_functions pic_table = { .parse = pic_parse, .assign = pic_assign };
static const struct vintc_ops intc_ops = { .flush = NULL };

static int pic_startup(struct vdev_builder *b, unsigned code, const void *arg)
{
    (void)arg;
    note(b->vdev, code_name(code));
    return code == VDEV_CTRL_OPTIONS_START ? vintc_register(b, &intc_ops) : refuse(b->vdev, code);
}

static int any_control(vdev_t *v, unsigned code, const void *arg)
{
    assert_null(arg);
    note(v, code_name(code));
    return refuse(v, code);
}

/* The tree's writer. */
static char fdt_seen[32];
int vdev_fdt_u32s(struct vdev_fdt *f, const char *name, const uint32_t *cells, unsigned n)
{
    assert_string_equal(f->gsp->name, "vm");
    assert_int_equal(n, 2);
    snprintf(fdt_seen, sizeof(fdt_seen), "%s %u %u", name, cells[0], cells[1]);
    return EOK;
}

static uint32_t option_value;
static const char *option_text;
static int dev_startup(struct vdev_builder *b, unsigned code, const void *arg)
{
    vdev_t *v = b->vdev;
    note(v, code_name(code));
    if (code == VDEV_CTRL_OPTIONS_START) {
        assert_non_null(v->v_device);
        for (unsigned i = 0; i < v->v_factory->extra_space; i++)
            assert_int_equal(((char *)v->v_device)[i], 0);
        v->v_block.length = 0x1000;
    }
    const struct vdev_builder *again = vdev_builder_of(v);
    assert_true(again->vdev == v && again->gsp == b->gsp && again->fdt == b->fdt && again->node == b->node);
    assert_string_equal(again->path, b->path);
    if (code == VDEV_CTRL_FIRST_OPTIDX)
        return vdev_option_u32(b, arg, &option_value);
    if (code == VDEV_CTRL_FIRST_OPTIDX + 1)
        return vdev_option_string(b, arg, &option_text);
    if (code == VDEV_CTRL_GEN_FDT)
        return vdev_fdt_u32s((struct vdev_fdt *)arg, "cells", (uint32_t[]){ 1, 2 }, 2);
    return refuse(v, code);
}

static int plain_startup(struct vdev_builder *b, unsigned code, const void *arg)
{
    (void)arg;
    note(b->vdev, code_name(code));
    return refuse(b->vdev, code);
}

static const char *const options[] = { "armature,number", "armature,text", NULL };
static const struct reg no_rows[] = { { .offset = 0, .span = 4, .stride = 4, .sizes = REG_SIZE_4 } };
static const struct reg_table no_regs = { no_rows, 1, REG_RAZ_WI };
static const struct reg bad_rows[] = { { .offset = 0, .span = 3, .stride = 4, .sizes = REG_SIZE_4 } };
static const struct reg_table bad_regs = { bad_rows, 1, REG_RAZ_WI };

#define FACTORY(n, ...) \
    { \
        .abi = QVM_VDEV_ABI, .name = n, .control = any_control, .extra_space = 24, __VA_ARGS__ \
    }
static const struct vdev_factory factories[] = {
    FACTORY("gic", .factory_flags = VFF_MANUAL_REGION | VFF_INTR_NO, .startup = pic_startup, .pic = &pic_table),
    FACTORY("dev", .factory_flags = VFF_VDEV_MEM, .startup = dev_startup, .option_list = options, .regs = &no_regs),
    FACTORY("timer", .factory_flags = VFF_LOC_NO | VFF_INTR_NO, .startup = plain_startup),
    FACTORY("boot", .startup = plain_startup),
    FACTORY("required", .factory_flags = VFF_VDEV_MEM | VFF_INTR_REQ, .startup = dev_startup, .regs = &no_regs),
    FACTORY("shared", .factory_flags = VFF_VDEV_MEM | VFF_INTR_SHARED, .startup = dev_startup, .regs = &no_regs),
    FACTORY("bad-table", .factory_flags = VFF_VDEV_MEM, .startup = dev_startup, .regs = &bad_regs),
    FACTORY("no-sizes", .factory_flags = VFF_VDEV_MEM, .startup = dev_startup, .vread = (void *)1),
    FACTORY("sizeless", .factory_flags = VFF_VDEV_MEM, .startup = plain_startup, .regs = &no_regs),
};

bool log_allowed(struct log_limit *limit)
{
    (void)limit;
    return true;
}

/* ---- A VM from source text: each child's compatible is a factory's name; the controller comes first, as config_parse() has it ---- */

static struct config_vm config;
static struct guest_system vm;
static void *tree;

static const struct vdev_factory *factory_named(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(factories); i++)
        if (!strcmp(factories[i].name, name))
            return &factories[i];
    fail_msg("no factory %s", name);
    return NULL;
}

static void config_add(int node, const char *name, const char *factory)
{
    struct config_vdev *v = &config.vdevs[config.vdev_count++];
    v->node = node;
    v->factory = factory_named(factory);
    snprintf(v->path, sizeof(v->path), "/vm/%s", name);
}

static int create(const char *children)
{
    char source[4096];
    size_t size;
    int node, vm_node;
    snprintf(source, sizeof(source), "/dts-v1/; / { vm { #address-cells = <2>; #size-cells = <2>; %s }; };", children);
    tree = tree_compile(source, &size);
    assert_non_null(tree);
    snprintf(config.path, sizeof(config.path), "/vm");
    config_add(-1, "intc@8000000", "gic");
    vm_node = fdt_path_offset(tree, "/vm");
    fdt_for_each_subnode(node, tree, vm_node)
        config_add(node, fdt_get_name(tree, node, NULL), fdt_getprop(tree, node, "compatible", NULL));
    config_add(-1, "timer", "timer");
    vm.name = "vm";
    vm.config = &config;
    assert_int_equal(aspace_init(&vm.as, 1, 36), 0);
    struct region ram = { .base = IPA(GIB(1)),
                          .size = MIB(2),
                          .flags = GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR | GRF_PASS_EX,
                          .host = PA(GIB(1)),
                          .owner = "/vm/memory@40000000" };
    config.ram_count = 1;
    config.ram[0].base = ram.base;
    config.ram[0].size = ram.size;
    assert_int_equal(aspace_add(&vm.as, &ram), 0);
    return vdev_create_all(&vm, tree);
}

static int setup(void **state)
{
    (void)state;
    *fake_sysreg("id_aa64mmfr0_el1") = 4;
    memset(&config, 0, sizeof(config));
    memset(&vm, 0, sizeof(vm));
    history[0] = 0;
    fail_code = ~0u;
    pic_next = 32;
    pic_stuck = false;
    log_forget();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(tree);
    tree = NULL;
    alloc_forget();
    return 0;
}

static void refused(const char *children, int err, const char *message)
{
    assert_int_equal(create(children), err);
    if (!log_has(message))
        fail_msg("not in the log: %s\n%s", message, log_all());
}

/* ---- Tests ---- */

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(create("b@a000000 { compatible = \"dev\"; reg = <0 0x0a000000 0 0x1000>; interrupts = <0 5 4>;"
                            " armature,text = \"hello\"; armature,number = <42>; };"
                            "a { compatible = \"boot\"; };"),
                     0);
    assert_string_equal(history, "intc@8000000:START intc@8000000:END "
                                 "b@a000000:START b@a000000:OPT0 b@a000000:OPT1 b@a000000:END "
                                 "a:START a:END timer:START timer:END "
                                 "intc@8000000:ASSIGN b@a000000:ASSIGN a:ASSIGN timer:ASSIGN ");
    assert_int_equal(option_value, 42);
    assert_string_equal(option_text, "hello");
    assert_int_equal(vm.vdev_count, 4);
    const vdev_t *v = &vm.vdevs[1];
    assert_int_equal(v->v_block.location, 0x0a000000);
    assert_int_equal(v->v_intr.param, 37);
    assert_ptr_equal(v->v_intr.pic, &vm.vdevs[0]);
    assert_int_equal(v->v_intr.src_id, 1);
    const struct region *r = aspace_find(&vm.as, IPA(0x0a000ffc));
    assert_ptr_equal(r->vdev, v);
    assert_ptr_equal(r->regs, &no_regs);
    assert_string_equal(r->owner, "/vm/b@a000000");
    /* Neither a place nor a line for who has use for none; the controller makes its own region. */
    assert_int_equal(vm.vdevs[2].v_block.location, QSL_NO_LOCATION);
    assert_null(vm.vdevs[2].v_intr.pic);
    assert_int_equal(vm.as.regions.count, 2);
    history[0] = 0;
    assert_int_equal(vdev_control_all(&vm, VDEV_CTRL_GUEST_CONFIGURED), 0);
    assert_int_equal(vdev_control_all(&vm, VDEV_CTRL_GUEST_STARTING), 0);
    assert_int_equal(vdev_control_all(&vm, VDEV_CTRL_RESET), 0);
    assert_int_equal(vdev_control_all(&vm, VDEV_CTRL_TERMINATE), 0);
    assert_string_equal(history, "intc@8000000:CONFIGURED b@a000000:CONFIGURED a:CONFIGURED timer:CONFIGURED "
                                 "intc@8000000:STARTING b@a000000:STARTING a:STARTING timer:STARTING "
                                 "intc@8000000:RESET b@a000000:RESET a:RESET timer:RESET "
                                 "intc@8000000:TERMINATE b@a000000:TERMINATE a:TERMINATE timer:TERMINATE ");
}

static void test_control_error(void **state)
{
    (void)state;
    assert_int_equal(create("d { compatible = \"dev\"; };"), 0);
    history[0] = 0;
    fail_code = VDEV_CTRL_TERMINATE;
    failing = "d";
    assert_int_equal(vdev_control_all(&vm, VDEV_CTRL_TERMINATE), -EIO);
    assert_non_null(strstr(history, "timer:TERMINATE"));
    assert_true(log_has("vm/d@c000000: control code 3 fails"));
}

static void test_automatic(void **state)
{
    (void)state;
    config.reserve_intid[config.reserve_intid_count++] = 33;
    config.reserve[0].base = 0x0c002000;
    config.reserve[0].size = 0x1000;
    config.reserve_count = 1;
    /* Explicit ones count before automatic ones, wherever they stand. */
    assert_int_equal(create("a { compatible = \"dev\"; };"
                            "b { compatible = \"dev\"; };"
                            "c { compatible = \"dev\"; reg = <0 0x0c000000 0 0x1000>; interrupts = <0 0 4>; };"
                            "d { compatible = \"dev\"; reg = <0 0x20000000 0 0x1000 0 0x0c003000 0 0x1000>; interrupts "
                            "= <0 9 4 0 2 4>; };"),
                     0);
    assert_int_equal(vm.vdevs[1].v_block.location, 0x0c001000);
    assert_int_equal(vm.vdevs[2].v_block.location, 0x0c004000);
    assert_int_equal(vm.vdevs[1].v_intr.param, 35); /* 32 and 34 given, 33 reserved */
    assert_int_equal(vm.vdevs[2].v_intr.param, 36);
    assert_ptr_equal(aspace_find(&vm.as, IPA(0x0c004000))->vdev, &vm.vdevs[2]);
}

static void test_reserved_may_be_given(void **state)
{
    (void)state;
    config.reserve_intid[config.reserve_intid_count++] = 33;
    assert_int_equal(create("a { compatible = \"dev\"; interrupts = <0 1 4>; };"), 0);
    assert_int_equal(vm.vdevs[1].v_intr.param, 33);
}

static void test_no_free_line(void **state)
{
    (void)state;
    refused("a { compatible = \"dev\"; }; b { compatible = \"dev\"; }; c { compatible = \"dev\"; }; d { compatible = "
            "\"dev\"; };"
            "e { compatible = \"dev\"; }; f { compatible = \"dev\"; }; g { compatible = \"dev\"; }; h { compatible = "
            "\"dev\"; };"
            "i { compatible = \"dev\"; };",
            -ENOSPC, "/vm/i: no free interrupt in the VM");
}

static void test_stuck_controller(void **state)
{
    (void)state;
    pic_stuck = true;
    refused("a { compatible = \"dev\"; interrupts = <0 0 4>; }; b { compatible = \"dev\"; };", -ENOSPC,
            "/vm/b: no free interrupt");
}

static void test_shared_lines(void **state)
{
    (void)state;
    assert_int_equal(create("a { compatible = \"shared\"; interrupts = <0 1 4>; };"
                            "b { compatible = \"shared\"; interrupts = <0 1 4>; };"
                            "c { compatible = \"shared\"; interrupts = <0 1 4>; };"),
                     0);
    assert_int_equal(vm.vdevs[1].v_intr.src_id, 1);
    assert_int_equal(vm.vdevs[2].v_intr.src_id, 2);
    assert_int_equal(vm.vdevs[3].v_intr.src_id, 4);
}

/* Each entry of `interrupts` is a source of its own of its line, whoever has that line too. */
static void test_sources_of_entries(void **state)
{
    struct guest_intr line;
    (void)state;
    assert_int_equal(create("a { compatible = \"shared\"; interrupts = <0 1 4 0 2 4>; };"
                            "b { compatible = \"shared\"; interrupts = <0 3 4 0 2 4 0 2 4>; };"),
                     0);
    static const struct {
        unsigned vdev, entry;
        uint32_t pin, source;
    } want[] = { { 1, 0, 33, 1 }, { 1, 1, 34, 1 }, { 2, 0, 35, 1 }, { 2, 1, 34, 2 }, { 2, 2, 34, 4 } };
    for (unsigned i = 0; i < ARRAY_LEN(want); i++) {
        assert_int_equal(vdev_interrupt(vdev_builder_of(&vm.vdevs[want[i].vdev]), want[i].entry, &line), EOK);
        assert_int_equal(line.param, want[i].pin);
        assert_int_equal(line.src_id, want[i].source);
    }
}

static void test_line_conflicts(void **state)
{
    (void)state;
    refused("a { compatible = \"dev\"; interrupts = <0 1 4>; }; b { compatible = \"dev\"; interrupts = <0 1 4>; };",
            -EEXIST, "/vm/b: interrupt 33 belongs to a already");
    teardown(state);
    setup(state);
    refused("a { compatible = \"shared\"; interrupts = <0 1 4>; }; b { compatible = \"dev\"; interrupts = <0 1 4>; };",
            -EEXIST, "/vm/b: interrupt 33 belongs to a already");
}

static void test_places_refused(void **state)
{
    static const struct {
        const char *children;
        int err;
        const char *message;
    } bad[] = {
        { "a { compatible = \"dev\"; reg = <0 0x40100000 0 0x1000>; };", -EEXIST, "overlap /vm/memory@40000000" },
        { "a { compatible = \"dev\"; reg = <0 0x9000000 0 0x1000>; }; b { compatible = \"dev\"; reg = <0 0x9000800 0 "
          "0x1000>; };",
          -EEXIST, "/vm/b: 0x1000 bytes at 0x9000800 overlap /vm/a" },
        { "a { compatible = \"dev\"; reg = <0 0x9000000 0 0x800>; };", -EINVAL,
          "/vm/a: reg is 0x800 bytes, a dev needs 0x1000" },
        { "a { compatible = \"dev\"; reg = <0 0x9000000 0 0>; };", -EINVAL, "/vm/a: reg is 0x0 bytes" },
        { "a { compatible = \"dev\"; reg = <0 0x9000000>; };", -EINVAL, "/vm/a: reg is 8 bytes, not a multiple of 16" },
        { "a { compatible = \"dev\"; reg; };", -EINVAL, "/vm/a: reg is 0 bytes" },
        { "a { compatible = \"dev\"; reg = <0xffffffff 0xfffff000 0 0x1000>; };", -EINVAL,
          "/vm/a: 0x1000 bytes at 0xfffffffffffff000" },
        { "a { compatible = \"dev\"; reg = <0xffffffff 0xfffff000 0 0x2000>; }; b { compatible = \"dev\"; };", -EINVAL,
          "/vm/a: 0x2000 bytes" },
        { "a { compatible = \"timer\"; reg = <0 0 0 0x1000>; };", -EINVAL,
          "/vm/a: reg given, but a timer has no place" },
        { "a { compatible = \"sizeless\"; };", -EINVAL, "/vm/a: a sizeless needs reg" },
        { "a { compatible = \"bad-table\"; };", -EINVAL, "/vm/a: register table, row 0" },
        { "a { compatible = \"no-sizes\"; };", -EINVAL, "/vm/a: the no-sizes's factory allows no size of access" },
        { "a { compatible = \"timer\"; interrupts = <0 1 4>; };", -EINVAL,
          "/vm/a: interrupts given, but a timer raises none" },
        { "a { compatible = \"required\"; };", -EINVAL, "/vm/a: a required needs interrupts" },
        { "a { compatible = \"dev\"; interrupts = <0 1>; };", -EINVAL,
          "/vm/a: interrupts is 8 bytes, not a multiple of 12" },
        { "a { compatible = \"dev\"; interrupts = <7 1 4>; };", -EINVAL, "/vm/a: interrupts: type 7" },
        { "a { compatible = \"dev\"; armature,number = <1 2>; };", -EINVAL, "/vm/a: armature,number is 8 bytes" },
        { "a { compatible = \"dev\"; armature,text = \"a\", \"b\"; };", -EINVAL,
          "/vm/a: armature,text is not one string" },
        { "a { compatible = \"dev\"; armature,text; };", -EINVAL, "/vm/a: armature,text is not one string" },
        { "a { compatible = \"gic\"; };", -EBUSY, "/vm/a: the VM has an interrupt controller already: intc@8000000" },
    };
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        setup(state);
        refused(bad[i].children, bad[i].err, bad[i].message);
        teardown(state);
    }
}

static void test_step_refused(void **state)
{
    static const unsigned codes[] = { VDEV_CTRL_OPTIONS_START, VDEV_CTRL_OPTIONS_END, VDEV_CTRL_ASSIGN };
    for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
        setup(state);
        fail_code = codes[i];
        failing = "b";
        refused("a { compatible = \"dev\"; }; b { compatible = \"boot\"; }; c { compatible = \"dev\"; };", -EIO,
                "/vm/b: the boot refuses ");
        /* Nobody behind it is asked any more. */
        char after[16];
        snprintf(after, sizeof(after), "c:%s ", code_name(codes[i]));
        assert_null(strstr(history, after));
        teardown(state);
    }
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_int_equal(create("a { compatible = \"dev\"; };"), 0);
    for (int left = 0; left < 3; left++) {
        alloc_left = left;
        vm.vdevs = NULL;
        vm.intc_vdev = NULL;
        assert_int_equal(vdev_create_all(&vm, tree), -ENOMEM);
    }
}

static void test_controller_first(void **state)
{
    (void)state;
    assert_int_equal(create(""), 0);
    config.vdevs[0] = config.vdevs[1];
    assert_int_equal(vdev_create_all(&vm, tree), -EINVAL);
    config.vdev_count = 0;
    assert_int_equal(vdev_create_all(&vm, tree), -EINVAL);
}

static void test_gen_fdt(void **state)
{
    struct vdev_fdt f = { .gsp = &vm };
    (void)state;
    assert_int_equal(create("a { compatible = \"dev\"; };"), 0);
    assert_int_equal(vdev_gen_fdt(&vm, 1, &f), 0);
    assert_string_equal(fdt_seen, "cells 1 2");
    fail_code = VDEV_CTRL_GEN_FDT;
    failing = "timer";
    assert_int_equal(vdev_gen_fdt(&vm, 2, &f), -EIO);
    assert_true(log_has("/vm/timer: the timer refuses GEN_FDT"));
}

static void test_names(void **state)
{
    char text[32], small[6];
    (void)state;
    assert_int_equal(
        create("serial@0 { compatible = \"dev\"; reg = <0 0x9000000 0 0x1000>; }; b { compatible = \"boot\"; };"), 0);
    assert_int_equal(vdev_string(text, sizeof(text), &vm.vdevs[1]), 14);
    assert_string_equal(text, "serial@9000000");
    vdev_string(text, sizeof(text), &vm.vdevs[2]);
    assert_string_equal(text, "b");
    vdev_string(small, sizeof(small), &vm.vdevs[1]);
    assert_string_equal(small, "seria");
    /* What it would be, as of snprintf(): how long, and that it was cut. */
    assert_int_equal(vdev_string(small, sizeof(small), &vm.vdevs[1]), 14);
    assert_int_equal(vdev_string(NULL, 0, &vm.vdevs[1]), 14);
    assert_int_equal(vdev_path(NULL, 0, &vm.vdevs[1]), strlen("/vm/serial@0"));
    assert_int_equal(vdev_path(small, sizeof(small), &vm.vdevs[1]), strlen("/vm/serial@0"));
    assert_string_equal(small, "/vm/s");
    vdev_logf(LOG_INFO, &vm.vdevs[1], "number %d", 5);
    assert_true(log_has("vm/serial@9000000: number 5"));
}

static void test_manual_regions(void **state)
{
    struct vdev_builder b;
    struct gasp_region r = { .flags = GRF_VIRT_RD,
                             .cookie = 3,
                             .guest = { .type = QST_MEMORY, .location = 0x8000000, .length = 0x1000 } };
    (void)state;
    assert_int_equal(create("a { compatible = \"dev\"; };"), 0);
    b = (struct vdev_builder){ .vdev = &vm.vdevs[0], .gsp = &vm, .path = "/vm/intc", .node = -1 };
    assert_int_equal(gasp_region_set(&b, 1, &r), EOK);
    assert_int_equal(aspace_find(&vm.as, IPA(0x8000000))->cookie, 3);
    assert_ptr_equal(aspace_find(&vm.as, IPA(0x8000000))->vdev, &vm.vdevs[0]);
    assert_int_equal(gasp_region_set(&b, 1, &r), EEXIST);
    assert_true(log_has("/vm/intc: 0x1000 bytes at 0x8000000 overlap /vm/intc"));
    r.flags = GRF_NONE;
    assert_int_equal(gasp_region_set(&b, 1, &r), EINVAL);
    r = (struct gasp_region){ .flags = GRF_PASS_RD | GRF_PASS_WR,
                              .host_location = GIB(3),
                              .guest = { .type = QST_MEMORY, .location = 0x8010000, .length = 0x1000 } };
    assert_int_equal(gasp_region_set(&b, 1, &r), EOK);
    assert_null(aspace_find(&vm.as, IPA(0x8010000))->vdev);
    assert_int_equal(pt_lookup(&vm.as.pt, 0x8010000).attrs, S2_DEVICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_control_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_automatic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reserved_may_be_given, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_free_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stuck_controller, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sources_of_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_conflicts, setup, teardown),
        cmocka_unit_test(test_places_refused),
        cmocka_unit_test(test_step_refused),
        cmocka_unit_test_setup_teardown(test_out_of_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_controller_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gen_fdt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_manual_regions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
