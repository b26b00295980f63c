/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/gasp.c hyp/base/lock.c hyp/gasp_map.c hyp/host.c hyp/regs.c hyp/reg_index.c hyp/aspace.c hyp/aspace_change.c hyp/aspace_window.c hyp/region.c arch/arm64/stage2.c arch/arm64/pgtable.c hyp/ranges.c tests/unit/arch_fake.c tests/unit/alloc_fake.c tests/unit/tree_support.c */
/* What of the machine vdevs show to guests: claims, shared memory in two address spaces, windows kept for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "arch/arm64/mmu.h"
#include "arch/arm64/stage2.h"
#include "hyp/api/host.h"
#include "hyp/host.h"
#include "hyp/pool.h"
#include "hyp/vm.h"
#include "tests/unit/alloc_fake.h"
#include "tests/unit/arch_fake.h"
#include "tests/unit/tree_support.h"

#define PARANGE_44 4
#define WINDOW MIB(512)
#define WINDOW_SIZE MIB(16)
#define SHARED GIB(4)
#define DATA (GRF_PASSTHRU | GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR)

static struct guest_system vms_made[2];
static struct config_vm config;
static const struct vdev_factory plain;
static vdev_t vdevs[3];
static struct vdev_builder builders[3];
static struct platform machine;

const struct platform *platform(void)
{
    return &machine;
}

/* The machine's registers that EL2 accesses for guests. */
static uint8_t page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static unsigned tried;
static bool try_fails;

volatile void *mmu_map_device(pa_t pa, uint64_t size)
{
    (void)size;
    return &page[pa.raw % PAGE_SIZE];
}

int mmio_try(volatile void *at, uint64_t *value, unsigned how)
{
    unsigned size = 1u << (how & 3);
    assert_int_equal((uintptr_t)at % size, 0);
    tried = how;
    if (try_fails)
        return 1;
    memcpy(how & 4 ? (void *)(uintptr_t)at : value, how & 4 ? value : (void *)(uintptr_t)at, size);
    return 0;
}

/* The pool of free memory: one piece. */
static struct range free_memory;
struct pool *pool_machine(void)
{
    return NULL;
}

uint64_t pool_largest(struct pool *pool)
{
    (void)pool;
    return free_memory.size;
}

struct range pool_alloc(struct pool *pool, uint64_t size, uint64_t align, pa_t lo, pa_t hi)
{
    (void)pool, (void)lo, (void)hi;
    assert_int_equal(align, size >= BLOCK_SIZE ? BLOCK_SIZE : PAGE_SIZE);
    return size <= free_memory.size ? (struct range){ free_memory.base, size } : (struct range){ PA(0), 0 };
}

static void vm_make(unsigned n)
{
    struct guest_system *vm = &vms_made[n];
    memset(vm, 0, sizeof(*vm));
    vm->id = n;
    vm->name = n ? "two" : "one";
    vm->config = &config;
    assert_int_equal(aspace_init(&vm->as, (uint16_t)(5 + n), 36), 0);
}

static int setup(void **state)
{
    static const char *const names[] = { "a", "b", "c" };
    (void)state;
    *fake_sysreg("id_aa64mmfr0_el1") = PARANGE_44;
    log_forget();
    machine_phase = PHASE_STARTUP;
    host_claims_forget(0);
    machine = (struct platform){
        .ram = { { PA(GIB(1)), GIB(1) } },
        .ram_count = 1,
        .reserved = { { PA(GIB(3)), PAGE_SIZE } },
        .reserved_count = 1,
        .gic = { .dist = { PA(0x8000000), 0x10000 }, .redist = { { PA(0x80a0000), 0x100000 } }, .redist_count = 1 },
        .uart = { .present = true, .regs = { PA(0x9000000), 0x1000 } },
        .results = { .present = true, .regs = { PA(0x9040000), 0x1000 } },
    };
    vm_make(0);
    vm_make(1);
    for (unsigned i = 0; i < 3; i++) {
        vdevs[i] = (vdev_t){ .v_factory = &plain, .v_gsp = &vms_made[i == 1], .v_name = names[i] };
        builders[i] = (struct vdev_builder){ .vdev = &vdevs[i], .gsp = vdevs[i].v_gsp, .path = names[i] };
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    aspace_destroy(&vms_made[0].as);
    aspace_destroy(&vms_made[1].as);
    alloc_forget();
    return 0;
}

static int window(unsigned vdev, uint64_t at, uint64_t size, unsigned regions)
{
    qvm_state_block w = { .type = QST_MEMORY, .location = at, .length = size };
    return gasp_window_prepare(&builders[vdev], &w, regions);
}

static int change(unsigned vdev, uint64_t at, uint64_t size, uint32_t flags, uint64_t host)
{
    int err = EOK;
    vdev_t *v = &vdevs[vdev];
    struct gasp_region g = { .flags = flags,
                             .vdev = v,
                             .host_location = host,
                             .guest = { .type = QST_MEMORY, .location = at, .length = size } };
    machine_phase = PHASE_RUNNING;
    assert_int_equal(gasp_lock(v->v_gsp, QST_MEMORY), EOK);
    unsigned done = gasp_region_set_soft(v->v_gsp, 1, &g, &err);
    gasp_unlock(v->v_gsp, QST_MEMORY);
    assert_int_equal(done, err == EOK);
    return err;
}

static struct aspace *space(unsigned vdev)
{
    return &vdevs[vdev].v_gsp->as;
}

/* Two guests see the same pages, each where it wants them, and one goes without the other. */
static void same_pages_in_two_spaces(void **state)
{
    (void)state;
    assert_int_equal(window(0, WINDOW, WINDOW_SIZE, 8), EOK);
    assert_int_equal(window(1, WINDOW + MIB(2), WINDOW_SIZE, 8), EOK);
    unsigned spare = space(0)->spare_count, count = space(0)->regions.count;
    assert_int_equal(change(0, WINDOW, MIB(1), DATA, SHARED), EOK);
    assert_int_equal(change(1, WINDOW + MIB(3), MIB(1), DATA, SHARED), EOK);
    struct pt_leaf leaf = pt_lookup(&space(0)->pt, WINDOW + PAGE_SIZE),
                   other = pt_lookup(&space(1)->pt, WINDOW + MIB(3));
    assert_int_equal(leaf.pa.raw, SHARED + PAGE_SIZE);
    assert_int_equal(leaf.attrs, S2_MEMATTR_NORMAL_WB | S2_SH_INNER | S2_AP_READ | S2_AP_WRITE | S2_XN);
    assert_int_equal(other.pa.raw, SHARED);
    assert_int_equal(change(0, WINDOW, MIB(1), GRF_NONE, 0), EOK);
    assert_false(pt_lookup(&space(0)->pt, WINDOW).mapped);
    assert_true(pt_lookup(&space(1)->pt, WINDOW + MIB(3)).mapped);
    assert_int_equal(space(0)->spare_count, spare);
    assert_int_equal(space(0)->regions.count, count);
}

static void nothing_reaches_it_but_the_guest(void **state)
{
    gasp_map_handle_t h;
    uint64_t len = PAGE_SIZE, paddr;
    (void)state;
    assert_int_equal(window(0, WINDOW, WINDOW_SIZE, 8), EOK);
    assert_int_equal(change(0, WINDOW, PAGE_SIZE, DATA, SHARED), EOK);
    assert_int_equal(gasp_map(&vdevs[0], GMF_READ, WINDOW, 8, &h), EFAULT);
    assert_int_equal(gasp_map_firmware(vdevs[0].v_gsp, GMF_READ, WINDOW, 8, &h), EFAULT);
    assert_null(gasp_map_contig(&vdevs[0], GMF_READ, WINDOW, &len, &paddr));
    assert_int_equal(aspace_ram_at(space(0), IPA(WINDOW), 4, 0).size, 0);
    /* What is executed, or walked, is the hardware's to look at. */
    assert_true(region_permits(aspace_find(space(0), IPA(WINDOW)), GRF_PASS_WR));
    assert_false(region_permits(aspace_find(space(0), IPA(WINDOW)), GRF_PASS_EX));
}

static void what_cannot_be_changed(void **state)
{
    (void)state;
    struct region ram = { .base = IPA(GIB(1)),
                          .size = MIB(2),
                          .flags = GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR,
                          .host = PA(GIB(5)),
                          .owner = "RAM" };
    assert_int_equal(aspace_add(space(0), &ram), 0);
    assert_int_equal(window(0, WINDOW, WINDOW_SIZE, 8), EOK);
    assert_int_equal(change(0, WINDOW, PAGE_SIZE, DATA, SHARED), EOK);
    assert_int_equal(change(0, WINDOW, PAGE_SIZE, DATA, SHARED + PAGE_SIZE), EINVAL); /* other pages */
    assert_int_equal(change(2, WINDOW, PAGE_SIZE, GRF_NONE, 0), EEXIST);              /* another vdev */
    assert_int_equal(change(0, GIB(1), PAGE_SIZE, DATA, SHARED), EINVAL);             /* over RAM */
    assert_true(log_has("other memory of the machine"));
    assert_int_equal(change(2, WINDOW + MIB(1), PAGE_SIZE, GRF_VIRT_RD, 0), EEXIST); /* in another's window */
    assert_true(log_has("c: 0x1000 bytes at 0x20100000 overlap what is kept for a"));
    assert_int_equal(change(0, WINDOW, PAGE_SIZE, DATA & ~(uint32_t)GRF_PASS_WR, SHARED), EOK); /* the same, less */
    assert_int_equal(pt_lookup(&space(0)->pt, WINDOW).attrs & S2_AP_WRITE, 0);
}

/* Whatever else took the spare tables and regions: what a window was given is there, and what is in it goes. */
static void windows_do_not_run_dry(void **state)
{
    (void)state;
    assert_int_equal(window(0, WINDOW, WINDOW_SIZE, 16), EOK);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(change(0, WINDOW + i * MIB(2), PAGE_SIZE, DATA, SHARED + i * PAGE_SIZE), EOK);
    space(0)->spare_count = 0;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(change(0, WINDOW + i * MIB(2), PAGE_SIZE, GRF_NONE, 0), EOK);
    assert_true(space(0)->spare_count > 0);
}

static void windows_that_are_refused(void **state)
{
    (void)state;
    assert_int_equal(window(0, WINDOW, WINDOW_SIZE, 16), EOK);
    assert_int_equal(window(2, WINDOW + PAGE_SIZE, PAGE_SIZE, 2), EEXIST);
    assert_int_equal(window(2, GIB(2) + 1, PAGE_SIZE, 2), EINVAL);
    assert_int_equal(window(2, BIT(36), PAGE_SIZE, 2), EINVAL);
    assert_int_equal(window(2, GIB(2), MIB(2), REGION_MAX), E2BIG);
    assert_int_equal(window(1, WINDOW, WINDOW_SIZE, 2), EOK); /* another VM */
    struct region r = { .base = IPA(WINDOW), .size = PAGE_SIZE, .flags = GRF_VIRT_RD, .vdev = &vdevs[2], .owner = "c" };
    assert_int_equal(aspace_add(space(0), &r), -EEXIST);
    /* Not found free; and what is promised is not given to others. */
    uint64_t at = aspace_find_free(space(0), &config, WINDOW, PAGE_SIZE, PAGE_SIZE);
    assert_int_equal(at, WINDOW + WINDOW_SIZE);
    unsigned n = 0;
    for (r.base = IPA(GIB(2)); aspace_add(space(0), &r) == 0; r.base = ipa_add(r.base, 2 * PAGE_SIZE))
        n++;
    assert_int_equal(n, REGION_MAX - 16);
    machine_phase = PHASE_RUNNING;
    assert_int_equal(window(2, GIB(2), MIB(2), 1), EPERM);
}

static int claim(unsigned vdev, uint64_t at, uint64_t size)
{
    return host_device_claim(&builders[vdev], at, size);
}

static void claims(void **state)
{
    static const struct {
        uint64_t at, size;
        const char *owner;
    } taken[] = {
        { 0x8000000, 0x1000, "interrupt controller" },
        { 0x80b0000, 0x1000, "interrupt controller" },
        { 0x8ff0000, 0x11000, "console" },
        { 0x9040000, 0x1000, "results channel" },
        { GIB(1) + MIB(5), 0x1000, "the machine's RAM" },
        { 0x3ffff000, 0x2000, "the machine's RAM" },
        { GIB(3), 0x1000, "the host's tree reserves" },
    };
    (void)state;
    assert_int_equal(claim(0, 0x9010000, 0x1000), EOK);
    assert_int_equal(claim(1, 0x900f000, 0x2000), EBUSY);
    assert_true(log_has("b: 0x2000 bytes at 0x900f000 of the machine belong to a already"));
    assert_int_equal(claim(1, 0x9011000, 0x1000), EOK);
    for (unsigned i = 0; i < ARRAY_LEN(taken); i++) {
        log_forget();
        assert_int_equal(claim(0, taken[i].at, taken[i].size), EBUSY);
        assert_true(log_has(taken[i].owner));
    }
    assert_int_equal(claim(0, 0x9020001, 0x1000), EINVAL);
    assert_int_equal(claim(0, 0x9020000, 0x800), EINVAL);
    assert_int_equal(claim(0, BIT(48) - PAGE_SIZE, 0x2000), EINVAL);
    /* A VM that was refused has nothing. */
    unsigned before = host_claims();
    assert_int_equal(claim(0, 0x9030000, 0x1000), EOK);
    host_claims_forget(before);
    assert_int_equal(claim(1, 0x9030000, 0x1000), EOK);
    machine_phase = PHASE_RUNNING;
    assert_int_equal(claim(1, 0x9050000, 0x1000), EPERM);
}

static void memory_of_the_machine(void **state)
{
    struct host_memory m;
    (void)state;
    free_memory = (struct range){ PA(SHARED), MIB(4) };
    assert_int_equal(host_memory_reserve(&builders[0], MIB(4), &m), EOK);
    assert_true(m.location == SHARED && m.length == MIB(4));
    assert_int_equal(host_memory_reserve(&builders[0], MIB(8), &m), ENOMEM);
    assert_true(log_has("a: 8192 KiB of shared memory wanted, the largest free piece is 4096 KiB"));
    assert_int_equal(host_memory_reserve(&builders[0], 0x800, &m), EINVAL);
    assert_int_equal(host_memory_reserve(&builders[0], 0, &m), EINVAL);
    machine_phase = PHASE_RUNNING;
    assert_int_equal(host_memory_reserve(&builders[0], PAGE_SIZE, &m), EPERM);
}

static void parts_of_a_page(void **state)
{
    struct host_regs one, two, none;
    uint64_t value;
    (void)state;
    assert_int_equal(host_regs_claim(&builders[0], 0xa003e00, 0x200, &one), EOK);
    assert_int_equal(host_regs_claim(&builders[1], 0xa003c00, 0x200, &two), EOK);
    assert_int_equal(host_regs_claim(&builders[1], 0xa003ffc, 0x200, &none), EBUSY);
    assert_true(log_has("b: 0x200 bytes at 0xa003ffc of the machine belong to a already"));
    assert_int_equal(claim(1, 0xa003000, PAGE_SIZE), EBUSY);
    assert_int_equal(host_regs_claim(&builders[1], 0x9000040, 4, &none), EBUSY);
    assert_int_equal(host_regs_claim(&builders[1], 0xa000000, 0, &none), EINVAL);
    machine_phase = PHASE_RUNNING;
    assert_int_equal(host_regs_write(&one, 0x70, 4, 0x8899aabb), EOK);
    assert_int_equal(tried, 6);
    assert_int_equal(page[0xe70], 0xbb);
    for (unsigned log = 0; log < 4; log++) {
        assert_int_equal(host_regs_read(&one, 0x70, 1u << log, &value), EOK);
        assert_int_equal(tried, log);
        assert_true(value == (0x8899aabb & ~UINT64_C(0) >> (64 - (8 << log))));
    }
    static const struct {
        uint64_t offset;
        unsigned size;
    } bad[] = {
        { 0x71, 2 }, { 0x74, 8 }, { 0x200, 4 }, { 0x1fc, 8 }, { ~UINT64_C(3), 4 }, { 0, 3 }, { 0, 16 }, { 0, 0 }
    };
    tried = 99;
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(host_regs_read(&one, bad[i].offset, bad[i].size, &value), EINVAL);
    assert_int_equal(tried, 99);
    try_fails = true;
    assert_int_equal(host_regs_read(&one, 0, 4, &value), EFAULT);
    assert_true(value == 0);
    assert_int_equal(host_regs_write(&two, 0, 4, 1), EFAULT);
    try_fails = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(same_pages_in_two_spaces, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_reaches_it_but_the_guest, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(windows_do_not_run_dry, setup, teardown),
        cmocka_unit_test_setup_teardown(windows_that_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(claims, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_of_the_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(parts_of_a_page, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
