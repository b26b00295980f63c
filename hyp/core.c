/* SPDX-License-Identifier: Apache-2.0 */
/* The core loop. */
#include "hyp/core.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/timer.h"
#include "hyp/base/log.h"
#include "hyp/exit.h"
#include "hyp/pirq.h"
#include "hyp/smccc.h"
#include "hyp/test_fault.h"
#include "hyp/vm_life.h"

static void core_send_kick(struct core *c)
{
    if (c != this_core())
        gic_send_sgi(c->arch.index, GIC_SGI_KICK);
}

void core_kick(struct core *c)
{
    __atomic_store_n(&c->attention, 1, __ATOMIC_SEQ_CST);
    core_send_kick(c);
}

void guest_cpu_kick(guest_cpu *v)
{
    __atomic_store_n(&v->kicked, 1, __ATOMIC_SEQ_CST);
    /* Pairs with vcpu_enter() and core_idle(): they publish, then look at `kicked`; we published, now look at them. */
    if (__atomic_load_n(&v->in_guest, __ATOMIC_SEQ_CST) || __atomic_load_n(&v->core->idle, __ATOMIC_SEQ_CST) ||
        v->core->loaded != v)
        core_send_kick(v->core);
}

bool guest_cpu_in_guest(const guest_cpu *v)
{
    return __atomic_load_n(&v->in_guest, __ATOMIC_ACQUIRE);
}

void guest_cpu_pause(guest_cpu *v)
{
    if (!phase_is(PHASE_RUNNING, v->vm->name))
        return;
    __atomic_fetch_add(&v->pauses, 1, __ATOMIC_SEQ_CST);
    if (v->core == this_core())
        return; /* it cannot be in the guest while we run here */
    if (guest_cpu_in_guest(v))
        core_send_kick(v->core);
    /* Bounded: the kick is an exit, and the exit folds before it clears in_guest. */
    while (guest_cpu_in_guest(v))
        spin_pause();
}

void guest_cpu_resume(guest_cpu *v)
{
    if (!phase_is(PHASE_RUNNING, v->vm->name))
        return;
    if (__atomic_sub_fetch(&v->pauses, 1, __ATOMIC_SEQ_CST) == 0)
        guest_cpu_kick(v);
}

/* The timers of a vCPU that is not in the hardware fire by its saved registers. */
static void vcpu_timers_check(struct guest_cpu *v)
{
    uint64_t now = timer_now();
    if (timer_vcpu_virt_asserted(&v->arch.timer, now))
        v->vm->intc->hw_fired(v, GIC_PPI_VTIMER);
    if (timer_vcpu_phys_asserted(&v->arch.timer, now))
        v->vm->intc->hw_fired(v, GIC_PPI_PTIMER);
}

static bool vcpu_runnable(struct guest_cpu *v)
{
    if (v->power != VCPU_ON || v->vm->state != VM_RUNNING || __atomic_load_n(&v->pauses, __ATOMIC_ACQUIRE))
        return false;
    if (!v->waiting)
        return true;
    if (v->core->loaded != v)
        vcpu_timers_check(v);
    if (v->vm->intc->wakes(v))
        v->waiting = false;
    return !v->waiting;
}

/* The first of the highest priority that can run; among equals the one behind who ran last, once its slice is over. */
static struct guest_cpu *core_pick(struct core *c)
{
    struct guest_cpu *v = c->loaded;
    if (c->cpu_count == 1)
        return vcpu_runnable(c->cpus[0]) ? c->cpus[0] : NULL;
    unsigned top = c->cpu_count;
    for (unsigned i = 0; i < c->cpu_count; i++) {
        if (!vcpu_runnable(c->cpus[i]))
            continue;
        if (top == c->cpu_count)
            top = i;
        if (c->cpus[i]->vm->config->priority != c->cpus[top]->vm->config->priority)
            break;
        if (c->cpus[i] == v && timer_now() < c->slice_end)
            return v;
        if (i > c->last) {
            top = i;
            break;
        }
    }
    if (top == c->cpu_count)
        return NULL;
    c->last = top;
    c->slice_end = timer_now() + timer_ms(CORE_SLICE_MS);
    return c->cpus[top];
}

static void core_put(struct core *c)
{
    struct guest_cpu *v = c->loaded;
    if (!v)
        return;
    v->vm->intc->put(v);
    vcpu_arch_put(&v->arch);
    c->loaded = NULL;
}

static void core_load(struct core *c, struct guest_cpu *v)
{
    if (c->loaded == v)
        return;
    core_put(c);
    if (c->last_vm != v->vm)
        smccc_vm_switch();
    c->last_vm = v->vm;
    vm_cpu_clock(v);
    /* Another vCPU of the VM may have left TLB entries here under the same VMID. */
    vcpu_arch_load(&v->arch, c->last_of[v->vm->id] != v);
    c->last_of[v->vm->id] = v;
    vcpu_trap_wfi(&v->arch, c->cpu_count > 1);
    c->loaded = v;
    v->vm->intc->load(v);
}

/* EL2's own timer: the end of the slice if somebody else could run, and the deadlines of vCPUs whose timers are not in the hardware. */
static void core_arm_timer(struct core *c, bool running)
{
    uint64_t when = ~UINT64_C(0);
    if (c->cpu_count == 1)
        return;
    for (unsigned i = 0; i < c->cpu_count; i++) {
        struct guest_cpu *v = c->cpus[i];
        if (v == c->loaded || v->power != VCPU_ON || v->vm->state != VM_RUNNING)
            continue;
        uint64_t at = v->waiting ? timer_vcpu_deadline(&v->arch.timer, timer_now()) : running ? c->slice_end : when;
        when = at < when ? at : when;
    }
    timer_deadline(when);
}

int core_settle(struct core *c, struct guest_cpu *v)
{
    const uint32_t *dirty = vintc_cpu_data(v);
    if (*dirty || __atomic_load_n(&v->kicked, __ATOMIC_RELAXED)) {
        __atomic_store_n(&v->kicked, 0, __ATOMIC_SEQ_CST);
        v->vm->intc->sync(v);
        v->vm->intc->flush(v);
    }
    if (__atomic_load_n(&v->pauses, __ATOMIC_RELAXED) || __atomic_load_n(&c->attention, __ATOMIC_RELAXED))
        return GUEST_LEFT_IRQ;
    return GUEST_RESUME;
}

int core_irq_fast(struct core *c, struct guest_cpu *v)
{
    uint32_t intid = gic_ack();
    v->exits[EXIT_IRQ]++;
    switch (intid) {
    case GIC_PPI_VTIMER:
    case GIC_PPI_PTIMER:
        gic_drop(intid);
        if (!v->vm->intc->hw_fired(v, intid))
            return core_settle(c, v);
        return GUEST_RESUME;
    case GIC_SGI_KICK:
        gic_drop(intid);
        gic_deactivate(intid);
        return core_settle(c, v);
    }
    c->acked = intid + 1;
    return GUEST_LEFT_IRQ;
}

static uint32_t core_ack(struct core *c)
{
    uint32_t waiting = c->acked;
    c->acked = 0;
    return waiting ? waiting - 1 : gic_ack();
}

static void core_irq(struct core *c)
{
    uint32_t intid = core_ack(c);
    if (intid >= GIC_SPURIOUS)
        return;
    c->irqs++;
    gic_drop(intid);
    switch (intid) {
    case GIC_PPI_VTIMER:
    case GIC_PPI_PTIMER:
        /* Stays active until the guest deactivates its virtual twin. */
        if (c->loaded)
            c->loaded->vm->intc->hw_fired(c->loaded, intid);
        else
            gic_deactivate(intid);
        return;
    case GIC_PPI_HYP_TIMER: timer_deadline(~UINT64_C(0)); break;
    case GIC_SGI_CALL: panic_stop_here(); break;
    case GIC_SGI_KICK: break;
    default: pirq_dispatch(intid); break;
    }
    gic_deactivate(intid);
}

/* CPU_SUSPEND to power-down is over: all but the timers, which woke it, is as after a reset. */
static void core_power_up(struct core *c, struct guest_cpu *v)
{
    if (c->loaded == v)
        core_put(c);
    struct timer_vcpu timer = v->arch.timer;
    vcpu_arch_reset(&v->arch, v->start_pc, v->start_x0);
    v->arch.timer = timer;
    v->powered_down = false;
}

static void core_idle(struct core *c)
{
    core_arm_timer(c, false);
    __atomic_store_n(&c->idle, 1, __ATOMIC_SEQ_CST);
    bool kicked = __atomic_load_n(&c->attention, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < c->cpu_count; i++)
        kicked |= __atomic_exchange_n(&c->cpus[i]->kicked, 0, __ATOMIC_SEQ_CST);
    if (!kicked)
        core_wait();
    __atomic_store_n(&c->idle, 0, __ATOMIC_RELAXED);
    core_irq(c);
}

/* One entry and what came of it. */
static __running void vcpu_enter(struct core *c, struct guest_cpu *v)
{
    const struct vintc_ops *intc = v->vm->intc;
    __atomic_store_n(&v->kicked, 0, __ATOMIC_SEQ_CST);
    intc->flush(v);
    __atomic_store_n(&v->in_guest, 1, __ATOMIC_SEQ_CST);
    /* Pairs with guest_cpu_kick() and guest_cpu_pause(): who changed something before in_guest was seen is seen here. */
    if (__atomic_load_n(&v->kicked, __ATOMIC_SEQ_CST) || __atomic_load_n(&v->pauses, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&v->in_guest, 0, __ATOMIC_RELEASE);
        return;
    }
    struct exit e = guest_run(&v->arch);
    intc->sync(v);
    __atomic_store_n(&v->in_guest, 0, __ATOMIC_RELEASE);
    if (IS_ENABLED(CONFIG_TEST_FAULTS))
        test_fault_point(v);
    if (e.kind == EXIT_IRQ || c->acked)
        core_irq(c);
    if (e.kind != EXIT_IRQ) {
        v->exits[e.kind]++;
        exit_dispatch(v, &e);
    }
}

static __running void core_attend(struct core *c)
{
    for (unsigned i = 0; i < c->cpu_count; i++) {
        struct guest_cpu *v = c->cpus[i];
        if (v->power == VCPU_ON_PENDING) {
            if (c->loaded == v)
                core_put(c); /* what it left when it went off */
            if (vm_cpu_arrive(v)) {
                c->last_of[v->vm->id] = NULL; /* no TLB entry of its former life */
                continue;
            }
        }
        /* A paused vCPU's timers stand still with it, and a clock that moved is loaded anew. */
        bool moved = v->arch.timer.own_clock && v->arch.timer.cntvoff != v->vm->clock_zero;
        if (c->loaded == v && (v->vm->state == VM_PAUSED || moved))
            core_put(c);
        if (v->vm->state != VM_ENDING || v->power == VCPU_OFF)
            continue;
        if (c->loaded == v)
            core_put(c);
        vm_cpu_gone(v);
    }
}

void core_loader_add(struct core *c, struct vm_loader *l)
{
    lock_acquire(&c->lock);
    l->next = c->loaders;
    c->loaders = l;
    lock_release(&c->lock);
    core_kick(c);
}

/* One chunk of the first VM that waits to be loaded here. Is there more? */
static __running bool core_load_step(struct core *c)
{
    struct vm_loader *l = __atomic_load_n(&c->loaders, __ATOMIC_ACQUIRE);
    if (!l)
        return false;
    if (!vm_load_step(l))
        return true;
    lock_acquire(&c->lock);
    struct vm_loader **at = &c->loaders;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    bool more = c->loaders;
    lock_release(&c->lock);
    return more;
}

void core_loop(struct core *c)
{
    for (;;) {
        if (__atomic_load_n(&c->attention, __ATOMIC_ACQUIRE)) {
            __atomic_store_n(&c->attention, 0, __ATOMIC_SEQ_CST);
            core_attend(c);
        }
        bool loading = core_load_step(c);
        struct guest_cpu *v = core_pick(c);
        if (v) {
            if (v->powered_down)
                core_power_up(c, v);
            core_load(c, v);
            core_arm_timer(c, true);
            vcpu_enter(c, v);
        } else if (!loading) {
            core_idle(c);
        }
    }
}
