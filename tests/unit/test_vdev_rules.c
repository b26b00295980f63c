/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/vdev.c hyp/vdev_options.c hyp/vdev_sched.c hyp/vdev_assign.c hyp/guest_intr.c hyp/vdev_api.c hyp/gasp.c hyp/base/lock.c hyp/regs.c hyp/reg_index.c hyp/aspace.c hyp/aspace_change.c hyp/aspace_window.c hyp/region.c arch/arm64/stage2.c arch/arm64/pgtable.c hyp/ranges.c tests/unit/arch_fake.c tests/unit/alloc_fake.c tests/unit/machine_fake.c tests/unit/tree_support.c */
/* The rules that hold for every vdev: places and lines given or not, options, order of calls, status, button, safety; in two VMs at once. */
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
#include "hyp/vdev_core.h"
#include "tests/unit/alloc_fake.h"
#include "tests/unit/arch_fake.h"
#include "tests/unit/tree_support.h"

/* ---- A controller, and vdevs that write down each call: VM/device:call, in capitals before the boundary ---- */

static char history[8192];
static bool running;

static void note(const vdev_t *v, const char *what)
{
    size_t n = strlen(history);
    snprintf(history + n, sizeof(history) - n, "%s%s/%s:%s ", running ? "run " : "", v->v_gsp->name, v->v_name, what);
}

static int pic_parse(const struct vdev_builder *b, const uint32_t *cells, unsigned n, struct guest_intr *out)
{
    (void)b;
    (void)n;
    out->param = cells[1] + 32;
    return EOK;
}

static int pic_assign(const struct vdev_builder *b, struct guest_intr *out)
{
    uint32_t next = out->param < 32 ? 32 : out->param + 1;
    while (next < 40 && vdev_pin_taken(b, next))
        next++;
    out->param = next;
    return next < 40 ? EOK : ENOSPC;
}

static const struct vdev_pic_functions pic_table = { .parse = pic_parse, .assign = pic_assign, .num_pins = 64 };
static const struct vintc_ops intc_ops = { .flush = NULL };

struct state {
    unsigned calls; /* of its own: two instances do not share it */
    uint64_t size;
    bool flag;
    char text[64];
};

static const char *call_name(unsigned code)
{
    static const char *const names[] = { "OPTIONS_START", "OPTIONS_END", "GUEST_CONFIGURED", "TERMINATE",
                                         "STATUS",        "GEN_ACPI",    "GEN_FDT",          "BUTTON",
                                         "ASSIGN",        "PCI_BARS",    "GUEST_STARTING",   "RESET" };
    return code < ARRAY_LEN(names) ? names[code] : "OPTION";
}

static int pic_startup(struct vdev_builder *b, unsigned code, const void *arg)
{
    (void)arg;
    note(b->vdev, call_name(code));
    return code == VDEV_CTRL_OPTIONS_START ? vintc_register(b, &intc_ops) : EOK;
}

static int option_take(struct vdev_builder *b, unsigned i, const struct vdev_option *o)
{
    struct state *s = b->vdev->v_device;
    const char *text;
    uint32_t number;
    size_t n = strlen(s->text);
    switch (i) {
    case 0:
        if (vdev_option_string(b, o, &text))
            return EINVAL;
        snprintf(s->text + n, sizeof(s->text) - n, "%u=%s ", o->index, text);
        return EOK;
    case 1:
        if (vdev_option_u32(b, o, &number))
            return EINVAL;
        snprintf(s->text + n, sizeof(s->text) - n, "%u=%u ", o->index, number);
        return EOK;
    case 2: return vdev_option_flag(b, o, &s->flag);
    default: return vdev_option_size(b, o, KIB(4), &s->size);
    }
}

static int dev_startup(struct vdev_builder *b, unsigned code, const void *arg)
{
    struct state *s = b->vdev->v_device;
    note(b->vdev, call_name(code));
    assert_true((code == VDEV_CTRL_OPTIONS_START) == !s->calls);
    s->calls++;
    if (code == VDEV_CTRL_OPTIONS_START)
        b->vdev->v_block.length = 0x1000;
    if (code == VDEV_CTRL_OPTIONS_START && !strcmp(b->vdev->v_factory->name, "not-memory"))
        b->vdev->v_block.type = QST_NO_TYPE;
    return code >= VDEV_CTRL_FIRST_OPTIDX ? option_take(b, code - VDEV_CTRL_FIRST_OPTIDX, arg) : EOK;
}

/* Has no type of place: finds its own place and line, as it may at ASSIGN. */
static int own_startup(struct vdev_builder *b, unsigned code, const void *arg)
{
    vdev_t *v = b->vdev;
    int err = dev_startup(b, code, arg);
    if (code != VDEV_CTRL_ASSIGN || err)
        return err;
    if (v->v_block.location == QSL_NO_LOCATION)
        v->v_block.location = guest_space_find_free(b, v->v_block.length, KIB(64));
    return v->v_intr.pic ? EOK : guest_intr_assign(b, &v->v_intr);
}

/* The same by the address space's own search. */
static int finds_startup(struct vdev_builder *b, unsigned code, const void *arg) NO_THREAD_SAFETY
{
    int err = dev_startup(b, code, arg);
    if (code == VDEV_CTRL_ASSIGN && !err && b->vdev->v_block.location == QSL_NO_LOCATION)
        err = gasp_find_free(b->gsp, 0x1000, 0x1000, &b->vdev->v_block);
    return err;
}

static int dev_control(vdev_t *v, unsigned code, const void *arg)
{
    note(v, call_name(code));
    if (code == VDEV_CTRL_STATUS)
        return qvm_report(v, "%u calls", ((struct state *)v->v_device)->calls);
    if (code == VDEV_CTRL_RESET && !strcmp(v->v_factory->name, "wrong"))
        return qvm_report(v, "not asked");
    if (code == VDEV_CTRL_BUTTON && !strcmp(v->v_factory->name, "button"))
        ((struct vdev_button *)arg)->taken = true;
    return EOK;
}

static const char *const options[] = { "armature,text", "armature,number", "armature,flag", "armature,size", NULL };
static const struct reg rows[] = { { .offset = 0, .span = 4, .stride = 4, .sizes = REG_SIZE_4 } };
static const struct reg_table regs = { rows, 1, REG_RAZ_WI };

#define FACTORY(n, how, ...) \
    { \
        .abi = QVM_VDEV_ABI, .name = n, .startup = how, .control = dev_control, .extra_space = sizeof(struct state), \
        .regs = &regs, __VA_ARGS__ \
    }
static const struct vdev_factory factories[] = {
    FACTORY("gic", pic_startup, .factory_flags = VFF_MANUAL_REGION | VFF_INTR_NO, .pic = &pic_table,
            .safety = VDEV_SAFETY_SELECTED),
    FACTORY("dev", dev_startup, .factory_flags = VFF_VDEV_MEM, .option_list = options, .option_strings = BIT(0),
            .option_cells = BIT(1)),
    FACTORY("finds", finds_startup, .factory_flags = VFF_INTR_NO),
    FACTORY("safe", dev_startup, .factory_flags = VFF_VDEV_MEM, .safety = VDEV_SAFETY_SELECTED),
    FACTORY("intr-no", dev_startup, .factory_flags = VFF_VDEV_MEM | VFF_INTR_NO),
    FACTORY("intr-req", dev_startup, .factory_flags = VFF_VDEV_MEM | VFF_INTR_REQ),
    FACTORY("intr-nonpci", dev_startup, .factory_flags = VFF_VDEV_MEM | VFF_INTR_NONPCI),
    FACTORY("loc-no", dev_startup, .factory_flags = VFF_LOC_NO),
    FACTORY("not-memory", dev_startup, .factory_flags = VFF_VDEV_MEM),
    FACTORY("none", dev_startup, .factory_flags = VFF_NONE),
    FACTORY("own", own_startup, .factory_flags = VFF_NONE),
    FACTORY("wrong", dev_startup, .factory_flags = VFF_VDEV_MEM),
    FACTORY("button", dev_startup, .factory_flags = VFF_VDEV_MEM),
};

/* The log's limit is the log's. */
static unsigned limited;
bool log_allowed(struct log_limit *limit)
{
    (void)limit;
    limited++;
    return true;
}

/* ---- VMs from source text ---- */

static struct config_vm configs[2];
static struct guest_system machines[2];
static void *trees[2];

static void config_add(struct config_vm *c, int node, const char *name, const char *factory)
{
    struct config_vdev *v = &c->vdevs[c->vdev_count++];
    v->node = node;
    snprintf(v->path, sizeof(v->path), "%.16s/%.64s", c->path, name);
    for (unsigned i = 0; i < ARRAY_LEN(factories); i++)
        if (!strcmp(factories[i].name, factory))
            v->factory = &factories[i];
    assert_non_null(v->factory);
}

static int create(unsigned id, const char *children)
{
    struct guest_system *vm = &machines[id];
    struct config_vm *c = &configs[id];
    char source[2048];
    size_t size;
    int node, top;
    snprintf(source, sizeof(source), "/dts-v1/; / { vm { #address-cells = <2>; #size-cells = <2>; %s }; };", children);
    trees[id] = tree_compile(source, &size);
    assert_non_null(trees[id]);
    snprintf(c->path, sizeof(c->path), "/vm%u", id);
    config_add(c, -1, "intc", "gic");
    top = fdt_path_offset(trees[id], "/vm");
    fdt_for_each_subnode(node, trees[id], top)
        config_add(c, node, fdt_get_name(trees[id], node, NULL), fdt_getprop(trees[id], node, "compatible", NULL));
    vm->name = c->path + 1;
    vm->config = c;
    assert_int_equal(aspace_init(&vm->as, (uint16_t)(id + 1), 36), 0);
    return vdev_create_all(vm, trees[id]);
}

static int setup(void **state)
{
    (void)state;
    *fake_sysreg("id_aa64mmfr0_el1") = 4;
    memset(configs, 0, sizeof(configs));
    memset(machines, 0, sizeof(machines));
    history[0] = 0;
    running = false;
    limited = 0;
    log_forget();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(trees); i++) {
        free(trees[i]);
        trees[i] = NULL;
    }
    alloc_forget();
    return 0;
}

/* ---- Places and lines: a row a rule ---- */

#define REG "reg = <0 0x9000000 0 0x1000>; "
#define INTR "interrupts = <0 5 4>; "
#define UNPLACED QSL_NO_LOCATION

static const struct {
    const char *factory, *given;
    uint64_t at;  /* where it then is */
    uint32_t pin; /* 0: none */
    const char *message;
} rules[] = {
    /* Interrupts. */
    { "intr-no", REG, 0x9000000, 0, NULL },
    { "intr-no", REG INTR, 0, 0, "interrupts given, but a intr-no raises none" },
    { "intr-req", REG INTR, 0x9000000, 37, NULL },
    { "intr-req", REG, 0, 0, "a intr-req needs interrupts" },
    { "intr-nonpci", REG INTR, 0x9000000, 37, NULL },
    { "intr-nonpci", REG, 0, 0, "a intr-nonpci needs interrupts" },
    { "dev", REG INTR, 0x9000000, 37, NULL },
    { "dev", REG, 0x9000000, 33, NULL }, /* 32 is reserved */
    { "none", REG INTR, 0x9000000, 37, NULL },
    { "none", REG, 0x9000000, 0, NULL }, /* it may choose one, and does not */
    { "own", REG, 0x9000000, 33, NULL },
    { "own", REG INTR, 0x9000000, 37, NULL },
    { "dev", REG "interrupts = <0 0 4>;", 0x9000000, 32, NULL }, /* a reserved one that is given */
    { "own", REG "interrupts = <0 0 4>;", 0x9000000, 32, NULL },
    /* Places; 0xc000000 to 0xc010fff are reserved. */
    { "loc-no", "", UNPLACED, 0, NULL },
    { "loc-no", REG, 0, 0, "reg given, but a loc-no has no place" },
    { "not-memory", REG, 0, 0, "reg given, but a not-memory is not placed in memory" },
    { "dev", INTR, 0xc011000, 37, NULL },
    { "none", INTR, UNPLACED, 37, NULL },
    { "own", INTR, 0xc020000, 37, NULL },
    { "own", "", 0xc020000, 33, NULL },
    { "dev", "reg = <0 0xc000000 0 0x1000>; " INTR, 0xc000000, 37, NULL }, /* a reserved one that is given */
    { "own", "reg = <0 0xc000000 0 0x1000>; " INTR, 0xc000000, 37, NULL },
};

static void rule_check(unsigned i)
{
    char source[256], path[32];
    snprintf(source, sizeof(source), "d { compatible = \"%s\"; %s };", rules[i].factory, rules[i].given);
    snprintf(path, sizeof(path), "/vm0/d: ");
    configs[0].reserve_intid[configs[0].reserve_intid_count++] = 32;
    configs[0].reserve[0].base = 0xc000000;
    configs[0].reserve[0].size = 0x11000;
    configs[0].reserve_count = 1;
    int err = create(0, source);
    const vdev_t *v = &machines[0].vdevs[1];
    if (rules[i].message) {
        if (err != -EINVAL || !log_has(rules[i].message) || !log_has(path))
            fail_msg("rule %u: error %d, %s", i, err, log_all());
        return;
    }
    if (err || v->v_block.location != rules[i].at || v->v_intr.param != rules[i].pin || !v->v_intr.pic != !rules[i].pin)
        fail_msg("rule %u: error %d at %llx pin %u %s", i, err, (unsigned long long)v->v_block.location,
                 v->v_intr.param, log_all());
    const struct region *r = rules[i].at == UNPLACED ? NULL : aspace_find(&machines[0].as, IPA(rules[i].at));
    assert_true(rules[i].at == UNPLACED || (r && r->vdev == v));
}

static void test_rules(void **state)
{
    for (unsigned i = 0; i < ARRAY_LEN(rules); i++) {
        setup(state);
        rule_check(i);
        teardown(state);
    }
}

/* Places that are no regions yet are taken all the same: given before, given behind, found before, and further ones of a `reg`. */
static void test_places_found(void **state)
{
    (void)state;
    assert_int_equal(create(0, "a { compatible = \"dev\"; };"
                               "b { compatible = \"finds\"; };"
                               "c { compatible = \"finds\"; };"
                               "d { compatible = \"dev\"; reg = <0 0xc002000 0 0x1000 0 0xc005000 0 0x1000>; };"
                               "e { compatible = \"finds\"; };"
                               "f { compatible = \"finds\"; };"),
                     0);
    static const uint64_t places[] = { 0xc000000, 0xc001000, 0xc003000, 0xc002000, 0xc004000, 0xc006000 };
    for (unsigned i = 0; i < ARRAY_LEN(places); i++)
        assert_int_equal(machines[0].vdevs[1 + i].v_block.location, places[i]);
}

/* ---- Options ---- */

static struct state *state_of(unsigned id, unsigned index)
{
    return machines[id].vdevs[index].v_device;
}

static void test_options(void **state)
{
    (void)state;
    assert_int_equal(create(0, "d { compatible = \"dev\"; armature,text = \"a\", \"bc\", \"a\"; armature,number = <7>,"
                               "<0x80000000>; armature,flag; armature,size = <0 0x2000>; };"
                               "e { compatible = \"dev\"; armature,text = \"x\"; armature,size = <0x1000>; };"),
                     0);
    assert_string_equal(state_of(0, 1)->text, "0=a 1=bc 2=a 0=7 1=2147483648 ");
    assert_true(state_of(0, 1)->flag);
    assert_int_equal(state_of(0, 1)->size, 0x2000);
    assert_string_equal(state_of(0, 2)->text, "0=x ");
    assert_false(state_of(0, 2)->flag);
    assert_int_equal(state_of(0, 2)->size, 0x1000);
}

static void test_common_options(void **state)
{
    (void)state;
    assert_int_equal(create(0,
                            "d@1 { compatible = \"dev\"; label = \"console\"; armature,log = \"error\", \"verbose\"; };"
                            "e { compatible = \"dev\"; armature,log = \"none\"; }; f { compatible = \"dev\"; };"),
                     0);
    const vdev_t *v = machines[0].vdevs;
    log_forget();
    for (unsigned sev = LOG_FATAL; sev <= LOG_VERBOSE; sev <<= 1) {
        vdev_logf(sev, &v[1], "d says %u", sev);
        vdev_logf(sev, &v[2], "e says %u", sev);
    }
    vdev_logf(LOG_DEBUG, &v[3], "f says it");
    assert_string_equal(log_all(), "vm0/console@c000000: d says 4\nvm0/console@c000000: d says 64\n"
                                   "vm0/f@c002000: f says it\n");
}

static void test_options_refused(void **state)
{
    static const struct {
        const char *option, *message;
    } bad[] = {
        { "armature,text;", "/vm0/d: armature,text has no value" },
        { "armature,text = \"a\", \"\";", "/vm0/d: armature,text: an empty string" },
        { "armature,text = [61 62];", "/vm0/d: armature,text: a string without its end" },
        { "armature,number;", "/vm0/d: armature,number is 0 bytes" },
        { "armature,number = [00 00 00 01 02];", "/vm0/d: armature,number is 5 bytes" },
        { "armature,flag = <1>;", "/vm0/d: armature,flag has a value of 4 bytes" },
        { "armature,size = <0>;", "/vm0/d: armature,size: 0x0 is no size" },
        { "armature,size = <0x1001>;", "/vm0/d: armature,size: 0x1001 is no size: a multiple of 0x1000" },
        { "armature,size = <1 2 3>;", "/vm0/d: armature,size is 12 bytes" },
        { "armature,size;", "/vm0/d: armature,size is 0 bytes" },
        { "label;", "/vm0/d: label is not one string" },
        { "label = \"\";", "/vm0/d: label is not one string" },
        { "label = \"a\", \"b\";", "/vm0/d: label is not one string" },
        { "label = [61 62];", "/vm0/d: label is not one string" },
        { "label = [61 1b 00];", "/vm0/d: label has other characters" },
        { "label = \"0123456789012345678901234567890x\";", "/vm0/d: label has 32 characters: 31" },
        { "armature,log;", "/vm0/d: armature,log has no value" },
        { "armature,log = \"info\", \"loud\";", "/vm0/d: armature,log: \"loud\" is none of fatal" },
        { "armature,log = \"info\", \"none\";", "/vm0/d: armature,log: \"none\" is none of fatal" },
        { "armature,log = \"none\", \"info\";", "/vm0/d: armature,log: \"none\" is none of fatal" },
        { "armature,log = <1>;", "/vm0/d: armature,log: " },
    };
    char source[256];
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        setup(state);
        snprintf(source, sizeof(source), "d { compatible = \"dev\"; %s };", bad[i].option);
        int err = create(0, source);
        if (err != -EINVAL || !log_has(bad[i].message))
            fail_msg("%s: error %d, not in the log: %s\n%s", bad[i].option, err, bad[i].message, log_all());
        teardown(state);
    }
}

/* ---- The order of all calls, for two instances in each of two VMs ---- */

static void test_order(void **state)
{
    static const char *const source =
        "a { compatible = \"dev\"; armature,text = \"1\", \"2\"; }; b { compatible = \"dev\"; };";
    static const unsigned after[] = { VDEV_CTRL_GUEST_CONFIGURED, VDEV_CTRL_GUEST_STARTING, VDEV_CTRL_RESET,
                                      VDEV_CTRL_TERMINATE };
    (void)state;
    assert_int_equal(create(0, source), 0);
    assert_int_equal(create(1, source), 0);
    running = true;
    for (unsigned c = 0; c < ARRAY_LEN(after); c++)
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(vdev_control_all(&machines[i], after[c]), 0);
    assert_string_equal(
        history,
        "vm0/intc:OPTIONS_START vm0/intc:OPTIONS_END "
        "vm0/a:OPTIONS_START vm0/a:OPTION vm0/a:OPTION vm0/a:OPTIONS_END "
        "vm0/b:OPTIONS_START vm0/b:OPTIONS_END vm0/intc:ASSIGN vm0/a:ASSIGN vm0/b:ASSIGN "
        "vm1/intc:OPTIONS_START vm1/intc:OPTIONS_END "
        "vm1/a:OPTIONS_START vm1/a:OPTION vm1/a:OPTION vm1/a:OPTIONS_END "
        "vm1/b:OPTIONS_START vm1/b:OPTIONS_END vm1/intc:ASSIGN vm1/a:ASSIGN vm1/b:ASSIGN "
        "run vm0/intc:GUEST_CONFIGURED run vm0/a:GUEST_CONFIGURED run vm0/b:GUEST_CONFIGURED "
        "run vm1/intc:GUEST_CONFIGURED run vm1/a:GUEST_CONFIGURED run vm1/b:GUEST_CONFIGURED "
        "run vm0/intc:GUEST_STARTING run vm0/a:GUEST_STARTING run vm0/b:GUEST_STARTING "
        "run vm1/intc:GUEST_STARTING run vm1/a:GUEST_STARTING run vm1/b:GUEST_STARTING "
        "run vm0/intc:RESET run vm0/a:RESET run vm0/b:RESET run vm1/intc:RESET run vm1/a:RESET run vm1/b:RESET "
        "run vm0/intc:TERMINATE run vm0/a:TERMINATE run vm0/b:TERMINATE "
        "run vm1/intc:TERMINATE run vm1/a:TERMINATE run vm1/b:TERMINATE ");
    /* Each has its own state, place and line; the same in both VMs, which know nothing of each other. */
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(state_of(i, 1)->text, "0=1 1=2 ");
        assert_string_equal(state_of(i, 2)->text, "");
        assert_int_equal(state_of(i, 1)->calls, 5);
        assert_int_equal(state_of(i, 2)->calls, 3);
        assert_int_equal(machines[i].vdevs[1].v_block.location, 0xc000000);
        assert_int_equal(machines[i].vdevs[2].v_block.location, 0xc001000);
        assert_int_equal(machines[i].vdevs[1].v_intr.param, 32);
        assert_int_equal(machines[i].vdevs[2].v_intr.param, 33);
        assert_ptr_equal(machines[i].vdevs[1].v_intr.pic, &machines[i].vdevs[0]);
    }
    assert_ptr_not_equal(state_of(0, 1), state_of(1, 1));
}

/* ---- Status, button, safety ---- */

static void test_status(void **state)
{
    (void)state;
    assert_int_equal(create(0, "d { compatible = \"dev\"; armature,log = \"none\"; }; w { compatible = \"wrong\"; };"),
                     0);
    log_forget();
    assert_int_equal(vdev_control_all(&machines[0], VDEV_CTRL_STATUS), 0);
    assert_true(log_has("vm0/d@c000000: 3 calls\nvm0/w@c001000: 3 calls\n"));
    assert_int_equal(limited, 0);
    /* At another time it is refused, and said whose. */
    log_forget();
    assert_int_equal(vdev_control_all(&machines[0], VDEV_CTRL_RESET), -EPERM);
    assert_true(log_has("vm0/w: qvm_report() outside of STATUS"));
    assert_false(log_has("not asked"));
    assert_int_equal(limited, 1);
    assert_int_equal(qvm_report(&machines[0].vdevs[1], "late"), EPERM);
}

static void test_button(void **state)
{
    (void)state;
    assert_int_equal(create(0, "d { compatible = \"dev\"; };"), 0);
    assert_int_equal(create(1, "d { compatible = \"button\"; }; e { compatible = \"dev\"; };"), 0);
    history[0] = 0;
    assert_false(vdev_button_all(&machines[0]));
    assert_string_equal(history, "vm0/intc:BUTTON vm0/d:BUTTON ");
    history[0] = 0;
    assert_true(vdev_button_all(&machines[1]));
    assert_string_equal(history, "vm1/intc:BUTTON vm1/d:BUTTON vm1/e:BUTTON ");
}

static void test_safety(void **state)
{
    static const struct {
        enum safety_policy policy;
        const char *children;
        int err;
        bool told;
    } cases[] = {
        { SAFETY_NONE, "s { compatible = \"safe\"; }; d { compatible = \"dev\"; };", 0, false },
        { SAFETY_WARN, "s { compatible = \"safe\"; }; d { compatible = \"dev\"; };", 0, true },
        { SAFETY_REQUIRED, "s { compatible = \"safe\"; }; d { compatible = \"dev\"; };", -EPERM, true },
        { SAFETY_WARN, "s { compatible = \"safe\"; };", 0, false },
        { SAFETY_REQUIRED, "s { compatible = \"safe\"; };", 0, false },
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        setup(state);
        configs[0].safety = cases[i].policy;
        assert_int_equal(create(0, cases[i].children), cases[i].err);
        assert_int_equal(log_has("/vm0/d: the dev is no safety vdev"), cases[i].told);
        assert_false(log_has("/vm0/s"));
        teardown(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test_setup_teardown(test_options, setup, teardown),
        cmocka_unit_test_setup_teardown(test_common_options, setup, teardown),
        cmocka_unit_test(test_options_refused),
        cmocka_unit_test_setup_teardown(test_places_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_status, setup, teardown),
        cmocka_unit_test_setup_teardown(test_button, setup, teardown),
        cmocka_unit_test(test_safety),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
