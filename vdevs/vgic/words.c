/* SPDX-License-Identifier: Apache-2.0 */
/* The registers that the distributor and the redistributors have in common (IHI 0069 12.9, 12.11), each bit or byte one virq. */
#include "vdevs/vgic/vgic.h"

/* What does not depend on what a guest may have done since its entry, under lock. Each answers as virq_update(); linked virqs answer true always:
 * the physical interrupt may have to follow. */
static void bit_assign(uint32_t *word, uint32_t bit, bool set)
{
    if (set)
        __atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(word, ~bit, __ATOMIC_RELAXED);
}

static bool group_set(struct virq *v, bool group1)
{
    bit_assign(&v->bank->group1, virq_bit(v), group1);
    v->word = 0;
    return virq_update(v) || v->hw;
}

static inline bool virq_enable(struct virq *v)
{
    __atomic_fetch_or(&v->bank->enabled, virq_bit(v), __ATOMIC_RELAXED);
    if (v->hw)
        virq_sample(v);
    return virq_update(v) || v->hw;
}

static inline bool priority_set(struct virq *v, uint8_t priority)
{
    v->priority = priority;
    v->word = 0;
    return (!list_empty(&v->node) && virq_requeue(v)) || v->hw;
}

/* Pending before and not now, though the guest did not take it: who masked the machine's interrupt is told, or that would never come again. */
static void done_if_dropped(struct virq *v, bool was_pending)
{
    v->done |= v->watched && was_pending && !v->active && !virq_pending(v);
}

static bool config_set(struct virq *v, bool edge)
{
    bool was = virq_pending(v);
    bit_assign(&v->bank->edge, virq_bit(v), edge);
    v->word = 0;
    done_if_dropped(v, was);
    return virq_update(v);
}

static bool op_disable(struct virq *v, unsigned with)
{
    (void)with;
    __atomic_fetch_and(&v->bank->enabled, ~virq_bit(v), __ATOMIC_RELAXED);
    return virq_update(v) || v->hw;
}

static bool op_unpend(struct virq *v, unsigned with)
{
    (void)with;
    virq_sample(v);
    bool was = virq_pending(v), changed = virq_unlatch(v);
    done_if_dropped(v, was);
    return changed || v->hw;
}

static bool op_activate(struct virq *v, unsigned with)
{
    (void)with;
    return virq_set_active(v, true) || v->hw;
}

static bool op_deactivate(struct virq *v, unsigned with)
{
    (void)with;
    return virq_set_active(v, false) || v->hw;
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

static void groups_write(struct virq *first, uint32_t value, guest_cpu *self)
{
    uint32_t changed = value ^ __atomic_load_n(&first->bank->group1, __ATOMIC_RELAXED);
    for (; changed; changed &= changed - 1) {
        struct virq *v = first + __builtin_ctz(changed);
        struct vgic_cpu *home = virq_lock(v);
        bool kick = group_set(v, value & virq_bit(v));
        if (v->any)
            vgic_one_of_n(home->vgic, v);
        virq_unlock_after(v, home, kick, self);
    }
}

static __running void enables_write(struct virq *first, uint32_t bits, guest_cpu *self)
{
    for (; bits; bits &= bits - 1) {
        struct virq *v = first + __builtin_ctz(bits);
        if (v->watched)
            vgic_watched_unmask(v, self);
        struct vgic_cpu *home = virq_lock(v);
        virq_unlock_after(v, home, virq_enable(v), self);
    }
}

static void pends_write(struct virq *first, uint32_t bits, guest_cpu *self)
{
    for (; bits; bits &= bits - 1) {
        struct virq *v = first + __builtin_ctz(bits);
        struct vgic_cpu *home = virq_lock(v);
        virq_unlock_after(v, home, virq_latch(v) || v->hw, self);
    }
}

void virq_word_write(struct virq *first, enum virq_word word, uint32_t value, guest_cpu *self)
{
    uint32_t enabled = __atomic_load_n(&first->bank->enabled, __ATOMIC_RELAXED);
    switch (word) {
    case WORD_GROUP: groups_write(first, value, self); return;
    case WORD_SENABLE: enables_write(first, value & ~enabled, self); return;
    /* Once the write is done it cannot be taken any more: GICD_CTLR.RWP reads as 0. */
    case WORD_CENABLE: virq_apply_bits_folded(first, value & enabled, self, op_disable); return;
    case WORD_SPEND: pends_write(first, value, self); return;
    case WORD_CPEND: virq_apply_bits_folded(first, value, self, op_unpend); return;
    case WORD_SACTIVE: virq_apply_bits_folded(first, value, self, op_activate); return;
    case WORD_CACTIVE: virq_apply_bits_folded(first, value, self, op_deactivate); return;
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
    for (unsigned n = 0; n < bytes; n++, value >>= 8) {
        struct virq *v = &first[n];
        if (__atomic_load_n(&v->priority, __ATOMIC_RELAXED) == (value & mask))
            continue;
        struct vgic_cpu *home = virq_lock(v);
        virq_unlock_after(v, home, priority_set(v, value & mask), self);
    }
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
    for (unsigned n = 0; n < 16; n++) {
        struct virq *v = &first[n];
        if (!(changed & BIT(2 * n + 1)) || v->hw)
            continue;
        struct vgic_cpu *home = virq_lock(v);
        bool kick = config_set(v, value & BIT(2 * n + 1)), done = v->done;
        virq_unlock_after(v, home, kick, self);
        if (done)
            vgic_watched_tell(home->vgic);
    }
}
