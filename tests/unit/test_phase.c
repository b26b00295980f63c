/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/vdev_api.c hyp/vdev_assign.c hyp/gtree_write.c hyp/gtree_clock.c hyp/dt.c hyp/gasp.c hyp/base/lock.c hyp/cdev.c hyp/guest.c hyp/regs.c hyp/vdev_options.c hyp/guest_intr.c hyp/aspace_change.c hyp/aspace_window.c hyp/region.c hyp/guest_block.c hyp/vdev_clock.c */
/* sources: hyp/reg_index.c hyp/aspace.c arch/arm64/stage2.c arch/arm64/pgtable.c hyp/ranges.c */
/* sources: tests/unit/arch_fake.c tests/unit/alloc_fake.c tests/unit/tree_support.c */
/* Each function of the vdev API that is for one phase only refuses in the other, and says so by function, who and phase. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "hyp/api/cdev.h"
#include "hyp/api/gasp.h"
#include "hyp/api/guest.h"
#include "hyp/api/vintc.h"
#include "hyp/console.h"
#include "hyp/gtree_parts.h"
#include "hyp/vdev_parts.h"
#include "hyp/vm.h"
#include "tests/unit/alloc_fake.h"
#include "tests/unit/tree_support.h"

/* ---- The console: whoever comes here was not refused ---- */

bool console_port_exists(const char *name)
{
    (void)name;
    return false;
}

struct console_port *console_port_create(const char *name, const struct console_client *client)
{
    fail_msg("console_port_create(%s)", name);
    return (struct console_port *)(uintptr_t)client;
}

size_t console_write(struct console_port *p, const void *data, size_t n)
{
    fail_msg("console_write(%p, %p, %zu)", (void *)p, data, n);
    return 0;
}

size_t console_read(struct console_port *p, void *data, size_t n)
{
    fail_msg("console_read(%p, %p, %zu)", (void *)p, data, n);
    return 0;
}

size_t console_room(struct console_port *p)
{
    fail_msg("console_room(%p)", (void *)p);
    return 0;
}

size_t console_available(struct console_port *p)
{
    fail_msg("console_available(%p)", (void *)p);
    return 0;
}

size_t console_pending(struct console_port *p)
{
    fail_msg("console_pending(%p)", (void *)p);
    return 0;
}

/* ---- No VM's vdevs are made here ---- */

struct vdev_builder builder_of(struct guest_system *vm, unsigned index)
{
    (void)vm;
    fail_msg("builder_of(%u)", index);
    return (struct vdev_builder){ 0 };
}

/* ---- One VM with a vdev that raises a line ---- */

static unsigned signals;

static int line_signal(const struct guest_intr *gip, enum guest_intr_state state)
{
    (void)gip;
    (void)state;
    signals++;
    return EOK;
}

static const struct vdev_pic_functions pic = { .signal = line_signal };
static const struct vdev_factory factory = { .pic = &pic };
static struct guest_system vm = { .name = "vm" };
static struct guest_cpu cpu = { .vm = &vm };
static vdev_t vdev = { .v_name = "dev@9000000", .v_factory = &factory, .v_gsp = &vm };
static struct vdev_builder builder = { .vdev = &vdev, .gsp = &vm, .path = "/vm/dev@9000000", .node = -1 };
static struct cdev_state cdev = { .vdev = &vdev, .port = (struct console_port *)1 };

static int at_startup(void **state)
{
    (void)state;
    machine_phase = PHASE_STARTUP;
    log_forget();
    return 0;
}

static int at_run_time(void **state)
{
    at_startup(state);
    machine_phase = PHASE_RUNNING;
    return 0;
}

/* The last refusal was told as it should be; forgets it. */
static void traced(const char *who, const char *function)
{
    char line[128];
    snprintf(line, sizeof(line), "%s: %s refused: for %s only, and the machine is %s\n", who, function,
             phase_now() == PHASE_RUNNING ? "startup" : "running",
             phase_now() == PHASE_RUNNING ? "running" : "starting up");
    assert_string_equal(log_all(), line);
    log_forget();
}

#define REFUSES(call, answer, who, function) \
    do { \
        assert_int_equal(call, answer); \
        traced(who, function); \
    } while (0)

bool log_allowed(struct log_limit *limit)
{
    (void)limit;
    return true;
}

/* ---- Startup only ---- */

static void test_options(void **state)
{
    const uint32_t cells[2] = { 0 };
    const struct vdev_option o = { "armature,number", cells, 4, 0 };
    uint32_t small = 7;
    uint64_t big = 7;
    const char *text = "kept";
    (void)state;
    REFUSES(vdev_option_u32(&builder, &o, &small), EPERM, builder.path, "vdev_option_u32");
    REFUSES(vdev_option_u64(&builder, &o, &big), EPERM, builder.path, "vdev_option_u64");
    REFUSES(vdev_option_string(&builder, &o, &text), EPERM, builder.path, "vdev_option_string");
    REFUSES(vdev_option_text(&builder, &o, NULL, 0, &text), EPERM, builder.path, "vdev_option_text");
    assert_int_equal(small + big, 14);
    assert_string_equal(text, "kept");
}

static void test_memory(void **state)
{
    (void)state;
    assert_null(vdev_alloc(&builder, 16));
    traced(builder.path, "vdev_alloc");
    assert_null(vdev_alloc_pages(&builder, 1, &(uint64_t){ 0 }));
    traced(builder.path, "vdev_alloc_pages");
    assert_null(vintc_cpu_alloc(&cpu, 16));
    traced("vm", "vintc_cpu_alloc");
    assert_null(cpu.intc);
}

static void test_places(void **state)
{
    const struct gasp_region r = { .flags = GRF_VIRT_RD, .guest = { .type = QST_MEMORY, .length = 0x1000 } };
    uint64_t base, size;
    struct guest_intr line;
    (void)state;
    REFUSES(gasp_region_set(&builder, 1, &r), EPERM, builder.path, "gasp_region_set");
    assert_int_equal(vm.as.regions.count, 0);
    REFUSES(vdev_reg(&builder, 0, &base, &size), false, builder.path, "vdev_reg");
    REFUSES(vdev_interrupt(&builder, 0, &line), EPERM, builder.path, "vdev_interrupt");
    REFUSES(vdev_pin_taken(&builder, 40), true, builder.path, "vdev_pin_taken");
}

static void test_controller(void **state)
{
    static const struct vintc_ops ops;
    static const struct reg_table table;
    struct reg_index index;
    (void)state;
    REFUSES(vintc_register(&builder, &ops), EPERM, builder.path, "vintc_register");
    assert_null(vm.intc_vdev);
    REFUSES(reg_index_make(&table, &index), -EPERM, "register table", "reg_index_make");
}

static void test_tree(void **state)
{
    struct gtree g = { .f = { .gsp = &vm } };
    const uint32_t cell = 1;
    uint32_t rate = 0;
    (void)state;
    REFUSES(vdev_fdt_prop(&g.f, "always-on", NULL, 0), EPERM, "vm", "vdev_fdt_prop");
    REFUSES(vdev_fdt_u32s(&g.f, "reg", &cell, 1), EPERM, "vm", "vdev_fdt_u32s");
    REFUSES(vdev_fdt_clocks(&g.f, NULL, 0), EPERM, "vm", "vdev_fdt_clocks");
    REFUSES(vdev_clock_rate(&builder, 0, &rate), EPERM, builder.path, "vdev_clock_rate");
    REFUSES(vdev_fdt_string(&g.f, "status", "okay"), EPERM, "vm", "vdev_fdt_string");
}

static void test_cdev_setup(void **state)
{
    struct cdev_state fresh = { .vdev = NULL };
    (void)state;
    REFUSES(cdev_setup(&builder, &fresh, NULL), EPERM, builder.path, "cdev_setup");
    assert_null(fresh.vdev);
    REFUSES(cdev_startup(&builder, &fresh, VDEV_CTRL_OPTIONS_END, NULL), EPERM, builder.path, "cdev_startup");
}

/* ---- Running only ---- */

static void test_guest_data(void **state)
{
    const qvm_state_block x0 = { .type = QST_CPUREGS, .length = 8 };
    uint64_t data = 5;
    (void)state;
    cpu.arch.regs.x[0] = 9;
    REFUSES(guest_cpu_read(&cpu, GXF_NONE, &x0, 1, &data, 8), EPERM, "vm", "guest_cpu_read");
    REFUSES(guest_cpu_write(&cpu, GXF_NONE, &x0, 1, &data, 8), EPERM, "vm", "guest_cpu_write");
    REFUSES(guest_cpu_read(NULL, GXF_NONE, &x0, 1, &data, 8), EPERM, "no vCPU", "guest_cpu_read");
    REFUSES(guest_write_all_ones(&cpu, GXF_NONE, &x0, 1), EPERM, "vm", "guest_cpu_write");
    assert_int_equal(cpu.arch.regs.x[0], 9);
    assert_int_equal(data, 5);
}

static void test_interrupts(void **state)
{
    const struct guest_intr line = { .pic = &vdev, .param = 40, .src_id = 1 }, none = { .pic = NULL };
    (void)state;
    REFUSES(guest_intr_signal(&line, GIS_ON), EPERM, vdev.v_name, "guest_intr_signal");
    REFUSES(guest_intr_signal(&none, GIS_ON), EPERM, "a line without controller", "guest_intr_signal");
    assert_int_equal(signals, 0);
}

static void test_cdev(void **state)
{
    char c;
    (void)state;
    REFUSES(cdev_control(&cdev, VDEV_CTRL_STATUS, NULL), EPERM, vdev.v_name, "cdev_control");
    REFUSES(cdev_read(&cdev, &c, 1), 0, vdev.v_name, "cdev_read");
    REFUSES(cdev_write(&cdev, "c", 1), 0, vdev.v_name, "cdev_write");
    REFUSES(cdev_input_available(&cdev), false, vdev.v_name, "cdev_input_available");
    REFUSES(cdev_input_num_available(&cdev), 0, vdev.v_name, "cdev_input_num_available");
    REFUSES(cdev_output_full(&cdev), true, vdev.v_name, "cdev_output_full");
    REFUSES(cdev_output_empty(&cdev), true, vdev.v_name, "cdev_output_empty");
    REFUSES(cdev_output_num_pending(&cdev), 0, vdev.v_name, "cdev_output_num_pending");
}

/* In its own phase nothing is said. */
static void test_in_phase(void **state)
{
    const struct guest_intr line = { .pic = &vdev };
    (void)state;
    assert_non_null(vdev_alloc(&builder, 16));
    assert_int_equal(cdev_setup(&builder, &cdev, NULL), EOK);
    machine_phase = PHASE_RUNNING;
    signals = 0;
    assert_int_equal(guest_intr_signal(&line, GIS_ON), EOK);
    assert_int_equal(signals, 1);
    assert_string_equal(log_all(), "");
    alloc_forget();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_options, at_run_time),   cmocka_unit_test_setup(test_memory, at_run_time),
        cmocka_unit_test_setup(test_places, at_run_time),    cmocka_unit_test_setup(test_controller, at_run_time),
        cmocka_unit_test_setup(test_tree, at_run_time),      cmocka_unit_test_setup(test_cdev_setup, at_run_time),
        cmocka_unit_test_setup(test_guest_data, at_startup), cmocka_unit_test_setup(test_interrupts, at_startup),
        cmocka_unit_test_setup(test_cdev, at_startup),       cmocka_unit_test_setup(test_in_phase, at_startup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
