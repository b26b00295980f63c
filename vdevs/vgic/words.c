/* SPDX-License-Identifier: Apache-2.0 */
/* The registers that the distributor and the redistributors have in common (IHI 0069 12.9, 12.11), each bit or byte one virq. */
#include "vdevs/vgic/vgic.h"

static bool op_group(struct virq *v, uint64_t word)
{
    uint32_t bit = virq_bit(v);
    if (word & bit)
        __atomic_fetch_or(&v->bank->group1, bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&v->bank->group1, ~bit, __ATOMIC_RELAXED);
    v->word = 0;
    return virq_update(v) || v->hw;
}

static bool op_enable(struct virq *v, uint64_t arg)
{
    (void)arg;
    __atomic_fetch_or(&v->bank->enabled, virq_bit(v), __ATOMIC_RELAXED);
    virq_sample(v);
    return virq_update(v) || v->hw;
}

static bool op_disable(struct virq *v, uint64_t arg)
{
    (void)arg;
    __atomic_fetch_and(&v->bank->enabled, ~virq_bit(v), __ATOMIC_RELAXED);
    return virq_update(v) || v->hw;
}

/* Linked virqs answer "changed" always: the physical interrupt may have to follow. */
static bool op_pend(struct virq *v, uint64_t arg)
{
    (void)arg;
    return virq_latch(v) || v->hw;
}

static bool op_unpend(struct virq *v, uint64_t arg)
{
    (void)arg;
    virq_sample(v);
    return virq_unlatch(v) || v->hw;
}

static bool op_activate(struct virq *v, uint64_t arg)
{
    (void)arg;
    return virq_set_active(v, true) || v->hw;
}

static bool op_deactivate(struct virq *v, uint64_t arg)
{
    (void)arg;
    return virq_set_active(v, false) || v->hw;
}

static bool op_priority(struct virq *v, uint64_t priority)
{
    if (v->priority == priority)
        return false;
    v->priority = (uint8_t)priority;
    return virq_requeue(v) || v->hw;
}

static bool op_config(struct virq *v, uint64_t edge)
{
    if (edge)
        __atomic_fetch_or(&v->bank->edge, virq_bit(v), __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&v->bank->edge, ~virq_bit(v), __ATOMIC_RELAXED);
    v->word = 0;
    return virq_update(v);
}

static bool is_active(const struct virq *v)
{
    return v->active;
}

uint32_t virq_word_read(struct virq *first, enum virq_word word, guest_cpu *self)
{
    switch (word) {
    case WORD_GROUP: return __atomic_load_n(&first->bank->group1, __ATOMIC_RELAXED);
    case WORD_SENABLE:
    case WORD_CENABLE: return __atomic_load_n(&first->bank->enabled, __ATOMIC_RELAXED);
    case WORD_SPEND:
    case WORD_CPEND: return virq_read_bits(first, self, virq_pending);
    case WORD_SACTIVE:
    case WORD_CACTIVE: return virq_read_bits(first, self, is_active);
    }
    return 0;
}

void virq_word_write(struct virq *first, enum virq_word word, uint32_t value, guest_cpu *self)
{
    uint32_t enabled = __atomic_load_n(&first->bank->enabled, __ATOMIC_RELAXED);
    switch (word) {
    case WORD_GROUP:
        virq_apply_bits(first, value ^ __atomic_load_n(&first->bank->group1, __ATOMIC_RELAXED), self, VIRQ_AS_KNOWN,
                        op_group, value);
        return;
    case WORD_SENABLE: virq_apply_bits(first, value & ~enabled, self, VIRQ_AS_KNOWN, op_enable, 0); return;
    /* Once the write is done it cannot be taken any more: GICD_CTLR.RWP reads as 0. */
    case WORD_CENABLE: virq_apply_bits(first, value & enabled, self, VIRQ_FOLDED, op_disable, 0); return;
    case WORD_SPEND: virq_apply_bits(first, value, self, VIRQ_AS_KNOWN, op_pend, 0); return;
    case WORD_CPEND: virq_apply_bits(first, value, self, VIRQ_FOLDED, op_unpend, 0); return;
    case WORD_SACTIVE: virq_apply_bits(first, value, self, VIRQ_FOLDED, op_activate, 0); return;
    case WORD_CACTIVE: virq_apply_bits(first, value, self, VIRQ_FOLDED, op_deactivate, 0); return;
    }
}

uint64_t virq_priority_read(const struct virq *first, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned n = 0; n < bytes; n++)
        value |= (uint64_t)__atomic_load_n(&first[n].priority, __ATOMIC_RELAXED) << 8 * n;
    return value;
}

void virq_priority_write(struct virq *first, unsigned bytes, uint64_t value, uint8_t mask, guest_cpu *self)
{
    for (unsigned n = 0; n < bytes; n++)
        virq_apply(&first[n], self, VIRQ_AS_KNOWN, op_priority, (value >> 8 * n) & mask);
}

/* Bit 2n+1 is Int_config of the n-th; bit 2n is RES0. */
uint32_t virq_config_read(const struct virq *first)
{
    uint32_t edge = __atomic_load_n(&first->bank->edge, __ATOMIC_RELAXED) >> (first->intid % 32), value = 0;
    for (unsigned n = 0; n < 16; n++)
        value |= (edge >> n & 1) << (2 * n + 1);
    return value;
}

void virq_config_write(struct virq *first, uint32_t value, guest_cpu *self)
{
    uint32_t changed = value ^ virq_config_read(first);
    for (unsigned n = 0; n < 16; n++)
        if (changed & BIT(2 * n + 1) && !first[n].hw)
            virq_apply(&first[n], self, VIRQ_AS_KNOWN, op_config, value >> (2 * n + 1) & 1);
}
