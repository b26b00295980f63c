/* SPDX-License-Identifier: Apache-2.0 */
/* sources: arch/arm64/pgtable.c */
/*
 * The page-table engine against two models. The flat one says what every page must look like. The other stands for the walkers
 * and TLBs of other cores at their worst: whatever was visible may be cached until it is invalidated, a store is not visible for
 * certain before it is published, and what was cached stays in use. It refuses every step out of order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "arch/arm64/pgtable.h"

#define ARENA_PAGES 2048
#define ROOT_PAGES 16
#define PERMISSIONS (FIELD(7, 6) | FIELD(54, 53))

/* ---- The machine: table pages, what is not published, what may be cached ---- */

struct page_state {
    bool used, linked;
    unsigned level;
    uint64_t base; /* first input address that the table translates */
    bool dirty[PT_ENTRIES], cached[PT_ENTRIES];
};

struct record {
    uint64_t *entry;
    uint64_t value; /* what a walker may still have seen there */
};

static uint64_t (*arena)[PT_ENTRIES];
static struct page_state states[ARENA_PAGES];
static struct record dirty[ARENA_PAGES * PT_ENTRIES];
static unsigned dirty_count;
static struct record cached[ARENA_PAGES * PT_ENTRIES];
static unsigned cached_count;
static unsigned in_use, alloc_left;
static unsigned long invalidations;

static unsigned page_of(const uint64_t *entry)
{
    size_t n = (size_t)(entry - arena[0]);
    assert_true(n < (size_t)ARENA_PAGES * PT_ENTRIES);
    return (unsigned)(n / PT_ENTRIES);
}

static uint64_t span_of(unsigned level)
{
    return BIT(12 + 9 * (3 - level));
}

static uint64_t entry_base(const uint64_t *entry)
{
    const struct page_state *s = &states[page_of(entry)];
    return s->base + (uint64_t)(entry - arena[page_of(entry)]) * span_of(s->level);
}

static bool is_table(uint64_t value, unsigned level)
{
    return level < 3 && (value & 3) == 3;
}

static bool *cached_flag(const uint64_t *entry)
{
    return &states[page_of(entry)].cached[entry - arena[page_of(entry)]];
}

static void cache_add(uint64_t *entry, uint64_t value)
{
    assert_true(cached_count < ARRAY_LEN(cached));
    cached[cached_count++] = (struct record){ entry, value };
    *cached_flag(entry) = true;
}

/* May `value` be stored while `old` may still be cached for the same entry? */
static void check_make(uint64_t old, uint64_t value, unsigned level)
{
    if (!(value & PTE_VALID) || old == value)
        return;
    if (is_table(old, level) || is_table(value, level) || (old ^ value) & ~PERMISSIONS)
        fail_msg("level %u: %llx made over %llx without break", level, (unsigned long long)value,
                 (unsigned long long)old);
}

static void link_table(const struct page_state *from, const uint64_t *entry, uint64_t value)
{
    uint64_t *table = (uint64_t *)(uintptr_t)(value & PTE_ADDR);
    struct page_state *s = &states[page_of(table)];
    assert_true(s->used && !s->linked);
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        if (s->dirty[i])
            fail_msg("table linked before its contents were published");
    s->linked = true;
    s->level = from->level + 1;
    s->base = entry_base(entry);
}

static void model_store(struct pt *pt, uint64_t *entry, uint64_t value)
{
    struct page_state *s = &states[page_of(entry)];
    unsigned index = (unsigned)(entry - arena[page_of(entry)]);
    uint64_t old = *entry;
    (void)pt;
    assert_true(s->used);
    if (s->linked) {
        for (unsigned i = 0; s->cached[index] && i < cached_count; i++)
            if (cached[i].entry == entry)
                check_make(cached[i].value, value, s->level);
        check_make(old & PTE_VALID ? old : value, value, s->level);
        if ((old & PTE_VALID) && old != value) {
            cache_add(entry, old);
            if (is_table(old, s->level))
                states[page_of((uint64_t *)(uintptr_t)(old & PTE_ADDR))].linked = false;
        }
        if (is_table(value, s->level))
            link_table(s, entry, value);
    }
    if (!s->dirty[index]) {
        s->dirty[index] = true;
        assert_true(dirty_count < ARRAY_LEN(dirty));
        dirty[dirty_count++] = (struct record){ entry, old };
    }
    *entry = value;
}

static void model_publish(struct pt *pt)
{
    (void)pt;
    for (unsigned i = 0; i < dirty_count; i++)
        states[page_of(dirty[i].entry)].dirty[dirty[i].entry - arena[page_of(dirty[i].entry)]] = false;
    dirty_count = 0;
}

static void model_invalidate(struct pt *pt, uint64_t ia, uint64_t size)
{
    unsigned kept = 0;
    (void)pt;
    invalidations++;
    for (unsigned i = 0; i < cached_count; i++)
        if (!ranges_overlap(entry_base(cached[i].entry), span_of(states[page_of(cached[i].entry)].level), ia, size))
            cached[kept++] = cached[i];
        else
            *cached_flag(cached[i].entry) = false;
    cached_count = kept;
    /* A walker may fetch again what is not known to be gone. */
    for (unsigned i = 0; i < dirty_count; i++)
        if (states[page_of(dirty[i].entry)].linked && (dirty[i].value & PTE_VALID) &&
            ranges_overlap(entry_base(dirty[i].entry), span_of(states[page_of(dirty[i].entry)].level), ia, size))
            cache_add(dirty[i].entry, dirty[i].value);
}

static uint64_t *model_alloc(struct pt *pt)
{
    (void)pt;
    if (!alloc_left)
        return NULL;
    alloc_left--;
    for (unsigned i = ROOT_PAGES; i < ARENA_PAGES; i++) {
        if (states[i].used)
            continue;
        memset(&states[i], 0, sizeof(states[i]));
        states[i].used = true;
        /* Zeroing it was a store like any other. */
        memset(arena[i], 0, sizeof(arena[i]));
        states[i].dirty[0] = true;
        assert_true(dirty_count < ARRAY_LEN(dirty));
        dirty[dirty_count++] = (struct record){ &arena[i][0], 0 };
        in_use++;
        return arena[i];
    }
    return NULL;
}

static void model_free(struct pt *pt, uint64_t *table)
{
    struct page_state *s = &states[page_of(table)];
    (void)pt;
    assert_true(s->used && !s->linked);
    for (unsigned i = 0; i < cached_count; i++) {
        if (is_table(cached[i].value, states[page_of(cached[i].entry)].level))
            assert_ptr_not_equal((void *)(uintptr_t)(cached[i].value & PTE_ADDR), table);
        assert_int_not_equal(page_of(cached[i].entry), page_of(table));
    }
    memset(table, 0xa5, sizeof(arena[0]));
    s->used = false;
    in_use--;
}

static pa_t model_pa(struct pt *pt, const uint64_t *table)
{
    (void)pt;
    return PA((uintptr_t)table);
}

static uint64_t *model_ptr(struct pt *pt, pa_t pa)
{
    uint64_t *table = (uint64_t *)(uintptr_t)pa.raw;
    (void)pt;
    assert_true(states[page_of(table)].used);
    return table;
}

static const struct pt_ops model_ops = {
    .store = model_store,
    .publish = model_publish,
    .invalidate = model_invalidate,
    .table_alloc = model_alloc,
    .table_free = model_free,
    .table_pa = model_pa,
    .table_ptr = model_ptr,
};

static struct pt pt_make(unsigned start_level, unsigned ia_bits, unsigned root_pages, unsigned max_block)
{
    memset(states, 0, sizeof(states));
    memset(arena, 0, ROOT_PAGES * sizeof(arena[0]));
    dirty_count = cached_count = in_use = 0;
    alloc_left = ARENA_PAGES;
    for (unsigned i = 0; i < root_pages; i++)
        states[i] = (struct page_state){
            .used = true, .linked = true, .level = start_level, .base = i * PT_ENTRIES * span_of(start_level)
        };
    return (struct pt){ .ops = &model_ops,
                        .root = arena[0],
                        .start_level = (uint8_t)start_level,
                        .ia_bits = (uint8_t)ia_bits,
                        .root_pages = (uint8_t)root_pages,
                        .max_block = (uint8_t)max_block,
                        .attr_mask = S2_ATTRS };
}

/* Every operation leaves nothing unpublished and nothing stale; every table is reachable and has something in it. */
static void check_quiet(const struct pt *pt)
{
    unsigned tables = 0;
    assert_int_equal(dirty_count, 0);
    assert_int_equal(cached_count, 0);
    for (unsigned i = 0; i < ARENA_PAGES; i++) {
        if (!states[i].used || i < pt->root_pages)
            continue;
        bool empty = true;
        for (unsigned n = 0; n < PT_ENTRIES && empty; n++)
            empty = !arena[i][n];
        assert_false(empty);
        assert_true(states[i].linked);
        tables++;
    }
    assert_int_equal(tables, in_use);
}

/* ---- The flat model: a window of pages ---- */

#define WINDOW_PAGES ((unsigned)(GIB(2) / PAGE_SIZE))
static struct flat {
    uint64_t pa, attrs; /* attrs 0: not mapped */
} * flat;
static uint64_t window; /* input address of flat[0] */

static void check_range(const struct pt *pt, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count;) {
        struct pt_leaf leaf = pt_lookup(pt, window + i * PAGE_SIZE);
        uint64_t end = leaf.ia + leaf.size;
        assert_true(leaf.ia <= window + i * PAGE_SIZE && end > window + i * PAGE_SIZE);
        for (; i < first + count && window + i * PAGE_SIZE < end; i++) {
            if (leaf.mapped != (flat[i].attrs != 0))
                fail_msg("page %u: mapped %d", i, leaf.mapped);
            if (leaf.mapped &&
                (leaf.pa.raw + (window + i * PAGE_SIZE - leaf.ia) != flat[i].pa || leaf.attrs != flat[i].attrs))
                fail_msg("page %u: pa %llx attrs %llx", i, (unsigned long long)leaf.pa.raw,
                         (unsigned long long)leaf.attrs);
        }
    }
}

static bool all_are(unsigned first, unsigned count, bool mapped)
{
    for (unsigned i = first; i < first + count; i++)
        if ((flat[i].attrs != 0) != mapped)
            return false;
    return true;
}

static unsigned random_below(unsigned n)
{
    return (unsigned)rand() % n;
}

static void random_range(unsigned *first, unsigned *count)
{
    static const unsigned units[] = { 1, 1, 1, 8, 512, 512, 512, 512 * 64, 512 * 512 };
    unsigned unit = units[random_below(ARRAY_LEN(units))], room;
    *first = random_below(WINDOW_PAGES / unit) * unit;
    if (random_below(3) == 0)
        *first += random_below(unit);
    room = WINDOW_PAGES - *first;
    *count = (1 + random_below(8)) * unit;
    if (random_below(4) == 0)
        *count += random_below(unit);
    if (*count > room)
        *count = room;
}

static const uint64_t attrs_list[] = { S2_RAM, S2_ROM, S2_DEVICE, S2_RAM | S2_XN };

static void step_map(struct pt *pt, unsigned first, unsigned count, uint64_t attrs)
{
    uint64_t ia = window + first * PAGE_SIZE, pa = (ia & (GIB(512) - 1)) + GIB(1024);
    if (random_below(3) == 0)
        pa += random_below(1024) * PAGE_SIZE;
    bool limited = alloc_left < ARENA_PAGES / 2;
    int err = pt_map(pt, ia, PA(pa), count * PAGE_SIZE, attrs);
    if (!all_are(first, count, false)) {
        assert_int_equal(err, -EEXIST);
        return;
    }
    if (err) {
        assert_int_equal(err, -ENOMEM);
        assert_true(limited);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        flat[first + i] = (struct flat){ pa + i * PAGE_SIZE, attrs };
}

static void step_unmap(struct pt *pt, unsigned first, unsigned count)
{
    int err = pt_unmap(pt, window + first * PAGE_SIZE, count * PAGE_SIZE);
    if (err)
        assert_int_equal(err, -ENOMEM);
    else
        memset(&flat[first], 0, count * sizeof(*flat));
}

static void step_protect(struct pt *pt, unsigned first, unsigned count, uint64_t attrs)
{
    int err = pt_protect(pt, window + first * PAGE_SIZE, count * PAGE_SIZE, attrs);
    if (!all_are(first, count, true)) {
        assert_int_equal(err, -ENOENT);
        return;
    }
    if (err) {
        assert_int_equal(err, -ENOMEM);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        flat[first + i].attrs = attrs;
}

static void random_walk(struct pt *pt, unsigned steps)
{
    for (unsigned n = 0; n < steps; n++) {
        unsigned first, count;
        uint64_t attrs = attrs_list[random_below(ARRAY_LEN(attrs_list))];
        alloc_left = random_below(8) ? ARENA_PAGES : random_below(4);
        random_range(&first, &count);
        switch (random_below(4)) {
        case 0:
        case 1: step_map(pt, first, count, attrs); break;
        case 2: step_unmap(pt, first, count); break;
        default: step_protect(pt, first, count, attrs); break;
        }
        check_quiet(pt);
        check_range(pt, first, count);
        if (n % 32 == 0)
            check_range(pt, 0, WINDOW_PAGES);
    }
    alloc_left = ARENA_PAGES;
}

static void check_count(const struct pt *pt)
{
    uint64_t counts[3], pages = 0;
    for (unsigned i = 0; i < WINDOW_PAGES; i++)
        pages += flat[i].attrs != 0;
    pt_count(pt, counts);
    assert_int_equal(counts[0] + counts[1] * 512 + counts[2] * 512 * 512, pages);
}

static void random_one(unsigned start_level, unsigned ia_bits, unsigned root_pages, unsigned max_block, uint64_t at)
{
    struct pt pt = pt_make(start_level, ia_bits, root_pages, max_block);
    window = at;
    memset(flat, 0, WINDOW_PAGES * sizeof(*flat));
    random_walk(&pt, 500);
    check_range(&pt, 0, WINDOW_PAGES);
    check_count(&pt);
    pt_destroy(&pt);
    assert_int_equal(in_use, 0);
    assert_false(pt_lookup(&pt, window).mapped);
    assert_int_equal(dirty_count, 0);
}

static void test_random(void **state)
{
    (void)state;
    srand(1);
    random_one(0, 48, 1, 1, BIT(48) - GIB(2));
    random_one(1, 39, 1, 1, GIB(511) - GIB(1));
    random_one(1, 40, 2, 1, GIB(511)); /* across two concatenated roots */
    random_one(1, 43, 16, 2, BIT(43) - GIB(2));
    random_one(2, 32, 4, 1, GIB(2));
    random_one(2, 34, 16, 2, GIB(7));
    random_one(0, 44, 1, 3, GIB(513));
    random_one(1, 36, 1, 1, 0);
}

/* ---- By example ---- */

static void test_blocks(void **state)
{
    struct pt pt = pt_make(1, 40, 2, 1);
    uint64_t counts[3];
    (void)state;
    assert_int_equal(pt_map(&pt, GIB(1), PA(GIB(5)), GIB(2) + MIB(2) + KIB(4), S2_RAM), 0);
    pt_count(&pt, counts);
    assert_int_equal(counts[2], 2);
    assert_int_equal(counts[1], 1);
    assert_int_equal(counts[0], 1);
    assert_int_equal(in_use, 2);
    struct pt_leaf leaf = pt_lookup(&pt, GIB(2) + 0x123);
    assert_true(leaf.mapped);
    assert_true(leaf.ia == GIB(2) && leaf.size == GIB(1) && leaf.pa.raw == GIB(6) && leaf.attrs == S2_RAM);
    /* One page out of a 1 GiB block: two tables, all else as it was. */
    unsigned long before = invalidations;
    assert_int_equal(pt_unmap(&pt, GIB(2) + MIB(6), PAGE_SIZE), 0);
    assert_true(invalidations - before <= 3);
    check_quiet(&pt);
    pt_count(&pt, counts);
    assert_int_equal(counts[2], 1);
    assert_int_equal(counts[1], 1 + 511);
    assert_int_equal(counts[0], 1 + 511);
    assert_false(pt_lookup(&pt, GIB(2) + MIB(6)).mapped);
    assert_int_equal(pt_lookup(&pt, GIB(2) + MIB(6) + PAGE_SIZE).pa.raw, GIB(6) + MIB(6) + PAGE_SIZE);
    assert_int_equal(pt_unmap(&pt, 0, BIT(40)), 0);
    assert_int_equal(in_use, 0);
}

static void test_unaligned_pair_uses_pages(void **state)
{
    struct pt pt = pt_make(1, 39, 1, 1);
    uint64_t counts[3];
    (void)state;
    assert_int_equal(pt_map(&pt, MIB(2), PA(MIB(4) + KIB(4)), MIB(2), S2_RAM), 0);
    pt_count(&pt, counts);
    assert_int_equal(counts[0], 512);
    assert_int_equal(counts[1], 0);
}

static void test_refusals(void **state)
{
    struct pt pt = pt_make(1, 39, 1, 1);
    (void)state;
    assert_int_equal(pt_map(&pt, 0x800, PA(0), PAGE_SIZE, S2_RAM), -EINVAL);
    assert_int_equal(pt_map(&pt, 0, PA(0x800), PAGE_SIZE, S2_RAM), -EINVAL);
    assert_int_equal(pt_map(&pt, 0, PA(0), 0x800, S2_RAM), -EINVAL);
    assert_int_equal(pt_map(&pt, 0, PA(0), 0, S2_RAM), -EINVAL);
    assert_int_equal(pt_map(&pt, 0, PA(0), PAGE_SIZE, S2_RAM | BIT(60)), -EINVAL);
    assert_int_equal(pt_map(&pt, BIT(39), PA(0), PAGE_SIZE, S2_RAM), -ERANGE);
    assert_int_equal(pt_map(&pt, BIT(39) - PAGE_SIZE, PA(0), 2 * PAGE_SIZE, S2_RAM), -ERANGE);
    assert_int_equal(pt_map(&pt, PAGE_SIZE, PA(0), ~(PAGE_SIZE - 1), S2_RAM), -ERANGE);
    assert_int_equal(pt_map(&pt, 0, PA(BIT(48) - PAGE_SIZE), 2 * PAGE_SIZE, S2_RAM), -ERANGE);
    assert_int_equal(pt_unmap(&pt, BIT(39), PAGE_SIZE), -ERANGE);
    assert_int_equal(pt_unmap(&pt, 4, PAGE_SIZE), -EINVAL);
    assert_int_equal(pt_protect(&pt, 0, PAGE_SIZE, S2_ROM), -ENOENT);
    assert_int_equal(in_use, 0);
    assert_int_equal(pt_map(&pt, BIT(39) - PAGE_SIZE, PA(0), PAGE_SIZE, S2_RAM), 0);
    assert_int_equal(pt_map(&pt, BIT(39) - MIB(2), PA(0), MIB(2), S2_RAM), -EEXIST);
    assert_false(pt_lookup(&pt, BIT(39)).mapped);
}

static void test_out_of_tables(void **state)
{
    struct pt pt = pt_make(0, 48, 1, 1);
    (void)state;
    for (unsigned have = 0; have < 4; have++) {
        alloc_left = have;
        /* Needs a table of level 1, one of level 2, and three of level 3. */
        assert_int_equal(pt_map(&pt, MIB(4) - PAGE_SIZE, PA(MIB(64)), MIB(4), S2_RAM), -ENOMEM);
        assert_int_equal(in_use, 0);
        check_quiet(&pt);
    }
    alloc_left = 5;
    assert_int_equal(pt_map(&pt, MIB(4) - PAGE_SIZE, PA(MIB(64)), MIB(4), S2_RAM), 0);
    alloc_left = 2;
    assert_int_equal(pt_map(&pt, GIB(1), PA(GIB(1)), GIB(1), S2_RAM), 0);
    alloc_left = 1;
    assert_int_equal(pt_unmap(&pt, GIB(1) + PAGE_SIZE, PAGE_SIZE), -ENOMEM);
    assert_true(pt_lookup(&pt, GIB(1) + PAGE_SIZE).mapped);
    check_quiet(&pt);
}

static void test_protect(void **state)
{
    struct pt pt = pt_make(1, 39, 1, 1);
    (void)state;
    assert_int_equal(pt_map(&pt, 0, PA(GIB(1)), MIB(8), S2_RAM), 0);
    /* Permissions alone need no break: the guest never meets a hole. */
    assert_int_equal(pt_protect(&pt, MIB(2), MIB(2), S2_ROM), 0);
    assert_int_equal(pt_lookup(&pt, MIB(2)).attrs, S2_ROM);
    assert_int_equal(pt_lookup(&pt, MIB(2)).size, MIB(2));
    assert_int_equal(pt_lookup(&pt, MIB(4)).attrs, S2_RAM);
    /* The memory type does. */
    assert_int_equal(pt_protect(&pt, MIB(4) + PAGE_SIZE, PAGE_SIZE, S2_DEVICE), 0);
    assert_int_equal(pt_lookup(&pt, MIB(4) + PAGE_SIZE).attrs, S2_DEVICE);
    assert_int_equal(pt_lookup(&pt, MIB(4)).attrs, S2_RAM);
    check_quiet(&pt);
    assert_int_equal(pt_protect(&pt, 0, MIB(10), S2_ROM), -ENOENT);
    assert_int_equal(pt_lookup(&pt, 0).attrs, S2_RAM);
}

static int setup(void **state)
{
    (void)state;
    arena = aligned_alloc(PAGE_SIZE, (size_t)ARENA_PAGES * PAGE_SIZE);
    flat = calloc(WINDOW_PAGES, sizeof(*flat));
    return !arena || !flat;
}

static int teardown(void **state)
{
    (void)state;
    free(arena);
    free(flat);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),   cmocka_unit_test(test_unaligned_pair_uses_pages),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_out_of_tables),
        cmocka_unit_test(test_protect),  cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
