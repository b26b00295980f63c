/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The interrupt controller of a VM: what its files share. */
#include "hyp/api/guest.h"
#include "hyp/api/vintc.h"
#include "vdevs/vgic/virq.h"

#define VGIC_PRIVATE 32 /* SGIs and PPIs of a vCPU */
#define VGIC_SGIS 16
#define VGIC_SPIS (CONFIG_MAX_SPIS / 32 * 32)
#define VGIC_LINKS 2                   /* private interrupts that stand for a physical one */
#define VGIC_WATCHED 16                /* shared interrupts whose end somebody is told of */
#define VGIC_IIDR UINT32_C(0x4100043b) /* product 'A', revision 0, JEP106 code of Arm */
#define VGIC_PIDR2 UINT32_C(0x3b)      /* ArchRev 3 */

struct vgic_cpu {
    uint32_t
        dirty; /* first, see struct vintc_ops. Set under lock, read by its own core without: list registers may be wrong */
    struct spinlock lock;
    /* under lock: */
    struct list queue; /* active, or pending and enabled; by priority */
    unsigned queued;
    bool asleep;                  /* GICR_WAKER.ProcessorSleep: nothing is signalled */
    bool moved;                   /* a virq that is moving became inactive here */
    bool done;                    /* a watched one was ended here */
    struct virq *again;           /* with DIRTY_AGAIN: which */
    uint64_t lr_raw[GIC_MAX_LRS]; /* as last written or read; written by its own core, under lock */
    struct virq *lr_virq[GIC_MAX_LRS];
    uint8_t lr_was[GIC_MAX_LRS]; /* enum lr_state of lr_raw, LR_WAS_LINKED */
    struct virq_bank bank;
    struct virq banked[VGIC_PRIVATE];
    /* this core only: */
    uint32_t watch;   /* why an exit has something to fold: WATCH_* */
    const void *core; /* gic_core_key() of the core whose hardware holds it; NULL: none */
    uint8_t closed;   /* groups of 1-of-N interrupts that its CPU interface is known not to signal; others read it */
    uint64_t hcr;     /* ICH_HCR_EL2 as last written */
    uint64_t vmcr;    /* as last looked at */
    /* set at startup, then const: */
    struct virq *link[VGIC_LINKS]; /* its private interrupts that stand for a physical one of its core (the timers) */
    guest_cpu *gcp;
    struct vgic *vgic;
    uint64_t affinity; /* as in GICD_IROUTER */
    unsigned index;
};

#define LR_WAS_LINKED 4u

#define WATCH_LRS FIELD(15, 0) /* list register n may be valid */
#define WATCH_LINK(k) \
    BIT(16 + (k)) /* link k's physical interrupt is active, and not acknowledged by the guest: its line may fall */
#define WATCH_LINKS FIELD(17, 16)
#define WATCH_MAINTENANCE BIT(18) /* maintenance interrupts beyond those of list registers are asked for */

struct vgic {
    /* set at startup, then const: */
    guest_system *gsp;
    struct vgic_cpu *cpus[CONFIG_MAX_VCPUS];
    unsigned cpu_count;
    uint8_t priority_mask; /* the bits of a priority that exist */
    uint8_t lr_count;
    uint8_t version; /* what the guest has: a GICv2 or a GICv3 */
    uint64_t dist_base, dist_size;
    uint64_t second_base, second_size; /* what comes second in `reg`: GICC, or the redistributors */
    struct {
        uint32_t intid, pintid;
        bool (*asserted)(void);
    } link[VGIC_LINKS];
    unsigned link_count;
    struct virq *watched[VGIC_WATCHED];
    unsigned watched_count;
    /* any core, atomic: */
    uint32_t ctlr;              /* GICD_CTLR's group enables: bit 0 and 1 */
    uint32_t one_of_n;          /* groups, as in ctlr, of SPIs that were routed to more than one vCPU since the reset */
    uint32_t split_eoi;         /* a vCPU was seen with ICC_CTLR_EL1.EOImode=1: any may deactivate an SPI of another */
    struct spinlock route_lock; /* outside of the vCPUs' locks, which are taken by rising index */
    struct virq_bank banks[VGIC_SPIS / 32];
    struct virq spi[VGIC_SPIS];
};

#define IROUTER_IRM BIT(31)
#define IROUTER_AFFINITY (FIELD(39, 32) | FIELD(23, 0))
#define CTLR_ENABLE_GRP0 BIT(0)
#define CTLR_ENABLE_GRP1 BIT(1)

static inline struct vgic *vgic_of(const struct reg_access *a)
{
    return a->vdev->v_device;
}

/* The interrupt by its number as this vCPU sees it, or NULL. */
static inline struct virq *vgic_virq(struct vgic_cpu *cpu, uint32_t intid)
{
    if (intid < VGIC_PRIVATE)
        return &cpu->banked[intid];
    return intid - VGIC_PRIVATE < VGIC_SPIS ? &cpu->vgic->spi[intid - VGIC_PRIVATE] : NULL;
}

/* fill.c, fold.c, cpu.c: the list registers as a cache. The functions of struct vintc_ops. */
void vgic_flush(guest_cpu *gcp);
void vgic_sync(guest_cpu *gcp);
void vgic_refresh(guest_cpu *gcp);
bool vgic_wakes(guest_cpu *gcp, bool powered_down);
void vgic_load(guest_cpu *gcp);
void vgic_put(guest_cpu *gcp);
/* Its CPU interface is as after a reset: no 1-of-N interrupt stays with it. */
void vgic_off(guest_cpu *gcp);
bool vgic_hw_fired(guest_cpu *gcp, uint32_t intid);
/* On its own core: what the guest did is in the virqs. */
void vgic_cpu_fold(struct vgic_cpu *cpu);
/* Why its next entry has something to do; bits of vgic_cpu.dirty. */
#define DIRTY_LRS 1u   /* list registers may be wrong */
#define DIRTY_LINKS 2u /* a linked interrupt's state changed: the physical one follows */
#define DIRTY_SPI 4u   /* it may get a shared interrupt */
#define DIRTY_ALL 7u
/* Alone: of all that is known one thing is new, an SGI of the list register that it had the last time was sent again. */
#define DIRTY_AGAIN 8u
static inline void vgic_cpu_touch(struct vgic_cpu *cpu, uint32_t why) REQUIRES(cpu->lock)
{
    __atomic_store_n(&cpu->dirty, cpu->dirty | why, __ATOMIC_RELAXED);
}
/* The same after an SGI was latched. */
static inline void vgic_cpu_touch_sgi(struct vgic_cpu *cpu, struct virq *v) REQUIRES(cpu->lock)
{
    bool again = !cpu->dirty && v->lr >= 0 && v->again == v->latch && cpu->lr_raw[v->lr] == v->word;
    if (again)
        cpu->again = v;
    vgic_cpu_touch(cpu, again ? DIRTY_AGAIN : DIRTY_LRS);
}

/* The vCPU of that affinity (as in GICD_IROUTER), or NULL. A vCPU's MPIDR is Aff0 0 to 15, then Aff1. */
static inline struct vgic_cpu *vgic_cpu_at(const struct vgic *g, uint64_t affinity)
{
    uint64_t index = (affinity >> 8 & 0xff) * 16 + (affinity & 0xf);
    return index < g->cpu_count && g->cpus[index]->affinity == affinity ? g->cpus[index] : NULL;
}

/* sysreg.c */
bool vgic_sgi1r(guest_cpu *gcp, uint64_t value);
enum sysreg_result vgic_sysreg(guest_cpu *gcp, struct sysreg_access *a) __running;
/*
 * On its own core, before an SGI of the vCPU to itself is latched: the same as before, whose list register says that the guest is done with it. As far as is
 * known it is pending there still; all that is known becomes true again by the same word, as in vgic_hw_fired().
 */
static inline bool vgic_sgi_again(const struct vgic_cpu *cpu, const struct virq *v, unsigned senders)
    REQUIRES(cpu->lock)
{
    if (v->lr < 0 || v->latch != senders || cpu->lr_raw[v->lr] != v->word || cpu->dirty ||
        !(gic_elrsr_read() >> v->lr & 1))
        return false;
    gic_lr_write((unsigned)v->lr, v->word);
    return true;
}
/* sgi_v3.c: a write to ICC_SGI1R_EL1 and its like. `group1`: may it make group 1 interrupts pending (else group 0 only)? */
void vgic_sgi(struct vgic_cpu *from, uint64_t value, bool group1);

/* access.c: virqs one by one, on any core. `self`: the vCPU whose exit this is; NULL: none's. */
struct vgic_cpu *virq_lock_moved(struct virq *v, struct vgic_cpu *from) NO_THREAD_SAFETY;
/* Locks a virq: its home's lock. */
static inline struct vgic_cpu *virq_lock(struct virq *v) NO_THREAD_SAFETY
{
    struct vgic_cpu *home = __atomic_load_n(&v->home, __ATOMIC_ACQUIRE);
    lock_acquire(&home->lock);
    return home == __atomic_load_n(&v->home, __ATOMIC_RELAXED) ? home : virq_lock_moved(v, home);
}
/* May its home, which is told to look, change its state behind our back? */
bool virq_is_ahead(const struct virq *v, struct vgic_cpu *home) REQUIRES(home->lock);
static inline void virq_unlock(struct vgic_cpu *home) NO_THREAD_SAFETY
{
    lock_release(&home->lock);
}
/* After a change that list registers must follow: its home is told. */
void virq_unlock_changed(struct virq *v, struct vgic_cpu *home, guest_cpu *self) NO_THREAD_SAFETY;
static inline void virq_unlock_after(struct virq *v, struct vgic_cpu *home, bool changed,
                                     guest_cpu *self) NO_THREAD_SAFETY
{
    if (changed)
        virq_unlock_changed(v, home, self);
    else
        virq_unlock(home);
}
/* An operation on what must be known for sure: a running vCPU that may have changed it is brought out first. Waits for that. */
typedef bool (*virq_op)(struct virq *v, unsigned with); /* answers as virq_update() */
void virq_apply_folded(struct virq *v, guest_cpu *self, virq_op op, unsigned with) __running;
/* For every virq of first[0..31] whose bit is set. */
void virq_apply_bits_folded(struct virq *first, uint32_t bits, guest_cpu *self, virq_op op) __running;
/* Reads one bit of state of 32 virqs. */
uint32_t virq_read_bits(struct virq *first, guest_cpu *self, bool (*is)(const struct virq *v)) __running;
/* Who sent each of the `count` SGIs from `first` that are pending, a byte each. */
uint32_t virq_senders_read(struct virq *first, unsigned count, guest_cpu *self) __running;
/* Under lock: samples the line of a linked virq whose vCPU is in this core's hardware. */
void virq_sample(struct virq *v);
/* words.c: the registers that GICD and GICR have in common, on the 32 virqs from `first`. */
enum virq_word { WORD_GROUP, WORD_SENABLE, WORD_CENABLE, WORD_SPEND, WORD_CPEND, WORD_SACTIVE, WORD_CACTIVE };
uint32_t virq_word_read(struct virq *first, enum virq_word word, guest_cpu *self) __running;
void virq_word_write(struct virq *first, enum virq_word word, uint32_t value, guest_cpu *self) __running;
uint64_t virq_priority_read(const struct virq *first, unsigned bytes);
void virq_priority_write(struct virq *first, unsigned bytes, uint64_t value, uint8_t mask, guest_cpu *self);
/* GICx_ICFGR: the 16 virqs from `first`. */
uint32_t virq_config_read(const struct virq *first);
void virq_config_write(struct virq *first, uint32_t value, guest_cpu *self) __running;

/*
 * route.c: which vCPU a shared interrupt goes to. `route`: as in struct virq, no bit but those that exist. Never waits: one that a running vCPU may have taken
 * moves when that vCPU has left its guest, which it is told to (in finite time, IHI 0069 12.9.22).
 */
void vgic_route_set(struct vgic *g, struct virq *v, uint64_t route, guest_cpu *self);
/* Moves it to the home that its route asks for now, or as soon as it can move. Never waits. */
void vgic_route_update(struct vgic *g, struct virq *v, guest_cpu *self);
/*
 * The state after a reset: GICD_IROUTER is affinity 0.0.0.0, the first vCPU; GICD_ITARGETSR no target, but where there is but one. Its line may rise and
 * fall meanwhile on any core.
 */
void vgic_spi_reset(struct vgic *g, struct virq *v);
/* Interrupts of 1-of-N routing, after a vCPU began or ceased to take part. */
void vgic_route_any(struct vgic *g, guest_cpu *self);
/* Does the vCPU take part in 1-of-N routing of this one, as far as is known? */
bool vgic_cpu_participates(const struct vgic_cpu *cpu, const struct virq *v);

/* It is routed to more than one vCPU. */
static inline void vgic_one_of_n(struct vgic *g, const struct virq *v)
{
    (void)__atomic_fetch_or(&g->one_of_n, virq_group1(v) ? CTLR_ENABLE_GRP1 : CTLR_ENABLE_GRP0, __ATOMIC_RELAXED);
}

/* Now it is known what the vCPU's CPU interface signals. True: 1-of-N interrupts may have to go elsewhere, or to come: vgic_route_any(). */
bool vgic_closed_update(struct vgic_cpu *cpu, uint64_t vmcr) REQUIRES(cpu->lock);

/* watch.c: from now on guest_intr_notify() is told when the guest has ended this shared interrupt, and when it enables it. */
int vgic_watch(struct vgic *g, uint32_t intid) __startup __must_check;
/* Tells that the guest is about to enable it. */
void vgic_watched_unmask(const struct virq *v, guest_cpu *self) __running;
/* Tells of those that were ended. No lock held; never waits. */
void vgic_watched_tell(struct vgic *g) __running;

/* dist_v2.c; dist_v3.c, redist.c */
extern const struct reg_table vgic_dist_v2_regs, vgic_dist_v3_regs, vgic_redist_regs;
/* vgic.c */
void vgic_reset(guest_system *gsp);
/* Startup: on every vCPU, private interrupt `intid` is the physical `pintid` of its core; `asserted` samples its line there. */
int vgic_link_private(struct vdev_builder *b, vdev_t *controller, uint32_t intid, uint32_t pintid,
                      bool (*asserted)(void)) __startup __must_check;
/* pic.c */
extern const struct vdev_pic_functions vgic_pic;
