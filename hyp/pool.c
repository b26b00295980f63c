/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/pool.h"
#include "arch/arm64/cache.h"
#include "arch/arm64/mmu.h"
#include "hyp/base/log.h"
#include "hyp/ranges.h"

#include <errno.h>
#include <string.h>

static struct pool machine;

struct pool *pool_machine(void)
{
    return &machine;
}

static uint64_t range_end(struct range r)
{
    return r.base.raw + r.size;
}

/* Is the range free as a whole? Answers the index of the free range around it, or -1. */
static int free_around(const struct pool *pool, struct range r) REQUIRES(pool->lock)
{
    for (unsigned i = 0; i < pool->count; i++)
        if (range_covers(pool->free[i].base.raw, pool->free[i].size, r.base.raw, r.size))
            return (int)i;
    return -1;
}

/* Cuts a piece out of free range `at`, which covers it. False: the table has no room for what is left on both sides. */
static bool free_cut(struct pool *pool, unsigned at, struct range piece) REQUIRES(pool->lock)
{
    struct range whole = pool->free[at];
    struct range left = { whole.base, piece.base.raw - whole.base.raw };
    struct range right = { PA(range_end(piece)), range_end(whole) - range_end(piece) };
    unsigned parts = (left.size != 0) + (right.size != 0);
    if (parts == 2 && pool->count == POOL_MAX_RANGES)
        return false;
    memmove(&pool->free[at + parts], &pool->free[at + 1], (pool->count - at - 1) * sizeof(pool->free[0]));
    pool->count += parts - 1;
    if (left.size)
        pool->free[at++] = left;
    if (right.size)
        pool->free[at] = right;
    return true;
}

/* Takes what is free of the range out of the pool, page granular, rounded outward. */
static int free_remove(struct pool *pool, struct range r) REQUIRES(pool->lock)
{
    uint64_t base = align_down(r.base.raw, PAGE_SIZE), end = align_up(range_end(r), PAGE_SIZE);
    for (unsigned i = 0; i < pool->count;) {
        uint64_t low = pool->free[i].base.raw > base ? pool->free[i].base.raw : base;
        uint64_t high = range_end(pool->free[i]) < end ? range_end(pool->free[i]) : end;
        if (low >= high) {
            i++;
            continue;
        }
        if (!free_cut(pool, i, (struct range){ PA(low), high - low }))
            return -E2BIG;
    }
    return 0;
}

static int ram_add(struct pool *pool, struct range r) REQUIRES(pool->lock)
{
    uint64_t base = align_up(r.base.raw, PAGE_SIZE), end = align_down(range_end(r), PAGE_SIZE);
    if (base >= end)
        return 0;
    return ranges_add(pool->free, &pool->count, POOL_MAX_RANGES, (struct range){ PA(base), end - base });
}

static int pool_fill(struct pool *pool, const struct platform *p, struct range image) REQUIRES(pool->lock)
{
    const struct range in_use[] = { image, p->fdt, p->initrd };
    int err = 0;
    for (unsigned i = 0; i < p->ram_count && !err; i++)
        err = ram_add(pool, p->ram[i]);
    for (unsigned i = 0; i < p->reserved_count && !err; i++)
        err = free_remove(pool, p->reserved[i]);
    for (unsigned i = 0; i < ARRAY_LEN(in_use) && !err; i++)
        err = in_use[i].size ? free_remove(pool, in_use[i]) : 0;
    return err;
}

int pool_init(struct pool *pool, const struct platform *p, struct range image)
{
    lock_rank(&pool->lock, LOCK_POOL, 0);
    lock_acquire(&pool->lock);
    pool->count = 0;
    int err = pool_fill(pool, p, image);
    lock_release(&pool->lock);
    if (err)
        return error_at(err, "memory: more than %d separate ranges of free RAM", POOL_MAX_RANGES);
    return 0;
}

/* Where in the hole a piece goes: aligned and within [lo, hi); size 0 if it has no room there. A piece smaller than a block goes
 * where the fewest whole blocks are broken: low in the hole if it ends before the first block does, else high. */
static struct range piece_place(struct range hole, uint64_t size, uint64_t align, uint64_t lo, uint64_t hi)
{
    uint64_t low = hole.base.raw > lo ? hole.base.raw : lo, high = range_end(hole) < hi ? range_end(hole) : hi;
    uint64_t first = align_up(low, align);
    if (first < low || first >= high || high - first < size)
        return (struct range){ PA(0), 0 };
    uint64_t last = align_down(high - size, align);
    bool below_blocks = first + size <= align_up(hole.base.raw, BLOCK_SIZE);
    return (struct range){ PA(size >= BLOCK_SIZE || below_blocks ? first : last), size };
}

static struct range piece_take(struct pool *pool, uint64_t size, uint64_t align, uint64_t lo, uint64_t hi)
    REQUIRES(pool->lock)
{
    struct range best = { PA(0), 0 };
    unsigned at = 0;
    for (unsigned i = 0; i < pool->count; i++) {
        struct range piece = piece_place(pool->free[i], size, align, lo, hi);
        if (piece.size && (!best.size || pool->free[i].size < pool->free[at].size)) {
            best = piece;
            at = i;
        }
    }
    if (best.size && !free_cut(pool, at, best))
        best.size = 0;
    return best;
}

struct range pool_alloc(struct pool *pool, uint64_t size, uint64_t align, pa_t lo, pa_t hi)
{
    hyp_assert(size && is_aligned(size, PAGE_SIZE) && align >= PAGE_SIZE && !(align & (align - 1)));
    lock_acquire(&pool->lock);
    struct range r = piece_take(pool, size, align, lo.raw, hi.raw);
    lock_release(&pool->lock);
    return r;
}

int pool_take(struct pool *pool, struct range r)
{
    lock_acquire(&pool->lock);
    int at = r.size && is_aligned(r.base.raw | r.size, PAGE_SIZE) ? free_around(pool, r) : -1;
    int err = at < 0 ? -EBUSY : free_cut(pool, (unsigned)at, r) ? 0 : -E2BIG;
    lock_release(&pool->lock);
    return err;
}

void pool_free(struct pool *pool, struct range r)
{
    lock_acquire(&pool->lock);
    hyp_assert(!ranges_hit(pool->free, pool->count, r));
    int err = ranges_add(pool->free, &pool->count, POOL_MAX_RANGES, r);
    lock_release(&pool->lock);
    if (err)
        log_warn("memory: 0x%llx bytes at 0x%llx stay unused: more than %d free ranges", (unsigned long long)r.size,
                 (unsigned long long)r.base.raw, POOL_MAX_RANGES);
}

uint64_t pool_total(struct pool *pool)
{
    uint64_t total = 0;
    lock_acquire(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++)
        total += pool->free[i].size;
    lock_release(&pool->lock);
    return total;
}

uint64_t pool_largest(struct pool *pool)
{
    uint64_t largest = 0;
    lock_acquire(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++)
        if (pool->free[i].size > largest)
            largest = pool->free[i].size;
    lock_release(&pool->lock);
    return largest;
}

/* EL2's own memory: handed out from chunks of the machine's pool, so that small objects share pages and tables. */
#define CHUNK_SIZE KIB(64)
static struct {
    uint8_t *next, *end; /* startup only: what is left of the chunk in use */
    uint64_t used;       /* bytes taken from the pool */
    bool sealed;
} arena;

/* Zeroed and mapped, or NULL with a traced error. */
static uint8_t *memory_take(uint64_t size, uint64_t align) __startup;
static uint8_t *memory_take(uint64_t size, uint64_t align)
{
    struct range r = pool_alloc(&machine, size, align, PA(0), PA(BIT(48)));
    if (!r.size) {
        log_error("memory: no room for 0x%llx bytes of the hypervisor's own", (unsigned long long)size);
        return NULL;
    }
    uint8_t *p = mmu_map_direct(r.base, r.size, S1_RW);
    if (!p) {
        pool_free(&machine, r);
        return NULL;
    }
    bulk_zero(p, r.size);
    arena.used += r.size;
    return p;
}

static bool arena_open(size_t bytes)
{
    if (!arena.sealed)
        return true;
    log_line(LOG_INTERNAL, "memory: %llu bytes asked for after startup", (unsigned long long)bytes);
    return false;
}

void *hyp_alloc(size_t bytes, size_t align)
{
    if (!arena_open(bytes))
        return NULL;
    if (bytes >= CHUNK_SIZE || align >= PAGE_SIZE)
        return memory_take(align_up(bytes ? bytes : 1, PAGE_SIZE), align > PAGE_SIZE ? align : PAGE_SIZE);
    uint64_t at = align_up(va_of(arena.next).raw, align ? align : 1);
    if (!arena.next || at > va_of(arena.end).raw || bytes > va_of(arena.end).raw - at) {
        arena.next = memory_take(CHUNK_SIZE, PAGE_SIZE);
        if (!arena.next)
            return NULL;
        arena.end = arena.next + CHUNK_SIZE;
        at = va_of(arena.next).raw;
    }
    arena.next = va_ptr(VA(at + bytes));
    return va_ptr(VA(at));
}

void *hyp_alloc_pages(unsigned pages)
{
    return arena_open((size_t)pages * PAGE_SIZE) ? memory_take((uint64_t)pages * PAGE_SIZE, PAGE_SIZE) : NULL;
}

void hyp_alloc_seal(void)
{
    arena.sealed = true;
}

uint64_t hyp_alloc_used(void)
{
    return arena.used;
}
