/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/steal.c hyp/base/phase.c tests/unit/tree_support.c */
/* Stolen time: what is counted, and how a guest finds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hyp/vm.h"
#include "tests/unit/tree_support.h"
#include "vdevs/pvtime.c"

#define HZ 62500000 /* 16 ns */

static struct guest_cpu cpu[3], *cpus[] = { &cpu[0], &cpu[1], &cpu[2] };
static struct guest_system vm = { .name = "linux", .cpus = cpus, .cpu_count = 3 };
static vdev_t vdev = { .v_gsp = &vm, .v_factory = &pvtime_factory };
static struct vdev_builder builder = { .vdev = &vdev, .gsp = &vm, .path = "/linux/pvtime" };
static struct stolen_time *pages;
static unsigned page_count;
static struct gasp_region region;
static uint64_t served[2];
static uint64_t x[2]; /* the calling vCPU's */

uint64_t timer_freq(void)
{
    return HZ;
}

unsigned guest_cpu_count(const guest_system *gsp)
{
    return gsp->cpu_count;
}

guest_cpu *guest_cpu_get(guest_system *gsp, unsigned index)
{
    return gsp->cpus[index];
}

unsigned guest_cpu_index(const guest_cpu *gcp)
{
    return gcp->index;
}

int guest_cpu_read(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, void *data, size_t len)
{
    (void)gcp;
    (void)flags;
    assert_true(n == 1 && blk->type == QST_CPUREGS && blk->location <= 8 && len == 8);
    memcpy(data, &x[blk->location / 8], len);
    return EOK;
}

int guest_cpu_write(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, const void *data,
                    size_t len)
{
    (void)gcp;
    (void)flags;
    assert_true(n == 1 && blk->type == QST_CPUREGS && blk->location == 0 && len == 8);
    memcpy(&x[0], data, len);
    return EOK;
}

int guest_instr_register(struct vdev_builder *b, unsigned git, uint64_t qualifier, guest_instr_callback callback)
{
    assert_ptr_equal(b, &builder);
    assert_ptr_equal(callback, pvtime_serve);
    assert_true(git == GIT_ARM_HVC || git == GIT_ARM_SMC);
    served[git == GIT_ARM_SMC] = qualifier;
    return EOK;
}

void *vdev_alloc_pages(struct vdev_builder *b, unsigned n, uint64_t *pa)
{
    (void)b;
    free(pages);
    pages = aligned_alloc(PAGE_SIZE, n * PAGE_SIZE);
    memset(pages, 0, n * PAGE_SIZE);
    page_count = n;
    *pa = 0x80001000;
    return pages;
}

int gasp_region_set(struct vdev_builder *b, unsigned n, const struct gasp_region *rgn)
{
    (void)b;
    assert_int_equal(n, 1);
    region = *rgn;
    return EOK;
}

static int setup(void **state)
{
    (void)state;
    machine_phase = PHASE_STARTUP;
    memset(cpu, 0, sizeof(cpu));
    for (unsigned i = 0; i < 3; i++) {
        cpu[i].vm = &vm;
        cpu[i].index = i;
    }
    log_forget();
    vdev.v_block = (qvm_state_block){ .type = QST_MEMORY };
    assert_int_equal(pvtime_startup(&builder, VDEV_CTRL_OPTIONS_START, NULL), EOK);
    assert_int_equal(vdev.v_block.length, PAGE_SIZE);
    vdev.v_block.location = 0x90a0000;
    return pvtime_startup(&builder, VDEV_CTRL_ASSIGN, NULL);
}

static void counted_to_the_tick(void **state)
{
    (void)state;
    machine_phase = PHASE_RUNNING;
    for (uint64_t i = 1; i < 2000; i++) {
        cpu[1].ctx.waited += i * 7;
        steal_show(&cpu[1]);
        assert_int_equal(pages[1].stolen_time, cpu[1].ctx.waited * 16);
    }
    assert_int_equal(pages[0].stolen_time | pages[2].stolen_time, 0);
    assert_int_equal(pages[1].revision | pages[1].attributes, 0);
    /* Ten years, and a tick. */
    cpu[2].ctx.waited = 1 + UINT64_C(315360000) * HZ;
    steal_show(&cpu[2]);
    assert_int_equal(pages[2].stolen_time, UINT64_C(315360000) * 1000000000 + 16);
    steal_reset(&vm);
    assert_int_equal(pages[1].stolen_time | pages[2].stolen_time, 0);
    cpu[2].ctx.waited += 3;
    steal_show(&cpu[2]);
    assert_int_equal(pages[2].stolen_time, 48);
    assert_int_equal(steal_ticks(&cpu[2]), 3);
}

static void memory_is_read_only(void **state)
{
    (void)state;
    assert_int_equal(page_count, 1);
    assert_int_equal(region.flags, GRF_PASS_RD | GRF_MEMORY | GRF_ACTIVE);
    assert_int_equal(region.host_location, 0x80001000);
    assert_int_equal(region.guest.location, 0x90a0000);
    assert_int_equal(region.guest.length, PAGE_SIZE);
    vdev.v_block.location = 0x90a0040;
    assert_int_equal(pvtime_startup(&builder, VDEV_CTRL_ASSIGN, NULL), EINVAL);
    assert_true(log_has("/linux/pvtime: reg: 0x1000 bytes at 0x90a0040 are no whole pages"));
}

static uint64_t call(unsigned index, uint32_t fn, uint64_t argument)
{
    x[0] = fn;
    x[1] = argument;
    assert_int_equal(pvtime_serve(&vdev, &cpu[index], GIT_ARM_HVC, fn), VRS_NORMAL);
    return x[0];
}

/* DEN 0057A 3.1 and 3.2. */
static void calls(void **state)
{
    (void)state;
    machine_phase = PHASE_RUNNING;
    assert_int_equal(served[0], GIT_CALLS(UINT64_C(0xc5000020), UINT64_C(0xc5000021)));
    assert_int_equal(served[1], served[0]);
    assert_int_equal(call(0, 0xc5000020, 0xc5000020), 0);
    assert_int_equal(call(0, 0xc5000020, 0xc5000021), 0);
    assert_int_equal(call(0, 0xc5000020, UINT64_C(0xffffffffc5000021)), 0); /* W1 */
    assert_int_equal(call(0, 0xc5000020, 0xc5000022), -1);
    assert_int_equal(call(0, 0xc5000020, 0x85000021), -1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(call(i, 0xc5000021, 0), 0x90a0000 + 64 * i);
}

static void one_owner(void **state)
{
    (void)state;
    uint64_t word;
    assert_int_equal(guest_cpu_stolen_to(&cpu[0], &word), EBUSY);
    assert_true(log_has("linux: vcpu 0: two vdevs want its stolen time"));
    machine_phase = PHASE_RUNNING;
    assert_int_equal(guest_cpu_stolen_to(&cpu[0], &word), EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counted_to_the_tick, setup),
        cmocka_unit_test_setup(memory_is_read_only, setup),
        cmocka_unit_test_setup(calls, setup),
        cmocka_unit_test_setup(one_owner, setup),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(pages);
    return failed;
}
