/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/aspace_parts.h"
#include "arch/arm64/cache.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/stage2.h"
#include "arch/arm64/sysreg.h"
#include "hyp/base/log.h"
#include "hyp/pool.h"
#include "hyp/ranges.h"

#include <errno.h>
#include <string.h>

/* Table pages kept for splits when the machine runs. */

static uint64_t *table_take(struct pt *pt)
{
    struct aspace *as = pt->owner;
    uint64_t *table = as->spare_tables;
    if (!table)
        return NULL;
    as->spare_tables = va_ptr(VA(table[0]));
    table[0] = 0;
    as->spare_count--;
    as->table_pages++;
    return table;
}

static void table_keep(struct aspace *as, uint64_t *table)
{
    table[0] = va_of(as->spare_tables).raw;
    as->spare_tables = table;
    as->spare_count++;
}

static void table_give(struct pt *pt, uint64_t *table)
{
    struct aspace *as = pt->owner;
    bulk_zero(table, PAGE_SIZE);
    table_keep(as, table);
    as->table_pages--;
}

static pa_t table_pa(struct pt *pt, const uint64_t *table)
{
    (void)pt;
    return direct_pa(table);
}

static uint64_t *table_ptr(struct pt *pt, pa_t pa)
{
    (void)pt;
    return direct_ptr(pa);
}

static const struct pt_ops aspace_ops = {
    .store = stage2_store,
    .publish = stage2_publish,
    .invalidate = stage2_invalidate,
    .table_alloc = table_take,
    .table_free = table_give,
    .table_pa = table_pa,
    .table_ptr = table_ptr,
};

int spare_fill(struct aspace *as, unsigned want)
{
    while (as->spare_count < want) {
        uint64_t *table = hyp_alloc_pages(1);
        if (!table)
            return -ENOMEM;
        table_keep(as, table);
    }
    return 0;
}

unsigned tables_needed(uint64_t ia, uint64_t pa, uint64_t size)
{
    uint64_t pages = is_aligned(ia ^ pa, BLOCK_SIZE) ? 2 : size / BLOCK_SIZE + 2;
    return (unsigned)(pages + size / GIB(1) + 2 + 2);
}

/* The next size that ID_AA64MMFR0_EL1.PARange can express: the guest's PARange says what its IPA space has. */
static unsigned ipa_bits_round(unsigned bits)
{
    unsigned parange = 0;
    while (stage2_pa_bits(parange) < bits && stage2_pa_bits(parange) < 48)
        parange++;
    return stage2_pa_bits(parange) < bits ? bits : stage2_pa_bits(parange);
}

static int root_make(struct aspace *as, const struct stage2_config *c) __startup;
static int root_make(struct aspace *as, const struct stage2_config *c)
{
    uint64_t *root = hyp_alloc(c->root_pages * PAGE_SIZE, c->root_pages * PAGE_SIZE);
    if (!root)
        return -ENOMEM;
    as->pt = (struct pt){
        .ops = &aspace_ops,
        .owner = as,
        .root = root,
        .start_level = c->start_level,
        .ia_bits = c->ipa_bits,
        .root_pages = c->root_pages,
        .max_block = 1,
        .attr_mask = S2_ATTRS,
        .vmid = as->vmid,
    };
    as->table_pages = c->root_pages;
    as->vtcr = c->vtcr;
    as->vttbr = stage2_vttbr(direct_pa(root), as->vmid);
    /* Whoever ran here before us may have left entries of this VMID. */
    as->pt.ops->publish(&as->pt);
    as->pt.ops->invalidate(&as->pt, 0, BIT(as->ipa_bits));
    return spare_fill(as, SPARE_AT_RUN_TIME);
}

int aspace_init(struct aspace *as, uint16_t vmid, unsigned ipa_bits)
{
    struct stage2_config c;
    unsigned bits = ipa_bits_round(ipa_bits);
    memset(as, 0, sizeof(*as));
    lock_rank(&as->change, LOCK_GASP, 0);
    lock_rank(&as->lock, LOCK_ASPACE, 0);
    if (!stage2_granule_ok(read_sysreg(id_aa64mmfr0_el1)))
        return error_at(-ENOTSUP, "stage 2: this core has no 4 KiB granule");
    int err = stage2_config(bits, stage2_parange(), &c);
    if (err)
        return error_at(err, "stage 2: %u bits of guest addresses asked for, the core has %u", bits,
                        stage2_pa_bits(stage2_parange()));
    as->vmid = vmid;
    as->ipa_bits = c.ipa_bits;
    return root_make(as, &c);
}

const struct region *aspace_find(const struct aspace *as, ipa_t ipa)
{
    return region_find(&as->regions, ipa.raw);
}

const struct region *aspace_find_cached(struct aspace *as, struct region_cache *cache, ipa_t ipa)
{
    if (aspace_cached(as, cache, ipa))
        return &cache->region;
    lock_acquire(&as->lock);
    const struct region *r = aspace_find(as, ipa);
    if (r)
        *cache = (struct region_cache){ *r, as->generation };
    lock_release(&as->lock);
    return r ? &cache->region : NULL;
}

uint64_t region_attrs(uint32_t flags)
{
    uint64_t attrs = S2_MEMATTR_DEVICE_nGnRE | S2_XN;
    if (flags & GRF_MEMORY)
        attrs = (flags & GRF_NOCACHE ? S2_MEMATTR_NORMAL_NC : S2_MEMATTR_NORMAL_WB) | S2_SH_INNER |
                (flags & GRF_PASS_EX ? 0 : S2_XN);
    return attrs | (flags & GRF_PASS_RD ? S2_AP_READ : 0) | (flags & GRF_PASS_WR ? S2_AP_WRITE : 0);
}

int region_check(const struct aspace *as, const struct region *r)
{
    uint64_t base = r->base.raw, unit = r->flags & GRF_PASS ? PAGE_SIZE : 4;
    unsigned long long first = base, size = r->size;
    if (!r->size || !range_fits(base, r->size, as->ipa_bits))
        return error_at(-EINVAL, "%s: 0x%llx bytes at 0x%llx are not within the VM's %u bits of address", r->owner,
                        size, first, as->ipa_bits);
    if (!is_aligned(base | r->size, unit) || (r->flags & GRF_PASS && !is_aligned(r->host.raw, PAGE_SIZE)))
        return error_at(-EINVAL, "%s: 0x%llx bytes at 0x%llx are not aligned to %u", r->owner, size, first,
                        (unsigned)unit);
    if (r->flags & GRF_MEMORY && !(r->flags & GRF_PASS_RD))
        return error_at(-EINVAL, "%s: memory at 0x%llx that the guest may not read", r->owner, first);
    return 0;
}

int region_refuse(int err, const struct region *r, const struct region *other)
{
    if (err == -E2BIG)
        return error_at(err, "%s: more than %d regions in one VM", r->owner, REGION_MAX);
    return error_at(err, "%s: 0x%llx bytes at 0x%llx overlap %s, 0x%llx bytes at 0x%llx", r->owner,
                    (unsigned long long)r->size, (unsigned long long)r->base.raw, other->owner,
                    (unsigned long long)other->size, (unsigned long long)other->base.raw);
}

/* Pairs with aspace_cached(): who sees the old number still uses what was true before the change. */
void aspace_changed(struct aspace *as)
{
    __atomic_store_n(&as->generation, as->generation + 1, __ATOMIC_RELEASE);
}

static int region_map(struct aspace *as, const struct region *r) __startup;
static int region_map(struct aspace *as, const struct region *r)
{
    int err =
        spare_fill(as, SPARE_AT_RUN_TIME + as->promised_tables + tables_needed(r->base.raw, r->host.raw, r->size));
    if (!err)
        err = pt_map(&as->pt, r->base.raw, r->host, r->size, region_attrs(r->flags));
    if (err)
        return error_at(err, "%s: 0x%llx bytes at 0x%llx cannot be mapped (error %d)", r->owner,
                        (unsigned long long)r->size, (unsigned long long)r->base.raw, err);
    return 0;
}

static int region_add(struct aspace *as, const struct region *r) REQUIRES(as->lock) __startup;
static int region_add(struct aspace *as, const struct region *r)
{
    const struct region *other = NULL;
    int err = region_insert(&as->regions, r, &other);
    if (!err && as->regions.count + as->promised > REGION_MAX) {
        region_remove(&as->regions, region_index(&as->regions, r->base.raw));
        err = -E2BIG;
    }
    if (err)
        return region_refuse(err, r, other);
    err = r->flags & GRF_PASS ? region_map(as, r) : 0;
    if (err)
        region_remove(&as->regions, region_index(&as->regions, r->base.raw));
    aspace_changed(as);
    return err;
}

int aspace_add(struct aspace *as, const struct region *r)
{
    struct region own = *r;
    int err = region_check(as, r);
    if (!err)
        err = region_check_windows(as, r);
    if (err)
        return err;
    own.home = own.flags & GRF_MEMORY ? own.flags & (GRF_PASS | GRF_NOCACHE) : 0; /* matters for RAM only */
    lock_acquire(&as->lock);
    err = region_add(as, &own);
    lock_release(&as->lock);
    return err;
}

/* The end of something that [at, at+size) would overlap, or 0. */
static uint64_t obstacle_end(const struct aspace *as, const struct config_vm *c, uint64_t at, uint64_t size)
{
    unsigned i = region_index(&as->regions, at);
    const struct region *r = &as->regions.at[i];
    if (i < as->regions.count && r->base.raw < at + size)
        return r->base.raw + r->size;
    for (i = 0; i < as->window_count; i++)
        if (ranges_overlap(as->windows[i].base.raw, as->windows[i].size, at, size))
            return as->windows[i].base.raw + as->windows[i].size;
    for (i = 0; i < c->ram_count; i++)
        if (ranges_overlap(c->ram[i].base.raw, c->ram[i].size, at, size))
            return c->ram[i].base.raw + c->ram[i].size;
    for (i = 0; i < c->reserve_count; i++)
        if (ranges_overlap(c->reserve[i].base, c->reserve[i].size, at, size))
            return c->reserve[i].base + c->reserve[i].size;
    return 0;
}

uint64_t aspace_find_free(const struct aspace *as, const struct config_vm *c, uint64_t above, uint64_t size,
                          uint64_t align)
{
    uint64_t at = align_up(above, align), end;
    while (size && range_fits(at, size, as->ipa_bits)) {
        end = obstacle_end(as, c, at, size);
        if (!end)
            return at;
        at = align_up(end, align);
    }
    return QSL_NO_LOCATION;
}

struct range aspace_ram_at(struct aspace *as, ipa_t ipa, uint64_t want, uint32_t pass)
{
    struct range found = { PA(0), 0 };
    lock_acquire(&as->lock);
    const struct region *r = aspace_find(as, ipa);
    if (r && region_is_ram(r) && region_permits(r, pass)) {
        uint64_t offset = ipa.raw - r->base.raw, left = r->size - offset;
        found = (struct range){ pa_add(r->host, offset), want < left ? want : left };
    }
    lock_release(&as->lock);
    return found;
}

void aspace_destroy(struct aspace *as)
{
    lock_acquire(&as->lock);
    if (as->pt.root)
        pt_destroy(&as->pt);
    as->regions.count = 0;
    aspace_changed(as);
    lock_release(&as->lock);
}

void aspace_report(struct aspace *as, const char *name)
{
    uint64_t counts[3];
    lock_acquire(&as->lock);
    pt_count(&as->pt, counts);
    unsigned long long pages = as->table_pages;
    lock_release(&as->lock);
    log_info("%s: stage 2: %llu x 1 GiB, %llu x 2 MiB, %llu x 4 KiB, %llu table pages", name,
             (unsigned long long)counts[2], (unsigned long long)counts[1], (unsigned long long)counts[0], pages);
}
