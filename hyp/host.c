/* SPDX-License-Identifier: Apache-2.0 */
/* What of the machine vdevs may have: its memory and its devices. Interrupts are in pirq.c. */
#include "hyp/host.h"
#include "arch/arm64/cache.h"
#include "arch/arm64/mmio.h"
#include "arch/arm64/mmu.h"
#include "hyp/api/host.h"
#include "hyp/api/vdev.h"
#include "hyp/pool.h"
#include "hyp/ranges.h"
#include "hyp/vm.h"

#include <errno.h>

#define CLAIMS_MAX (CONFIG_MAX_VDEVS * 4)

static struct {
    struct range range;
    const char *owner;
} claims[CLAIMS_MAX]; /* set at startup, then const */
static unsigned claim_count;

int host_memory_reserve(const struct vdev_builder *b, uint64_t size, struct host_memory *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (!size || !is_aligned(size, PAGE_SIZE))
        return error_at(EINVAL, "%s: 0x%llx bytes of shared memory are no whole pages", b->path,
                        (unsigned long long)size);
    struct range r = pool_alloc(pool_machine(), size, size >= BLOCK_SIZE ? BLOCK_SIZE : PAGE_SIZE, PA(0), PA(BIT(48)));
    if (!r.size)
        return error_at(ENOMEM, "%s: %llu KiB of shared memory wanted, the largest free piece is %llu KiB", b->path,
                        (unsigned long long)(size >> 10), (unsigned long long)(pool_largest(pool_machine()) >> 10));
    *out = (struct host_memory){ r.base.raw, r.size };
    return EOK;
}

void host_memory_zero(const struct host_memory *m, uint64_t offset, uint64_t length)
{
    hyp_assert(range_covers(0, m->length, offset, length));
    while (length) {
        pa_t pa = PA(m->location + offset);
        uint64_t room = HYP_CHUNK_SIZE - (pa.raw & (HYP_CHUNK_SIZE - 1)), n = length < room ? length : room;
        uint64_t irqs = irq_mask(); /* the window is the core's */
        void *at = window_map(pa, n, true);
        bulk_zero(at, n);
        cache_clean_inval_poc(at, n);
        window_unmap();
        irq_restore(irqs);
        offset += n;
        length -= n;
    }
}

unsigned host_claims(void)
{
    return claim_count;
}

void host_claims_forget(unsigned before)
{
    claim_count = before;
}

static __startup bool range_meets(const struct range *r, uint64_t location, uint64_t length)
{
    return r->size && ranges_overlap(r->base.raw, r->size, location, length);
}

static __startup bool gic_meets(const struct gic_desc *g, uint64_t location, uint64_t length)
{
    bool meets = range_meets(&g->dist, location, length) || range_meets(&g->cpu, location, length) ||
                 range_meets(&g->vctrl, location, length) || range_meets(&g->vcpu, location, length);
    for (unsigned i = 0; i < g->redist_count; i++)
        meets |= range_meets(&g->redist[i], location, length);
    return meets;
}

/* Which part of the machine that is no device to be given away lies there; NULL: none. */
static __startup const char *machine_owner(uint64_t location, uint64_t length)
{
    const struct platform *p = platform();
    if (gic_meets(&p->gic, location, length))
        return "the hypervisor's interrupt controller";
    if (p->uart.present && range_meets(&p->uart.regs, location, length))
        return "the hypervisor's console";
    if (p->power_driver && range_meets(&p->power, location, length))
        return "what resets the machine";
    if (p->results.present && range_meets(&p->results.regs, location, length))
        return "the hypervisor's results channel";
    for (unsigned i = 0; i < p->ram_count; i++)
        if (range_meets(&p->ram[i], location, length))
            return "the machine's RAM";
    for (unsigned i = 0; i < p->reserved_count; i++)
        if (range_meets(&p->reserved[i], location, length))
            return "memory that the host's tree reserves";
    return NULL;
}

static __startup const char *device_owner(uint64_t location, uint64_t length)
{
    for (unsigned i = 0; i < claim_count; i++)
        if (range_meets(&claims[i].range, location, length))
            return claims[i].owner;
    return machine_owner(location, length);
}

static __startup int claim(const struct vdev_builder *b, uint64_t location, uint64_t length)
{
    unsigned long long at = location, size = length;
    const char *other = device_owner(location, length);
    if (other)
        return error_at(EBUSY, "%s: 0x%llx bytes at 0x%llx of the machine belong to %s already", b->path, size, at,
                        other);
    if (claim_count == CLAIMS_MAX)
        return error_at(ENOSPC, "%s: more than %d pieces of the machine are passed through", b->path, CLAIMS_MAX);
    claims[claim_count].range = (struct range){ PA(location), length };
    claims[claim_count++].owner = b->path;
    return EOK;
}

int host_device_claim(const struct vdev_builder *b, uint64_t location, uint64_t length)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (!length || !is_aligned(location | length, PAGE_SIZE) || !range_fits(location, length, 48))
        return error_at(EINVAL, "%s: 0x%llx bytes at 0x%llx of the machine are no whole pages of 4 KiB below 48 bits",
                        b->path, (unsigned long long)length, (unsigned long long)location);
    return claim(b, location, length);
}

int host_regs_claim(const struct vdev_builder *b, uint64_t location, uint64_t length, struct host_regs *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (!length || !range_fits(location, length, 48))
        return error_at(EINVAL, "%s: 0x%llx bytes at 0x%llx of the machine are no registers below 48 bits", b->path,
                        (unsigned long long)length, (unsigned long long)location);
    int err = claim(b, location, length);
    if (err)
        return err;
    *out = (struct host_regs){ mmu_map_device(PA(location), length), length };
    return out->at ? EOK : ENOMEM;
}

static int regs_access(const struct host_regs *r, uint64_t offset, unsigned size, uint64_t *value, unsigned store)
{
    uintptr_t at = (uintptr_t)r->at + offset;
    if (!size || size > 8 || size & (size - 1) || at & (size - 1) || !range_covers(0, r->length, offset, size))
        return EINVAL;
    uint64_t irqs = irq_mask();
    int failed = mmio_try((volatile uint8_t *)r->at + offset, value, (unsigned)__builtin_ctz(size) + store);
    irq_restore(irqs);
    return failed ? EFAULT : EOK;
}

int host_regs_read(const struct host_regs *r, uint64_t offset, unsigned size, uint64_t *value)
{
    *value = 0;
    return regs_access(r, offset, size, value, 0);
}

int host_regs_write(const struct host_regs *r, uint64_t offset, unsigned size, uint64_t value)
{
    return regs_access(r, offset, size, &value, 4);
}

const void *host_tree(void)
{
    return direct_ptr(platform()->fdt.base);
}
