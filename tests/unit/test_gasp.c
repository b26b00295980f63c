/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/gasp.c hyp/base/lock.c hyp/gasp_map.c hyp/regs.c hyp/reg_index.c hyp/aspace.c hyp/aspace_change.c hyp/aspace_window.c hyp/region.c arch/arm64/stage2.c arch/arm64/pgtable.c hyp/ranges.c tests/unit/arch_fake.c tests/unit/alloc_fake.c tests/unit/tree_support.c */
/* The vdev API to the address space while the machine runs: soft changes against a model page by page, and maps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "arch/arm64/mmu.h"
#include "arch/arm64/stage2.h"
#include "hyp/vm.h"
#include "tests/unit/alloc_fake.h"
#include "tests/unit/arch_fake.h"
#include "tests/unit/tree_support.h"

#define PARANGE_44 4
#define RAM GIB(1)
#define RAM_SIZE MIB(64)
#define RAM_HOST GIB(4)
#define ROM MIB(16)
#define HOLE MIB(512)
#define RAM_FLAGS (GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR | GRF_PASS_EX)

static struct guest_system vm;
static struct config_vm config;
static const struct reg rows[] = { { .offset = 0, .span = 4, .stride = 4, .sizes = REG_SIZE_4 } };
static const struct reg_table table = { rows, 1, REG_RAZ_WI }, unprepared = { rows, 1, REG_RAZ_WI };
static const struct vdev_factory with_table = { .regs = &table }, plain;
static vdev_t one = { .v_factory = &with_table, .v_gsp = &vm, .v_name = "one" };
static vdev_t two = { .v_factory = &plain, .v_gsp = &vm, .v_name = "two" };
static struct vdev_builder builder = { .vdev = &one, .gsp = &vm, .path = "/vm/one" };

static int setup(void **state)
{
    (void)state;
    *fake_sysreg("id_aa64mmfr0_el1") = PARANGE_44;
    log_forget();
    memset(&vm, 0, sizeof(vm));
    memset(fake_views, 0, sizeof(fake_views));
    vm.id = 1;
    vm.name = "vm";
    vm.config = &config;
    machine_phase = PHASE_STARTUP;
    if (aspace_init(&vm.as, 5, 36))
        return -1;
    struct region ram = {
        .base = IPA(RAM), .size = RAM_SIZE, .flags = RAM_FLAGS, .host = PA(RAM_HOST), .owner = "RAM"
    };
    struct region rom = ram;
    rom.base = IPA(ROM);
    rom.size = MIB(2);
    rom.flags &= ~(uint32_t)GRF_PASS_WR;
    rom.host = PA(GIB(5));
    rom.owner = "ROM";
    bool failed = aspace_add(&vm.as, &ram) || aspace_add(&vm.as, &rom) || gasp_regs_prepare(&builder, &table);
    machine_phase = PHASE_RUNNING;
    return failed ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    aspace_destroy(&vm.as);
    alloc_forget();
    return 0;
}

static struct gasp_region entry(uint64_t at, uint64_t size, uint32_t flags, vdev_t *v)
{
    return (struct gasp_region){ .flags = flags,
                                 .vdev = v,
                                 .guest = { .type = QST_MEMORY, .location = at, .length = size } };
}

/* One change as a vdev makes it. EOK or the errno. */
static int change(uint64_t at, uint64_t size, uint32_t flags, vdev_t *v)
{
    struct gasp_region g = entry(at, size, flags, v);
    int err = -1;
    assert_int_equal(gasp_lock(&vm, QST_MEMORY), EOK);
    unsigned done = gasp_region_set_soft(&vm, 1, &g, &err);
    gasp_unlock(&vm, QST_MEMORY);
    assert_int_equal(done, err == EOK);
    return err;
}

static const struct region *region_of(uint64_t at)
{
    return aspace_find(&vm.as, IPA(at));
}

static void test_read_direct_write_trapped(void **state)
{
    (void)state;
    uint64_t at = RAM + MIB(3), spare = vm.as.spare_count;
    assert_int_equal(change(at, PAGE_SIZE, GRF_PASS_RD | GRF_VIRT_WR, &one), EOK);
    struct pt_leaf leaf = pt_lookup(&vm.as.pt, at);
    assert_int_equal(leaf.size, PAGE_SIZE);
    assert_int_equal(leaf.attrs, S2_MEMATTR_NORMAL_WB | S2_SH_INNER | S2_AP_READ | S2_XN);
    assert_int_equal(leaf.pa.raw, RAM_HOST + MIB(3));
    assert_int_equal(pt_lookup(&vm.as.pt, at - PAGE_SIZE).attrs, S2_RAM);
    assert_int_equal(pt_lookup(&vm.as.pt, at + PAGE_SIZE).attrs, S2_RAM);
    assert_int_equal(pt_lookup(&vm.as.pt, RAM).size, BLOCK_SIZE);
    const struct region *r = region_of(at);
    assert_true(r->vdev == &one && r->regs == &table && r->index.granules == 1 && r->skip == 0);
    assert_true(region_permits(r, GRF_PASS_RD) && !region_permits(r, GRF_PASS_WR));
    assert_int_equal(vm.as.regions.count, 4);
    /* As it was, down to the blocks and the spare pages. */
    assert_int_equal(change(at, PAGE_SIZE, GRF_NONE, &one), EOK);
    assert_int_equal(vm.as.regions.count, 2);
    assert_int_equal(pt_lookup(&vm.as.pt, at).attrs, S2_RAM);
    assert_int_equal(pt_lookup(&vm.as.pt, at).size, BLOCK_SIZE);
    assert_int_equal(vm.as.spare_count, spare);
    assert_null(region_of(at)->vdev);
}

static void test_memory_stays_memory(void **state)
{
    (void)state;
    assert_int_equal(change(RAM, MIB(2), GRF_NOPERMS, NULL), EOK);
    assert_int_equal(region_of(RAM)->flags & GRF_MEMORY, GRF_MEMORY);
    assert_false(pt_lookup(&vm.as.pt, RAM).mapped);
    assert_int_equal(change(RAM, MIB(2), GRF_NONE, NULL), EPERM); /* reserved until it is said by whom: not a vdev's */
    assert_int_equal(change(ROM, PAGE_SIZE, GRF_PASS_RD | GRF_NOCACHE, NULL), EOK);
    assert_int_equal(pt_lookup(&vm.as.pt, ROM).attrs, S2_MEMATTR_NORMAL_NC | S2_SH_INNER | S2_AP_READ | S2_XN);
    assert_int_equal(change(ROM, PAGE_SIZE, GRF_NONE, NULL), EOK);
    assert_int_equal(pt_lookup(&vm.as.pt, ROM).attrs, S2_ROM);
    assert_int_equal(pt_lookup(&vm.as.pt, ROM).size, BLOCK_SIZE);
}

static void test_device_comes_and_goes(void **state)
{
    (void)state;
    assert_int_equal(change(HOLE, 0x1000, GRF_VIRT_RD | GRF_VIRT_WR, &one), EOK);
    /* A part removed: the rest keeps its offsets. */
    assert_int_equal(change(HOLE + 0x400, 0x400, GRF_NONE, &one), EOK);
    assert_null(region_of(HOLE + 0x400));
    assert_int_equal(region_of(HOLE + 0x800)->skip, 0x800);
    struct gasp_region info;
    qvm_state_block block = { .type = QST_MEMORY, .location = HOLE + 0x900 };
    assert_int_equal(gasp_region_info(&vm, &block, &info), EOK);
    assert_true(info.guest.location == HOLE + 0x800 && info.guest.length == 0x800 && info.vdev == &one);
    block.location = HOLE + 0x500;
    assert_int_equal(gasp_region_info(&vm, &block, &info), ENOENT);
    /* Some of it free, some not: refused whole. */
    assert_int_equal(change(HOLE, 0x1000, GRF_NONE, &one), EINVAL);
    assert_true(log_has("some are regions and some are free"));
    assert_int_equal(change(HOLE, 0x400, GRF_NONE, &one), EOK);
    assert_int_equal(change(HOLE + 0x800, 0x800, GRF_NONE, &one), EOK);
    assert_int_equal(vm.as.regions.count, 2);
}

static void test_whose(void **state)
{
    (void)state;
    assert_int_equal(change(HOLE, 0x1000, GRF_VIRT_RD, &one), EOK);
    assert_int_equal(change(HOLE, 0x1000, GRF_VIRT_RD, &two), EEXIST);
    assert_true(log_has("two: 0x1000 bytes at 0x20000000 overlap one"));
    assert_int_equal(change(HOLE, 0x1000, GRF_NONE, &two), EEXIST);
    assert_int_equal(change(RAM + PAGE_SIZE, PAGE_SIZE, GRF_VIRT_RD, &one), EOK);
    assert_int_equal(change(RAM, MIB(1), GRF_VIRT_RD, &two), EEXIST);
    assert_int_equal(region_of(RAM)->flags, RAM_FLAGS);
    /* Removing asks for no vdev; one that is named must be the right one. */
    assert_int_equal(change(HOLE, 0x1000, GRF_NONE, NULL), EOK);
    assert_int_equal(change(RAM + PAGE_SIZE, PAGE_SIZE, GRF_NONE, NULL), EOK);
    assert_int_equal(region_of(RAM + PAGE_SIZE)->flags, RAM_FLAGS);
    assert_null(region_of(RAM + PAGE_SIZE)->vdev);
}

/* A guest may supply the address: what stage 2 cannot have is refused, and nothing else happens. */
static void test_memory_in_whole_pages(void **state)
{
    static const struct {
        uint64_t at, size;
    } bad[] = { { RAM + 0x1004, 4 }, { RAM + 0x1000, 4 }, { RAM + 0x1800, 0x800 }, { RAM + 0x800, 0x1000 } };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        log_forget();
        assert_int_equal(change(bad[i].at, bad[i].size, GRF_VIRT_RD | GRF_VIRT_WR, &one), EINVAL);
        assert_true(log_has("are no whole pages of"));
        assert_int_equal(change(bad[i].at, bad[i].size, GRF_NONE, &one), EINVAL);
    }
    assert_int_equal(change(RAM + PAGE_SIZE, PAGE_SIZE, GRF_VIRT_RD, &one), EOK);
    assert_int_equal(change(RAM + PAGE_SIZE + 4, 4, GRF_NONE, &one), EINVAL);
    assert_int_equal(change(RAM + PAGE_SIZE, PAGE_SIZE, GRF_NONE, &one), EOK);
    assert_int_equal(region_of(RAM)->flags, RAM_FLAGS);
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(change(HOLE, 0x1000, GRF_NONE, &one), ENOENT);
    assert_int_equal(change(HOLE, 0x1000, GRF_VIRT_RD, NULL), EINVAL);
    assert_int_equal(change(QSL_NO_LOCATION, 0x1000, GRF_VIRT_RD, &one), EINVAL);
    assert_int_equal(change(RAM + 0x800, 0x1000, GRF_PASS_RD, NULL), EINVAL);
    assert_int_equal(change(BIT(36), 0x1000, GRF_VIRT_RD, &one), EINVAL);
    struct gasp_region pass = entry(HOLE, PAGE_SIZE, GRF_PASSTHRU | GRF_PASS_RD, NULL);
    int err;
    pass.host_location = BIT(48);
    assert_int_equal(gasp_lock(&vm, QST_MEMORY), EOK);
    assert_int_equal(gasp_region_set_soft(&vm, 1, &pass, &err), 0);
    gasp_unlock(&vm, QST_MEMORY);
    assert_int_equal(err, ERANGE);
    assert_null(region_of(HOLE));
    struct gasp_region g[2] = { entry(HOLE, 0x1000, GRF_VIRT_RD, &two),
                                entry(HOLE + 0x1000, 0x1000, GRF_VIRT_RD, &two) };
    g[1].regs = &unprepared;
    assert_int_equal(gasp_lock(&vm, QST_MEMORY), EOK);
    assert_int_equal(gasp_region_set_soft(&vm, 2, g, &err), 1);
    assert_int_equal(err, EINVAL);
    assert_true(log_has("two: a register table that startup did not prepare"));
    machine_phase = PHASE_STARTUP;
    assert_int_equal(gasp_region_set_soft(&vm, 2, g, &err), 0);
    assert_int_equal(err, EPERM);
    assert_true(log_has("gasp_region_set_soft"));
    gasp_unlock(&vm, QST_MEMORY);
    assert_int_equal(gasp_lock(&vm, QST_HOST), EINVAL);
    assert_int_equal(lock_try(&vm.as.change), true);
}

static void test_no_room(void **state)
{
    (void)state;
    unsigned n = 0;
    while (change(HOLE + 2 * n * PAGE_SIZE, 0x1000, GRF_VIRT_RD, &one) == EOK)
        n++;
    assert_true(log_has("regions in one VM"));
    assert_true(n + 2 == REGION_MAX);
    unsigned count = vm.as.regions.count;
    assert_int_equal(change(RAM + MIB(1), PAGE_SIZE, GRF_VIRT_RD, &one), E2BIG);
    assert_int_equal(vm.as.regions.count, count);
}

static void test_no_tables(void **state)
{
    (void)state;
    unsigned block = 0;
    alloc_left = 0;
    while (block < RAM_SIZE / BLOCK_SIZE && vm.as.spare_count >= 4) {
        assert_int_equal(change(RAM + block * BLOCK_SIZE, PAGE_SIZE, GRF_VIRT_RD, &two), EOK);
        vm.as.spare_count -= 2; /* as if other changes had them */
        block++;
    }
    assert_int_equal(change(RAM + block * BLOCK_SIZE, PAGE_SIZE, GRF_VIRT_RD, &two), ENOMEM);
    assert_true(log_has("may need 4 table pages"));
    assert_int_equal(region_of(RAM + block * BLOCK_SIZE)->flags, RAM_FLAGS);
    assert_int_equal(pt_lookup(&vm.as.pt, RAM + block * BLOCK_SIZE).attrs, S2_RAM);
    vm.as.spare_count += 2 * block;
    alloc_left = -1;
}

/* Memory that no block fits may need a table page for each 2 MiB, whatever lies behind it. */
static void test_no_tables_for_pages(void **state)
{
    struct region odd = { .base = IPA(HOLE), .size = MIB(64), .flags = RAM_FLAGS, .owner = "odd" }, even = odd;
    (void)state;
    odd.host = PA(GIB(6) + PAGE_SIZE);
    even.base = IPA(HOLE + MIB(64));
    even.host = PA(GIB(7));
    even.size = MIB(2);
    assert_int_equal(aspace_add(&vm.as, &odd) || aspace_add(&vm.as, &even), 0);
    unsigned spare = vm.as.spare_count;
    vm.as.spare_count = 8;
    assert_int_equal(change(HOLE, MIB(66), GRF_PASS_RD, NULL), ENOMEM);
    assert_true(log_has("may need 37 table pages, 8 are left"));
    vm.as.spare_count = spare;
}

/* What a vCPU has cached is good until something changes, and only then looked up again. */
static void test_cache(void **state)
{
    struct region_cache cache = { .generation = 0 };
    (void)state;
    assert_int_equal(change(HOLE, 0x1000, GRF_VIRT_RD | GRF_VIRT_WR, &one), EOK);
    assert_null(aspace_cached(&vm.as, &cache, IPA(HOLE)));
    assert_non_null(aspace_find_cached(&vm.as, &cache, IPA(HOLE + 4)));
    assert_ptr_equal(aspace_cached(&vm.as, &cache, IPA(HOLE + 0xffc)), &cache.region);
    assert_null(aspace_cached(&vm.as, &cache, IPA(HOLE + 0x1000)));
    assert_int_equal(change(HOLE, 0x1000, GRF_NONE, &one), EOK);
    assert_null(aspace_cached(&vm.as, &cache, IPA(HOLE)));
    assert_null(aspace_find_cached(&vm.as, &cache, IPA(HOLE)));
}

#define MODEL_PAGES 1100 /* beyond two blocks of RAM */
struct page {
    uint32_t flags;
    vdev_t *vdev;
};

static void model_check(const struct page *model)
{
    for (unsigned i = 0; i < MODEL_PAGES; i++) {
        uint64_t at = RAM + i * PAGE_SIZE;
        const struct region *r = region_of(at);
        struct pt_leaf leaf = pt_lookup(&vm.as.pt, at);
        assert_true(r && r->flags == model[i].flags && r->vdev == model[i].vdev);
        assert_int_equal(r->host.raw + (at - r->base.raw), RAM_HOST + i * PAGE_SIZE);
        assert_int_equal(leaf.mapped, (model[i].flags & GRF_PASS) != 0);
        if (leaf.mapped) {
            assert_int_equal(leaf.pa.raw + (at - leaf.ia), RAM_HOST + i * PAGE_SIZE);
            assert_int_equal((leaf.attrs & S2_AP_WRITE) != 0, (model[i].flags & GRF_PASS_WR) != 0);
        }
    }
}

static void test_random(void **state)
{
    static struct page model[MODEL_PAGES];
    static const uint32_t flags[] = { GRF_NONE, GRF_NONE, GRF_VIRT_RD | GRF_VIRT_WR, GRF_PASS_RD | GRF_VIRT_WR,
                                      GRF_PASS_RD | GRF_PASS_WR };
    uint32_t seed = 11;
    (void)state;
    unsigned spare = vm.as.spare_count;
    for (unsigned i = 0; i < MODEL_PAGES; i++)
        model[i] = (struct page){ RAM_FLAGS, NULL };
    for (unsigned n = 0; n < 1500; n++) {
        unsigned first = random_next(&seed) % MODEL_PAGES, count = 1 + random_next(&seed) % 40;
        uint32_t f = flags[random_next(&seed) % ARRAY_LEN(flags)];
        vdev_t *v = random_next(&seed) % 2 ? &one : &two;
        bool mine = true;
        count = first + count > MODEL_PAGES ? MODEL_PAGES - first : count;
        for (unsigned i = first; i < first + count; i++)
            mine &= !model[i].vdev || model[i].vdev == v;
        int err = change(RAM + first * PAGE_SIZE, count * PAGE_SIZE, f, v);
        if (!mine)
            assert_int_equal(err, EEXIST);
        if (err == EOK)
            for (unsigned i = first; i < first + count; i++)
                model[i] = f ? (struct page){ f | GRF_MEMORY, v } : (struct page){ RAM_FLAGS, NULL };
        else
            assert_true(!mine || err == E2BIG);
        if (n % 50 == 0)
            model_check(model);
        log_forget();
    }
    model_check(model);
    /* As a vdev removes what is in pieces now: each by what gasp_region_info() says of it. */
    for (uint64_t at = RAM; at < RAM + RAM_SIZE; at = region_of(at)->base.raw + region_of(at)->size) {
        struct gasp_region info;
        qvm_state_block block = { .type = QST_MEMORY, .location = at };
        assert_int_equal(gasp_region_info(&vm, &block, &info), EOK);
        if (info.vdev)
            assert_int_equal(change(info.guest.location, info.guest.length, GRF_NONE, info.vdev), EOK);
    }
    /* All is as at the beginning: two regions, blocks of 2 MiB, no table page lost. */
    assert_int_equal(vm.as.regions.count, 2);
    assert_int_equal(vm.as.spare_count, spare);
    for (uint64_t at = 0; at < RAM_SIZE; at += BLOCK_SIZE)
        assert_int_equal(pt_lookup(&vm.as.pt, RAM + at).size, BLOCK_SIZE);
}

static unsigned views_mapped(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < FAKE_VIEWS; i++)
        n += fake_views[i] != 0;
    return n;
}

static void test_map(void **state)
{
    gasp_map_handle_t h;
    (void)state;
    assert_int_equal(gasp_map(&one, GMF_READ | GMF_WRITE, RAM + 0xff8, 16, &h), EOK);
    char *at = gasp_get_vaddr(&h);
    unsigned page = (unsigned)((va_of(at).raw - HYP_VA_VIEWS) / PAGE_SIZE);
    assert_int_equal(va_of(at).raw % PAGE_SIZE, 0xff8);
    assert_true(page >= VIEW_PAGES && page < 2 * VIEW_PAGES); /* the share of VM 1 */
    assert_int_equal(fake_views[page], RAM_HOST);
    assert_int_equal(fake_views[page + 1], RAM_HOST + PAGE_SIZE);
    assert_true(fake_views_writable[page]);
    /* The next has a hole before it. */
    char *next = gasp_map_sys(&vm, GMF_READ, ROM, 1);
    assert_ptr_equal(next, view_ptr(page + 3));
    assert_false(fake_views_writable[page + 3]);
    fake_event_count = 0;
    gasp_unmap_handle(&vm, &h, true);
    assert_true(fake_events_are(0, (const char *const[]){ "clean", "bytes", NULL }) && fake_events[1].value == 16);
    assert_null(gasp_get_vaddr(&h));
    gasp_unmap_handle(&vm, &h, true);
    assert_int_equal(views_mapped(), 1);
    assert_int_equal(gasp_unmap(&vm, next, 1, false), EOK);
    assert_int_equal(views_mapped(), 0);
}

static void test_map_refused(void **state)
{
    gasp_map_handle_t h;
    (void)state;
    assert_int_equal(gasp_map(&one, GMF_READ, RAM, 0, &h), EINVAL);
    assert_int_equal(gasp_map(&one, 0, RAM, 8, &h), EINVAL);
    assert_int_equal(gasp_map(&one, 8, RAM, 8, &h), EINVAL);
    assert_int_equal(gasp_map(&one, GMF_READ, RAM - 1, 2, &h), EFAULT);
    assert_int_equal(gasp_map(&one, GMF_READ, RAM + RAM_SIZE - 1, 2, &h), EFAULT);
    assert_int_equal(gasp_map(&one, GMF_READ, ~UINT64_C(0), 2, &h), EFAULT);
    assert_int_equal(gasp_map(&one, GMF_READ, RAM, ~UINT64_C(0), &h), EFAULT);
    assert_int_equal(gasp_map(&one, GMF_READ, RAM, RAM_SIZE, &h), ENOSPC);
    assert_null(gasp_get_vaddr(&h));
    /* The guest may not write its ROM, and no vdev for it; a vdev of its own accord may. */
    assert_null(gasp_map_vdma(&one, GMF_WRITE, ROM, 8));
    void *own = gasp_map_sys(&vm, GMF_WRITE, ROM, 8);
    assert_non_null(own);
    /* What a change took away is not the guest's to offer. */
    assert_int_equal(change(RAM + PAGE_SIZE, PAGE_SIZE, GRF_PASS_RD | GRF_VIRT_WR, &one), EOK);
    assert_null(gasp_map_vdma(&one, GMF_WRITE, RAM, 2 * PAGE_SIZE));
    assert_int_equal(views_mapped(), 1);
    assert_int_equal(gasp_unmap(&vm, own, 2 * PAGE_SIZE, false), EINVAL);
    assert_int_equal(gasp_unmap(&vm, view_ptr(0), 8, false), EINVAL); /* another VM's share */
    assert_int_equal(gasp_unmap(&vm, own, 8, false), EOK);
    assert_int_equal(gasp_unmap(&vm, own, 8, false), EINVAL);
    assert_true(log_has("are no map of this VM's"));
}

/* The share can be used up, and all of it comes back. */
static void test_map_all(void **state)
{
    void *at[VIEW_PAGES];
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        unsigned n = 0;
        while (n < VIEW_PAGES && (at[n] = gasp_map_vdma(&one, GMF_READ, RAM + n * PAGE_SIZE, PAGE_SIZE)) != NULL)
            n++;
        assert_int_equal(n, VIEW_PAGES / 2);
        while (n)
            assert_int_equal(gasp_unmap(&vm, at[--n], PAGE_SIZE, false), EOK);
        assert_int_equal(views_mapped(), 0);
    }
    uint64_t len = 3 * PAGE_SIZE, pa = 0;
    at[0] = gasp_map_contig(&one, GMF_READ, RAM + 8, &len, &pa);
    assert_true(at[0] && pa == RAM_HOST + 8 && len == 3 * PAGE_SIZE);
    assert_int_equal(views_mapped(), 4);
}

static void test_find_free(void **state)
{
    qvm_state_block a, b;
    (void)state;
    assert_int_equal(gasp_lock(&vm, QST_MEMORY), EOK);
    assert_int_equal(gasp_find_free(&vm, PAGE_SIZE, PAGE_SIZE, &a), EOK);
    struct gasp_region g = entry(a.location, a.length, GRF_VIRT_RD, &one);
    int err;
    assert_int_equal(gasp_region_set_soft(&vm, 1, &g, &err), 1);
    assert_int_equal(gasp_find_free(&vm, PAGE_SIZE, PAGE_SIZE, &b), EOK);
    assert_int_equal(b.location, a.location + PAGE_SIZE);
    assert_int_equal(gasp_find_free(&vm, BIT(36), PAGE_SIZE, &b), ENOSPC);
    assert_int_equal(gasp_find_free(&vm, PAGE_SIZE, 3, &b), EINVAL);
    gasp_unlock(&vm, QST_MEMORY);
}

static void test_find_free_range(void **state)
{
    qvm_state_block at = { .location = 1 };
    (void)state;
    assert_int_equal(gasp_lock(&vm, QST_MEMORY), EOK);
    assert_int_equal(gasp_find_free_range(&vm, ROM, UINT64_MAX, PAGE_SIZE, PAGE_SIZE, &at), EOK);
    assert_int_equal(at.location, ROM + MIB(2));
    assert_int_equal(gasp_find_free_range(&vm, ROM, ROM + MIB(2) - 1, PAGE_SIZE, PAGE_SIZE, &at), ENOSPC);
    assert_int_equal(gasp_find_free_range(&vm, ROM, ROM + MIB(2) + PAGE_SIZE - 2, PAGE_SIZE, PAGE_SIZE, &at), ENOSPC);
    assert_int_equal(gasp_find_free_range(&vm, ROM, ROM + MIB(2) + PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE, &at), EOK);
    assert_int_equal(gasp_find_free_range(&vm, 0, 0, 1, 1, &at), EOK);
    assert_int_equal(at.location, 0);
    assert_int_equal(gasp_find_free_range(&vm, 0, UINT64_MAX, 0, 1, &at), ENOSPC);
    assert_int_equal(gasp_find_free_range(&vm, BIT(36), UINT64_MAX, 1, 1, &at), ENOSPC);
    assert_int_equal(gasp_find_free_range(&vm, 1, 0, 1, 1, &at), ENOSPC);
    gasp_unlock(&vm, QST_MEMORY);
}

/* All regions by rising address, with one that comes into being behind where the walk is, and one before it. */
static void test_walk(void **state)
{
    struct gasp_walk w;
    struct gasp_region r;
    (void)state;
    assert_int_equal(gasp_walk_count(&vm), 2);
    gasp_walk_init(&w);
    assert_true(gasp_walk_next(&vm, &w, &r));
    assert_int_equal(r.guest.location, ROM);
    assert_int_equal(r.guest.length, MIB(2));
    assert_int_equal(r.host_location, GIB(5));
    assert_int_equal(change(HOLE, 0x1000, GRF_VIRT_RD, &one), EOK);
    assert_int_equal(change(0x1000, 0x1000, GRF_VIRT_RD, &one), EOK);
    assert_int_equal(gasp_walk_count(&vm), 4);
    assert_true(gasp_walk_next(&vm, &w, &r));
    assert_int_equal(r.guest.location, HOLE);
    assert_ptr_equal(r.vdev, &one);
    assert_true(gasp_walk_next(&vm, &w, &r));
    assert_int_equal(r.guest.location, RAM);
    assert_false(gasp_walk_next(&vm, &w, &r));
    assert_false(gasp_walk_next(&vm, &w, &r));
    gasp_walk_init(&w);
    assert_true(gasp_walk_next(&vm, &w, &r));
    assert_int_equal(r.guest.location, 0x1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read_direct_write_trapped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_stays_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_device_comes_and_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whose, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_in_whole_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_tables_for_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_find_free, setup, teardown),
        cmocka_unit_test_setup_teardown(test_find_free_range, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
