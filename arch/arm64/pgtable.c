/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine decides what is written into translation tables and in which order; the ops of the table do it. It traces nothing:
 * its callers know whose memory it is. Invariant: a table below the root is never empty, so a hole costs no page.
 */
#include "arch/arm64/pgtable.h"

#include <errno.h>

#define LEVELS 4
/* A leaf may change in these without break-before-make (DDI 0487 D8.16.1 lists what may not): S2AP or AP, XN. */
#define PTE_PERMISSIONS (FIELD(7, 6) | FIELD(54, 53))

/* How far a walk for an address comes: the entry it ends at, and the tables on the way. */
struct slot {
    uint64_t *path[LEVELS]; /* by level, from the start level to `level` */
    uint64_t *entry;
    unsigned level;
};

static unsigned level_shift(unsigned level)
{
    return PAGE_SHIFT + 9 * (LEVELS - 1 - level);
}

static uint64_t level_size(unsigned level)
{
    return BIT(level_shift(level));
}

static uint64_t pt_limit(const struct pt *pt)
{
    return BIT(pt->ia_bits);
}

/* Concatenated roots are one long table, so only tables below them wrap. */
static unsigned entry_index(const struct pt *pt, uint64_t ia, unsigned level)
{
    uint64_t index = ia >> level_shift(level);
    return (unsigned)(level == pt->start_level ? index : index & (PT_ENTRIES - 1));
}

static unsigned table_entries(const struct pt *pt, unsigned level)
{
    return level == pt->start_level ? pt->root_pages * PT_ENTRIES : PT_ENTRIES;
}

static bool entry_is_table(uint64_t entry, unsigned level)
{
    return level < LEVELS - 1 && (entry & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}

static uint64_t leaf_make(pa_t pa, uint64_t attrs, unsigned level)
{
    return pa.raw | attrs | PTE_AF | (level == LEVELS - 1 ? PTE_TABLE : 0) | PTE_VALID;
}

static uint64_t *table_below(const struct pt *pt, uint64_t entry)
{
    /* The ops take the table without const because others of them change it; this one reads. */
    return pt->ops->table_ptr((struct pt *)pt, PA(entry & PTE_ADDR));
}

static struct slot slot_find(const struct pt *pt, uint64_t ia)
{
    struct slot s = { .level = pt->start_level };
    uint64_t *table = pt->root;
    for (;;) {
        s.path[s.level] = table;
        s.entry = &table[entry_index(pt, ia, s.level)];
        if (!entry_is_table(*s.entry, s.level))
            return s;
        table = table_below(pt, *s.entry);
        s.level++;
    }
}

struct pt_leaf pt_lookup(const struct pt *pt, uint64_t ia)
{
    if (ia >= pt_limit(pt))
        return (struct pt_leaf){ .ia = align_down(ia, PAGE_SIZE), .size = PAGE_SIZE };
    struct slot s = slot_find(pt, ia);
    struct pt_leaf leaf = { .size = level_size(s.level), .mapped = *s.entry & PTE_VALID };
    leaf.ia = align_down(ia, leaf.size);
    if (leaf.mapped) {
        leaf.pa = PA(*s.entry & PTE_ADDR);
        leaf.attrs = *s.entry & pt->attr_mask;
    }
    return leaf;
}

static int range_check(const struct pt *pt, uint64_t ia, uint64_t size)
{
    if (!size || !is_aligned(ia | size, PAGE_SIZE))
        return -EINVAL;
    if (ia >= pt_limit(pt) || size > pt_limit(pt) - ia)
        return -ERANGE;
    return 0;
}

/* Is every byte of the range mapped (want), or none (!want)? */
static bool range_is_all(const struct pt *pt, uint64_t ia, uint64_t size, bool want)
{
    for (uint64_t at = ia; at < ia + size;) {
        struct pt_leaf leaf = pt_lookup(pt, at);
        if (leaf.mapped != want)
            return false;
        at = leaf.ia + leaf.size;
    }
    return true;
}

static bool table_is_empty(const uint64_t *table)
{
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        if (table[i])
            return false;
    return true;
}

/* Unlinks the empty tables at the end of a walk; they may be freed once the TLBs have forgotten them. */
static unsigned empty_unlink(struct pt *pt, const struct slot *s, uint64_t ia, uint64_t *freed[LEVELS])
{
    unsigned count = 0;
    for (unsigned level = s->level; level > pt->start_level && table_is_empty(s->path[level]); level--) {
        pt->ops->store(pt, &s->path[level - 1][entry_index(pt, ia, level - 1)], 0);
        freed[count++] = s->path[level];
    }
    return count;
}

/* Clears leaves of one table from ia on, up to `end`, the table's end or an entry that leads further down. Answers where it
 * stopped; the addresses whose leaves went are in *gone. */
static uint64_t leaves_clear(struct pt *pt, const struct slot *s, uint64_t ia, uint64_t end, struct pt_leaf *gone)
{
    uint64_t size = level_size(s->level), at = ia;
    const uint64_t *table_end = s->path[s->level] + table_entries(pt, s->level);
    for (uint64_t *entry = s->entry; at < end && entry < table_end && !entry_is_table(*entry, s->level); entry++) {
        uint64_t next = align_down(at, size) + size;
        if (*entry) {
            pt->ops->store(pt, entry, 0);
            gone->ia = gone->size ? gone->ia : at;
            gone->size = next - gone->ia;
        }
        at = next;
    }
    return at;
}

/* Unmaps [ia, end), where no leaf lies across either end, table by table. */
static void range_clear(struct pt *pt, uint64_t ia, uint64_t end)
{
    while (ia < end) {
        struct slot s = slot_find(pt, ia);
        struct pt_leaf gone = { .size = 0 };
        uint64_t *freed[LEVELS];
        uint64_t next = leaves_clear(pt, &s, ia, end, &gone);
        unsigned count = empty_unlink(pt, &s, ia, freed);
        if (count && !gone.size)
            gone = (struct pt_leaf){ .ia = ia, .size = PAGE_SIZE };
        if (gone.size) {
            /* The walk entries of the unlinked tables are on the walk of any address below them, so they go with it. */
            pt->ops->publish(pt);
            pt->ops->invalidate(pt, gone.ia, gone.size);
        }
        while (count)
            pt->ops->table_free(pt, freed[--count]);
        ia = next;
    }
}

/* The lowest level (largest block) that fits at this address. */
static unsigned leaf_level(const struct pt *pt, uint64_t ia, uint64_t pa, uint64_t left)
{
    unsigned level = pt->max_block > pt->start_level ? pt->max_block : pt->start_level;
    while (level < LEVELS - 1 && (left < level_size(level) || !is_aligned(ia | pa, level_size(level))))
        level++;
    return level;
}

/* The empty entry for a leaf at `level`, or further down where a table is in the way; makes the tables above it. */
static int slot_make(struct pt *pt, uint64_t ia, unsigned level, struct slot *out)
{
    struct slot s = slot_find(pt, ia);
    while (s.level < level) {
        uint64_t *table = pt->ops->table_alloc(pt);
        if (!table)
            return -ENOMEM;
        /* Walkers must see the table empty before they see the way to it. */
        pt->ops->publish(pt);
        pt->ops->store(pt, s.entry, pt->ops->table_pa(pt, table).raw | PTE_TABLE | PTE_VALID);
        s.level++;
        s.path[s.level] = table;
        s.entry = &table[entry_index(pt, ia, s.level)];
    }
    *out = s;
    return 0;
}

int pt_map(struct pt *pt, uint64_t ia, pa_t pa, uint64_t size, uint64_t attrs)
{
    int err = range_check(pt, ia, size);
    if (err)
        return err;
    if (!is_aligned(pa.raw, PAGE_SIZE) || (attrs & ~pt->attr_mask))
        return -EINVAL;
    if (pa.raw >= BIT(48) || size > BIT(48) - pa.raw)
        return -ERANGE;
    if (!range_is_all(pt, ia, size, false))
        return -EEXIST;
    for (uint64_t done = 0; done < size;) {
        struct slot s;
        err = slot_make(pt, ia + done, leaf_level(pt, ia + done, pa.raw + done, size - done), &s);
        if (err) {
            /* One page more than was mapped: there the walk has left tables with nothing in them. */
            range_clear(pt, ia, ia + done + PAGE_SIZE);
            return err;
        }
        pt->ops->store(pt, s.entry, leaf_make(pa_add(pa, done), attrs, s.level));
        done += level_size(s.level);
    }
    /* Whoever relies on the mapping, a walker of any core, finds it from here on. */
    pt->ops->publish(pt);
    return 0;
}

/* Replaces a block by a table that maps the same. Between break and make an access to the block faults: the fault's handler
 * finds the address mapped once it holds the lock, and lets the access be made again. */
static int block_split(struct pt *pt, const struct slot *s, uint64_t ia)
{
    uint64_t *table = pt->ops->table_alloc(pt);
    if (!table)
        return -ENOMEM;
    unsigned below = s->level + 1;
    uint64_t attrs = *s->entry & ~(PTE_ADDR | PTE_TABLE | PTE_VALID);
    pa_t pa = PA(*s->entry & PTE_ADDR);
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        pt->ops->store(pt, &table[i], leaf_make(pa_add(pa, i * level_size(below)), attrs, below));
    pt->ops->store(pt, s->entry, 0);
    pt->ops->publish(pt);
    pt->ops->invalidate(pt, align_down(ia, level_size(s->level)), level_size(s->level));
    pt->ops->store(pt, s->entry, pt->ops->table_pa(pt, table).raw | PTE_TABLE | PTE_VALID);
    pt->ops->publish(pt);
    return 0;
}

/* Splits until no leaf lies across ia. */
static int split_at(struct pt *pt, uint64_t ia)
{
    while (ia < pt_limit(pt)) {
        struct slot s = slot_find(pt, ia);
        if (!(*s.entry & PTE_VALID) || is_aligned(ia, level_size(s.level)))
            return 0;
        int err = block_split(pt, &s, ia);
        if (err)
            return err;
    }
    return 0;
}

static int split_ends(struct pt *pt, uint64_t ia, uint64_t end)
{
    int err = split_at(pt, ia);
    return err ? err : split_at(pt, end);
}

int pt_unmap(struct pt *pt, uint64_t ia, uint64_t size)
{
    int err = range_check(pt, ia, size);
    if (!err)
        err = split_ends(pt, ia, ia + size);
    if (!err)
        range_clear(pt, ia, ia + size);
    return err;
}

/* Gives one leaf its new value. True: the old one may still be in a TLB, with other permissions only. */
static bool leaf_replace(struct pt *pt, const struct slot *s, uint64_t ia, uint64_t value)
{
    uint64_t change = *s->entry ^ value;
    if (change & ~PTE_PERMISSIONS) {
        pt->ops->store(pt, s->entry, 0);
        pt->ops->publish(pt);
        pt->ops->invalidate(pt, ia, level_size(s->level));
    }
    if (change)
        pt->ops->store(pt, s->entry, value);
    return change && !(change & ~PTE_PERMISSIONS);
}

int pt_protect(struct pt *pt, uint64_t ia, uint64_t size, uint64_t attrs)
{
    int err = range_check(pt, ia, size);
    if (err)
        return err;
    if (attrs & ~pt->attr_mask)
        return -EINVAL;
    if (!range_is_all(pt, ia, size, true))
        return -ENOENT;
    err = split_ends(pt, ia, ia + size);
    if (err)
        return err;
    bool stale = false;
    for (uint64_t at = ia; at < ia + size;) {
        struct slot s = slot_find(pt, at);
        stale |= leaf_replace(pt, &s, at, (*s.entry & ~pt->attr_mask) | attrs);
        at += level_size(s.level);
    }
    pt->ops->publish(pt);
    if (stale)
        pt->ops->invalidate(pt, ia, size);
    return 0;
}

void pt_count(const struct pt *pt, uint64_t counts[3])
{
    counts[0] = counts[1] = counts[2] = 0;
    for (uint64_t ia = 0; ia < pt_limit(pt);) {
        struct pt_leaf leaf = pt_lookup(pt, ia);
        if (leaf.mapped)
            counts[leaf.size == level_size(3) ? 0 : leaf.size == level_size(2) ? 1 : 2]++;
        ia = leaf.ia + leaf.size;
    }
}

void pt_destroy(struct pt *pt)
{
    range_clear(pt, 0, pt_limit(pt));
}
