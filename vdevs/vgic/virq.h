/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One virtual interrupt. Its state here is the truth; a list register holds a copy only while its vCPU runs, folded back before
 * anybody looks. The same model serves GICv3 and GICv2.
 *
 * The lock of a virq is the lock of its home: the vCPU that it would interrupt. A private interrupt's home never changes; a shared one's
 * changes only with both homes' locks held (route.c), so that one lock is enough for everything else.
 */
#include "arch/arm64/gic.h"
#include "hyp/base/config.h"
#include "hyp/base/list.h"
#include "hyp/base/test_fault.h"

struct vgic_cpu;

/* What is set by word for 32 interrupts. A bit changes atomically and under its virq's lock; a word may be read at any time. */
struct virq_bank {
    uint32_t enabled;
    uint32_t group1; /* 0: group 0 */
    uint32_t edge;   /* 0: level-sensitive */
};

struct virq {
    /* set at startup, then const: */
    struct virq_bank *bank;
    uint16_t intid;
    uint16_t pintid; /* with hw: the physical interrupt it stands for, on the core of its home */
    bool hw;
    bool watched; /* somebody is to be told when the guest is done with it */
    bool link;    /* with hw: a list register may be linked to it, and deactivates it then */
    /* under lock: */
    struct vgic_cpu *home; /* read without lock to find the lock */
    struct list node;      /* in the home's queue, or empty */
    uint32_t sources; /* bit by bit, who drives the line high; with hw: 1 while the device asserts it, as last seen */
    uint64_t route;   /* shared: GICD_IROUTER; of a GICv2 its byte of GICD_ITARGETSR */
    uint64_t word;    /* the list register of virq_lr() in the plain case, while that is known; else 0 */
    uint8_t priority;
    int8_t lr; /* the list register with its copy, or -1 */
    /* Pending by an edge, an SGI or GICx_ISPENDR: bit 0; of a GICv2's SGI bit by bit the vCPU that sent it. */
    uint8_t latch;
    uint8_t again;  /* what was latched once more since the list register was written */
    uint8_t sender; /* whose bit of the latch the list register stands for; while active: who is being served */
    bool active;
    bool phys_active; /* with hw: the physical interrupt is active on behalf of this one */
    bool nowhere;     /* shared: its route names no vCPU */
    bool done;        /* watched: the guest is, and nobody was told yet */
    bool any;         /* shared: its route names several, one of which takes it */
    bool moving;      /* shared: goes to another home as soon as it is not active */
};

static inline uint32_t virq_bit(const struct virq *v)
{
    return (uint32_t)BIT(v->intid % 32);
}

static inline bool virq_enabled(const struct virq *v)
{
    return __atomic_load_n(&v->bank->enabled, __ATOMIC_RELAXED) & virq_bit(v);
}

static inline bool virq_group1(const struct virq *v)
{
    return __atomic_load_n(&v->bank->group1, __ATOMIC_RELAXED) & virq_bit(v);
}

static inline bool virq_edge(const struct virq *v)
{
    return __atomic_load_n(&v->bank->edge, __ATOMIC_RELAXED) & virq_bit(v);
}

static inline bool virq_pending(const struct virq *v)
{
    return v->latch || (v->sources && !virq_edge(v));
}

/* Can it be signalled, as far as the distributor is concerned? `groups`: bit 0 group 0 is enabled, bit 1 group 1. */
static inline bool virq_deliverable(const struct virq *v, unsigned groups)
{
    return virq_pending(v) && virq_enabled(v) && !v->nowhere && !v->moving && (groups >> virq_group1(v) & 1);
}

/* The state after a cold reset; set at startup fields stay. Its queue, if it was in one, is reset as well. */
void virq_reset(struct virq *v, struct vgic_cpu *home);
/* Into its home's queue, out of it. */
void virq_enqueue(struct virq *v);
void virq_dequeue(struct virq *v);
/* Puts it into its home's queue or takes it out, as its state says. */
static inline void virq_queue(struct virq *v)
{
    bool want = v->active || (virq_pending(v) && virq_enabled(v)), queued = !list_empty(&v->node);
    if (want && !queued)
        virq_enqueue(v);
    if (!want && queued)
        virq_dequeue(v);
}
/* The same. Must list registers be looked at again for it? */
static inline __must_check bool virq_update(struct virq *v)
{
    virq_queue(v);
    return !list_empty(&v->node) || v->lr >= 0;
}
/* What others sent of the same SGI: it waits until the list register is free of this one. */
static inline unsigned virq_others(const struct virq *v)
{
    return v->latch & ~(unsigned)BIT(v->sender);
}
/* The plain case of a copy: nothing but pending, by an edge, by its line or by its link. */
static inline bool virq_is_plain(const struct virq *v)
{
    return !v->active && !v->moving && !virq_others(v) && (v->hw || v->sources || virq_edge(v));
}
/* The same after its priority changed, which is the queue's order. */
bool virq_requeue(struct virq *v) __must_check;
/* The line's `source` goes high or low. Same answer. */
bool virq_line(struct virq *v, uint32_t source, bool high) __must_check;
/* A GICv2's SGI, from vCPUs bit by bit. Same answer. */
bool virq_latch_from(struct virq *v, unsigned senders) __must_check;
bool virq_unlatch_from(struct virq *v, unsigned senders) __must_check;
/* An edge, an SGI, a write to GICx_ISPENDR. Same answer. */
static inline __must_check bool virq_latch(struct virq *v)
{
    if ((v->latch && v->lr < 0) || (IS_ENABLED(CONFIG_TEST_FAULTS) && test_fault_drops()))
        return false;
    v->latch = 1;
    v->again = v->lr >= 0;
    return virq_update(v);
}
bool virq_unlatch(struct virq *v) __must_check;
bool virq_set_active(struct virq *v, bool active) __must_check;
/* What the guest did with a list register that held `was` and now holds `now` (enum lr_state). Pure but for *v; the queue is the caller's. */
void virq_fold(struct virq *v, unsigned was, unsigned now);
/* Its copy for a list register. deliver: virq_deliverable(). Pure. */
struct lr virq_lr(const struct virq *v, bool deliver);
