/* SPDX-License-Identifier: Apache-2.0 */
/* State blocks: one way to move data between a vCPU's registers, its VM's memory and EL2. */
#include "hyp/api/guest.h"
#include "arch/arm64/cache.h"
#include "arch/arm64/mmu.h"
#include "hyp/vm.h"

#include <errno.h>
#include <string.h>

#define REG_BYTES 8
#define ZERO_REG 31

static const char *cpu_vm_name(const guest_cpu *gcp)
{
    return gcp ? gcp->vm->name : "no vCPU";
}

/* The low `length` bytes of a value, extended as the block's flags say; answers how many bytes they then are. */
static unsigned value_extend(const qvm_state_block *blk, uint64_t *value)
{
    unsigned sign = blk->flags & 0xf, bytes = sign ? sign : blk->flags >> 4 & 0xf;
    unsigned unused = 64 - 8 * (unsigned)blk->length;
    uint64_t v = *value << unused;
    v = sign ? (uint64_t)((int64_t)v >> unused) : v >> unused;
    if (bytes && bytes < REG_BYTES)
        v &= BIT(8 * bytes) - 1;
    *value = v;
    return bytes ? bytes : (unsigned)blk->length;
}

static bool block_is_value(const qvm_state_block *blk)
{
    unsigned sign = blk->flags & 0xf, zero = blk->flags >> 4 & 0xf;
    return blk->length >= 1 && blk->length <= REG_BYTES && sign <= REG_BYTES && zero <= REG_BYTES;
}

static uint64_t value_reverse(const qvm_state_block *blk, uint64_t value)
{
    return blk->flags & QSF_REVERSE ? __builtin_bswap64(value) >> (64 - 8 * blk->length) : value;
}

/* A piece of one general register: which, and from which byte on. */
static bool register_of(const qvm_state_block *blk, unsigned *reg, unsigned *shift)
{
    *reg = (unsigned)(blk->location / REG_BYTES);
    *shift = 8 * (unsigned)(blk->location % REG_BYTES);
    return blk->location < (ZERO_REG + 1) * REG_BYTES && blk->length <= REG_BYTES - blk->location % REG_BYTES;
}

static int register_read(const guest_cpu *gcp, const qvm_state_block *blk, uint64_t *value)
{
    unsigned reg, shift;
    if (!gcp || !register_of(blk, &reg, &shift))
        return EINVAL;
    *value = reg == ZERO_REG ? 0 : value_reverse(blk, gcp->arch.regs.x[reg] >> shift);
    return EOK;
}

/* An extended value fills the register; one that is not replaces its bytes only. */
static int register_write(guest_cpu *gcp, const qvm_state_block *blk, uint64_t value)
{
    unsigned reg, shift;
    if (!gcp || !register_of(blk, &reg, &shift))
        return EINVAL;
    if (reg == ZERO_REG)
        return EOK;
    uint64_t *x = &gcp->arch.regs.x[reg];
    value = value_reverse(blk, value);
    value_extend(blk, &value);
    if (blk->flags & ~QSF_REVERSE)
        *x = value;
    else
        *x = field_set((~UINT64_C(0) >> (64 - 8 * blk->length)) << shift, *x, value);
    return EOK;
}

/* How far a copy comes within one window, which is a chunk at a time. */
static uint64_t window_room(pa_t pa, uint64_t want)
{
    uint64_t room = HYP_CHUNK_SIZE - (pa.raw & (HYP_CHUNK_SIZE - 1));
    return want < room ? want : room;
}

/* Copies between EL2 and guest RAM, piece by piece; nothing is copied beyond the first byte that is not the guest's. */
static int memory_copy(guest_cpu *gcp, ipa_t ipa, void *data, uint64_t len, bool write)
{
    if (!gcp)
        return EINVAL;
    for (uint64_t done = 0; done < len;) {
        struct range ram = aspace_ram_at(&gcp->vm->as, ipa_add(ipa, done), len - done, write ? GRF_PASS_WR : 0);
        if (!ram.size)
            return EFAULT;
        uint64_t n = window_room(ram.base, ram.size);
        uint64_t irqs = irq_mask(); /* the window is the core's */
        void *window = window_map(ram.base, n, write);
        if (write)
            bulk_copy(window, (const char *)data + done, n);
        else
            bulk_copy((char *)data + done, window, n);
        window_unmap();
        irq_restore(irqs);
        done += n;
    }
    return EOK;
}

/* The same by the guest's own translation, at its present exception level, page by page. */
static int virtual_copy(guest_cpu *gcp, uint64_t va, void *data, uint64_t len, bool write)
{
    if (!gcp)
        return EINVAL;
    bool el0 = (gcp->arch.regs.pstate & FIELD(3, 0)) == 0;
    for (uint64_t done = 0; done < len;) {
        uint64_t at = va + done, room = PAGE_SIZE - (at & (PAGE_SIZE - 1)), n = len - done < room ? len - done : room;
        ipa_t ipa;
        if (!vcpu_translate(at, el0, write, &ipa))
            return -1;
        int err = memory_copy(gcp, ipa, (char *)data + done, n, write);
        if (err)
            return err;
        done += n;
    }
    return EOK;
}

/* One block's bytes into data, at most len; *done says how many. */
static int block_read(guest_cpu *gcp, const qvm_state_block *blk, void *data, size_t len, size_t *done)
{
    uint64_t value = blk->location;
    int err = EOK;
    *done = len < blk->length ? len : (size_t)blk->length;
    if (blk->type == QST_MEMORY)
        return memory_copy(gcp, IPA(blk->location), data, *done, false);
    if (blk->type == QST_VIRTUAL)
        return virtual_copy(gcp, blk->location, data, *done, false);
    if (blk->type == QST_HOST) {
        memcpy(data, va_ptr(VA(blk->location)), *done);
        return EOK;
    }
    if (!block_is_value(blk))
        return EINVAL;
    if (blk->type == QST_CPUREGS)
        err = register_read(gcp, blk, &value);
    else if (blk->type != QST_IMMEDIATE)
        err = ENOTSUP;
    unsigned bytes = value_extend(blk, &value);
    *done = len < bytes ? len : bytes;
    memcpy(data, &value, *done);
    return err;
}

static int block_write(guest_cpu *gcp, const qvm_state_block *blk, const void *data, size_t len, size_t *done)
{
    uint64_t value = 0;
    *done = len < blk->length ? len : (size_t)blk->length;
    if (blk->type == QST_MEMORY)
        return memory_copy(gcp, IPA(blk->location), (void *)data, *done, true);
    if (blk->type == QST_VIRTUAL)
        return virtual_copy(gcp, blk->location, (void *)data, *done, true);
    if (blk->type == QST_HOST) {
        memcpy(va_ptr(VA(blk->location)), data, *done);
        return EOK;
    }
    if (!block_is_value(blk) || blk->type == QST_IMMEDIATE)
        return EINVAL;
    memcpy(&value, data, *done);
    return blk->type == QST_CPUREGS ? register_write(gcp, blk, value) : ENOTSUP;
}

int guest_cpu_read(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, void *data, size_t len)
{
    if (!phase_is(PHASE_RUNNING, cpu_vm_name(gcp)))
        return EPERM;
    (void)flags;
    for (unsigned i = 0; i < n && len; i++) {
        size_t done;
        int err = block_read(gcp, &blk[i], data, len, &done);
        if (err)
            return err;
        data = (char *)data + done;
        len -= done;
    }
    return len ? EINVAL : EOK;
}

int guest_cpu_write(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, const void *data,
                    size_t len)
{
    if (!phase_is(PHASE_RUNNING, cpu_vm_name(gcp)))
        return EPERM;
    (void)flags;
    for (unsigned i = 0; i < n && len; i++) {
        size_t done;
        int err = block_write(gcp, &blk[i], data, len, &done);
        if (err)
            return err;
        data = (const char *)data + done;
        len -= done;
    }
    return len ? EINVAL : EOK;
}

int guest_write_all_ones(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n)
{
    uint64_t ones[8];
    memset(ones, 0xff, sizeof(ones));
    for (unsigned i = 0; i < n; i++) {
        for (uint64_t done = 0; done < blk[i].length; done += sizeof(ones)) {
            qvm_state_block piece = blk[i];
            piece.location += done;
            piece.length = piece.length - done < sizeof(ones) ? piece.length - done : sizeof(ones);
            int err = guest_cpu_write(gcp, flags, &piece, 1, ones, piece.length);
            if (err)
                return err;
        }
    }
    return EOK;
}
