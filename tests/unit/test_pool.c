/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/pool.c hyp/ranges.c tests/unit/arch_fake.c tests/unit/tree_support.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "hyp/pool.h"
#include "tests/unit/tree_support.h"

#define TOP PA(BIT(48))
#define MODEL_BASE GIB(1)
#define MODEL_PAGES ((unsigned)(MIB(64) / PAGE_SIZE))

static struct platform machine;
static struct pool pool;
static uint8_t model[MODEL_PAGES]; /* 1: free */

static void ram(uint64_t base, uint64_t size)
{
    machine.ram[machine.ram_count++] = (struct range){ PA(base), size };
}

static void reserve(uint64_t base, uint64_t size)
{
    machine.reserved[machine.reserved_count++] = (struct range){ PA(base), size };
}

static int start(void)
{
    log_forget();
    return pool_init(&pool, &machine, (struct range){ PA(0), 0 });
}

static int setup(void **state)
{
    (void)state;
    memset(&machine, 0, sizeof(machine));
    memset(&pool, 0, sizeof(pool));
    return 0;
}

static void test_init(void **state)
{
    (void)state;
    ram(GIB(1), GIB(1));
    ram(GIB(2), MIB(512));            /* adjacent: one range */
    ram(GIB(4) + 0x100, MIB(1));      /* rounded inward */
    reserve(GIB(1) + 0x10, 0x10);     /* rounded outward */
    reserve(GIB(2) - MIB(1), MIB(2)); /* across the two */
    reserve(GIB(8), GIB(1));          /* no RAM there */
    machine.fdt = (struct range){ PA(GIB(1) + MIB(16) + 8), 100 };
    machine.initrd = (struct range){ PA(GIB(1) + MIB(32)), MIB(3) };
    assert_int_equal(pool_init(&pool, &machine, (struct range){ PA(GIB(1) + MIB(2)), MIB(1) }), 0);
    assert_int_equal(pool.count, 6);
    assert_int_equal(pool.free[0].base.raw, GIB(1) + PAGE_SIZE);
    assert_int_equal(pool.free[0].size, MIB(2) - PAGE_SIZE);
    assert_int_equal(pool.free[5].base.raw, GIB(4) + PAGE_SIZE);
    assert_int_equal(pool.free[5].size, MIB(1) - PAGE_SIZE);
    assert_int_equal(pool_total(&pool),
                     GIB(1) + MIB(512) + MIB(1) - PAGE_SIZE - PAGE_SIZE - MIB(2) - MIB(1) - PAGE_SIZE - MIB(3));
    assert_int_equal(pool_largest(&pool), GIB(1) - MIB(1) - MIB(35));
}

static void test_init_overflow(void **state)
{
    (void)state;
    ram(0, GIB(4));
    for (unsigned i = 0; i < PLATFORM_MAX_RANGES; i++)
        reserve(MIB(1) + i * MIB(2), MIB(1));
    assert_int_equal(start(), 0);
    assert_int_equal(pool.count, PLATFORM_MAX_RANGES + 1);
    for (unsigned i = 0; i < POOL_MAX_RANGES - PLATFORM_MAX_RANGES - 1; i++)
        assert_int_equal(pool_take(&pool, (struct range){ PA(GIB(1) + i * MIB(2)), MIB(1) }), 0);
    assert_int_equal(pool_take(&pool, (struct range){ PA(GIB(3)), MIB(1) }), -E2BIG);
    assert_int_equal(pool.count, POOL_MAX_RANGES);
    assert_int_equal(pool_alloc(&pool, PAGE_SIZE, PAGE_SIZE, PA(0), TOP).size, PAGE_SIZE);
}

static void test_small_pieces_spare_blocks(void **state)
{
    (void)state;
    ram(MIB(2) + KIB(64), MIB(64));
    ram(GIB(1), KIB(32));
    assert_int_equal(start(), 0);
    /* The smallest hole first, then what lies outside whole blocks. */
    assert_int_equal(pool_alloc(&pool, KIB(32), PAGE_SIZE, PA(0), TOP).base.raw, GIB(1));
    uint64_t blocks = 0;
    for (uint64_t taken = 0; taken < MIB(2); taken += KIB(4))
        assert_int_equal(pool_alloc(&pool, KIB(4), PAGE_SIZE, PA(0), TOP).size, KIB(4));
    while (pool_alloc(&pool, BLOCK_SIZE, BLOCK_SIZE, PA(0), TOP).size)
        blocks++;
    assert_int_equal(blocks, 31);
}

static void test_bounds(void **state)
{
    (void)state;
    ram(GIB(1), GIB(2));
    assert_int_equal(start(), 0);
    struct range r = pool_alloc(&pool, MIB(512), BLOCK_SIZE, PA(GIB(1) + MIB(3)), PA(GIB(2)));
    assert_int_equal(r.base.raw, GIB(1) + MIB(4));
    assert_int_equal(pool_alloc(&pool, MIB(512), BLOCK_SIZE, PA(0), PA(GIB(2))).size, 0);
    assert_int_equal(pool_alloc(&pool, MIB(508), BLOCK_SIZE, PA(0), PA(GIB(2))).base.raw, GIB(1) + MIB(516));
    assert_int_equal(pool_alloc(&pool, GIB(4), PAGE_SIZE, PA(0), TOP).size, 0);
    assert_int_equal(pool_alloc(&pool, PAGE_SIZE, PAGE_SIZE, PA(GIB(3)), PA(GIB(3))).size, 0);
    assert_int_equal(pool_alloc(&pool, PAGE_SIZE, PAGE_SIZE, PA(GIB(3)), PA(GIB(2))).size, 0);
    expect_assert_failure((void)pool_alloc(&pool, 5, PAGE_SIZE, PA(0), TOP));
    pool.lock = (struct spinlock){ 0 };
    expect_assert_failure((void)pool_alloc(&pool, PAGE_SIZE, 3 * PAGE_SIZE, PA(0), TOP));
}

static void test_take(void **state)
{
    (void)state;
    ram(GIB(1), MIB(4));
    assert_int_equal(start(), 0);
    assert_int_equal(pool_take(&pool, (struct range){ PA(GIB(1) + MIB(1)), MIB(1) }), 0);
    assert_int_equal(pool_take(&pool, (struct range){ PA(GIB(1) + MIB(1)), PAGE_SIZE }), -EBUSY);
    assert_int_equal(pool_take(&pool, (struct range){ PA(GIB(1)), MIB(4) }), -EBUSY);
    assert_int_equal(pool_take(&pool, (struct range){ PA(GIB(1) + 8), PAGE_SIZE }), -EBUSY);
    assert_int_equal(pool_take(&pool, (struct range){ PA(0), ~(PAGE_SIZE - 1) }), -EBUSY);
    pool_free(&pool, (struct range){ PA(GIB(1) + MIB(1)), MIB(1) });
    assert_int_equal(pool.count, 1);
    expect_assert_failure(pool_free(&pool, (struct range){ PA(GIB(1) + MIB(3)), MIB(4) }));
}

/* ---- Random sequences against a map of pages ---- */

static void model_set(struct range r, uint8_t from, uint8_t to)
{
    for (uint64_t at = 0; at < r.size; at += PAGE_SIZE) {
        uint64_t page = (r.base.raw + at - MODEL_BASE) / PAGE_SIZE;
        assert_true(r.base.raw >= MODEL_BASE && page < MODEL_PAGES);
        assert_int_equal(model[page], from);
        model[page] = to;
    }
}

static bool model_has_room(uint64_t size, uint64_t align, uint64_t lo, uint64_t hi)
{
    uint64_t run = 0;
    for (uint64_t at = MODEL_BASE; at < MODEL_BASE + MODEL_PAGES * PAGE_SIZE; at += align) {
        run = 0;
        while (at >= lo && run < size && at + run < MODEL_BASE + MODEL_PAGES * PAGE_SIZE &&
               at + run + PAGE_SIZE <= hi && model[(at + run - MODEL_BASE) / PAGE_SIZE])
            run += PAGE_SIZE;
        if (run >= size)
            return true;
    }
    return false;
}

static void check_pool(void)
{
    uint64_t total = 0;
    unsigned runs = 0;
    for (unsigned i = 0; i < MODEL_PAGES; i++) {
        total += model[i];
        runs += model[i] && (i == 0 || !model[i - 1]);
    }
    assert_int_equal(pool_total(&pool), total * PAGE_SIZE);
    assert_int_equal(pool.count, runs);
    for (unsigned i = 0; i < pool.count; i++) {
        assert_true(i == 0 || pool.free[i - 1].base.raw + pool.free[i - 1].size < pool.free[i].base.raw);
        for (uint64_t at = 0; at < pool.free[i].size; at += PAGE_SIZE)
            assert_int_equal(model[(pool.free[i].base.raw + at - MODEL_BASE) / PAGE_SIZE], 1);
    }
}

#define MAX_HELD 48
static void test_random(void **state)
{
    struct range held[MAX_HELD];
    unsigned count = 0;
    uint32_t seed = 7;
    (void)state;
    ram(MODEL_BASE, MODEL_PAGES * PAGE_SIZE);
    assert_int_equal(start(), 0);
    memset(model, 1, sizeof(model));
    for (unsigned n = 0; n < 5000; n++) {
        uint64_t align = PAGE_SIZE << random_next(&seed) % 11, size = (1 + random_next(&seed) % 900) * PAGE_SIZE;
        uint64_t lo = random_next(&seed) % 3 ? 0 : MODEL_BASE + random_next(&seed) % MIB(40);
        uint64_t hi = random_next(&seed) % 3 ? BIT(48) : MODEL_BASE + random_next(&seed) % MIB(64);
        if (count == MAX_HELD || (count && random_next(&seed) % 2)) {
            unsigned i = random_next(&seed) % count;
            model_set(held[i], 0, 1);
            pool_free(&pool, held[i]);
            held[i] = held[--count];
        } else {
            struct range r = pool_alloc(&pool, size, align, PA(lo), PA(hi));
            assert_int_equal(r.size != 0, model_has_room(size, align, lo, hi));
            if (!r.size)
                continue;
            assert_int_equal(r.size, size);
            assert_true(is_aligned(r.base.raw, align) && r.base.raw >= lo && r.base.raw + size <= hi);
            model_set(r, 1, 0);
            held[count++] = r;
        }
        check_pool();
    }
}

/* The machine's pool is the host's memory here. */
static void test_hyp_alloc(void **state)
{
    char *memory = aligned_alloc(BLOCK_SIZE, MIB(2));
    (void)state;
    memset(memory, 0xff, MIB(2));
    ram((uintptr_t)memory, MIB(2));
    assert_int_equal(pool_init(pool_machine(), &machine, (struct range){ PA(0), 0 }), 0);
    char *a = hyp_alloc(3, 1), *b = hyp_alloc(64, 64), *c = hyp_alloc(100, 16);
    assert_true(b >= a + 3 && c >= b + 64 && is_aligned((uintptr_t)b, 64) && is_aligned((uintptr_t)c, 16));
    assert_int_equal(hyp_alloc_used(), KIB(64));
    char *pages = hyp_alloc_pages(2), *root = hyp_alloc(KIB(16), KIB(16)), *big = hyp_alloc(KIB(200), 64);
    assert_true(is_aligned((uintptr_t)pages, PAGE_SIZE) && is_aligned((uintptr_t)root, KIB(16)));
    assert_int_equal(hyp_alloc_used(), KIB(288));
    for (unsigned i = 0; i < KIB(200); i++)
        assert_int_equal(big[i] | (i < KIB(16) ? root[i] : 0) | (i < KIB(8) ? pages[i] : 0) | (i < 100 ? c[i] : 0), 0);
    for (unsigned i = 0; i < 100; i++) {
        char *p = hyp_alloc(1000, 8);
        assert_non_null(p);
        for (unsigned n = 0; n < 1000; n++)
            assert_int_equal(p[n], 0);
        memset(p, 0x55, 1000);
    }
    log_forget();
    assert_null(hyp_alloc(MIB(4), 8));
    assert_true(log_has("no room for 0x400000 bytes"));
    hyp_alloc_seal();
    assert_null(hyp_alloc(1, 1));
    assert_null(hyp_alloc_pages(1));
    assert_true(log_has("after startup"));
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_init, setup),
        cmocka_unit_test_setup(test_init_overflow, setup),
        cmocka_unit_test_setup(test_small_pieces_spare_blocks, setup),
        cmocka_unit_test_setup(test_bounds, setup),
        cmocka_unit_test_setup(test_take, setup),
        cmocka_unit_test_setup(test_random, setup),
        cmocka_unit_test_setup(test_hyp_alloc, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
