/* SPDX-License-Identifier: Apache-2.0 */
/* The core loop: pick, enter, leave, dispatch, again. */
#include "hyp/core.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/timer.h"
#include "hyp/base/log.h"
#include "hyp/dump.h"
#include "hyp/exit.h"
#include "hyp/guest_clock.h"
#include "hyp/pirq.h"
#include "hyp/smccc.h"
#include "hyp/base/test_fault.h"
#include "hyp/thread.h"
#include "hyp/vm_life.h"

static void core_send_kick(struct core *c)
{
    if (c != this_core())
        gic_send_sgi(c->arch.index, GIC_SGI_KICK);
}

void core_kick(struct core *c)
{
    uint64_t irqs = irq_mask(); /* a thread stays on this core */
    __atomic_store_n(&c->attention, 1, __ATOMIC_SEQ_CST);
    /* The loop of this core looks by itself, but for a thread that runs on it. */
    if (c != this_core() || c->arch.thread)
        gic_send_sgi(c->arch.index, GIC_SGI_KICK);
    irq_restore(irqs);
}

static struct core *core_of(const struct guest_cpu *v)
{
    return __atomic_load_n(&v->ctx.core, __ATOMIC_SEQ_CST);
}

static bool vcpu_is_blocked(const struct guest_cpu *v)
{
    return __atomic_load_n(&v->ctx.state, __ATOMIC_SEQ_CST) == CONTEXT_BLOCKED;
}

void guest_cpu_kick(guest_cpu *v)
{
    __atomic_store_n(&v->kicked, 1, __ATOMIC_SEQ_CST);
    /* Pairs with vcpu_enter() and vcpu_block(): they publish, then look at `kicked`; we published, now look at them. */
    if (guest_cpu_in_guest(v))
        core_send_kick(core_of(v));
    else if (vcpu_is_blocked(v))
        sched_wake(&v->ctx);
}

bool guest_cpu_in_guest(const guest_cpu *v)
{
    return __atomic_load_n(&v->in_guest, __ATOMIC_SEQ_CST);
}

void guest_cpu_pause(guest_cpu *v)
{
    if (!phase_is(PHASE_RUNNING, v->vm->name))
        return;
    __atomic_fetch_add(&v->pauses, 1, __ATOMIC_SEQ_CST);
    /* On this core it cannot be in the guest while we run; elsewhere the kick is an exit, and the exit folds before it clears in_guest. */
    if (!guest_cpu_in_guest(v) || core_of(v) == this_core())
        return;
    core_send_kick(core_of(v));
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

/* A vCPU that sleeps outside the hardware is woken when the first of its timers fires. */
static void vcpu_on_alarm(struct alarm *a)
{
    guest_cpu_kick(container_of(a, struct guest_cpu, wake));
}

int vcpu_wake_init(struct guest_cpu *v, struct core *home)
{
    return alarm_init(&v->wake, home, vcpu_on_alarm);
}

static bool vcpu_sleeps(const struct guest_cpu *v)
{
    return v->waiting && vcpu_power(v) == VCPU_ON && vm_state(v->vm) == VM_RUNNING;
}

static __running void core_put(struct core *c)
{
    struct guest_cpu *v = c->loaded;
    if (!v)
        return;
    v->vm->intc->unload(v);
    vcpu_arch_put(&v->arch);
    c->loaded = NULL;
    if (vcpu_sleeps(v)) {
        uint64_t now = timer_now();
        alarm_set(&v->wake, timer_vcpu_next(&v->arch.timer, now));
        if (timer_vcpu_deadline(&v->arch.timer, now) <= now)
            guest_cpu_kick(
                v); /* a line that rose while nobody looked, or is masked: it looks once more, by its saved registers */
    }
    if (c->sched.current != &v->ctx)
        sched_released(&v->ctx);
}

static __running void core_load(struct core *c, struct guest_cpu *v)
{
    if (c->loaded == v)
        return;
    core_put(c);
    alarm_cancel(&v->wake);
    if (c->last_vm != v->vm)
        smccc_vm_switch();
    c->last_vm = v->vm;
    vm_cpu_clock(v);
    /* Another vCPU of the VM may have left TLB entries here under the same VMID. */
    vcpu_arch_load(&v->arch, c->tlb_life[v->vm->id] != v->life);
    c->tlb_life[v->vm->id] = v->life;
    vcpu_trap_wfi(&v->arch, c->traps_wfi);
    c->loaded = v;
    v->vm->intc->load(v);
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

static __running void core_timer_fired(struct core *c, uint32_t intid)
{
    if (!c->loaded) {
        gic_deactivate(intid);
        return;
    }
    /* Stays active until the guest deactivates its virtual twin. */
    c->loaded->vm->intc->hw_fired(c->loaded, intid);
    if (vcpu_is_blocked(c->loaded))
        guest_cpu_kick(c->loaded);
}

static __running void core_irq(struct core *c)
{
    uint32_t intid = core_ack(c);
    if (intid >= GIC_SPURIOUS)
        return;
    c->irqs++;
    gic_drop(intid);
    switch (intid) {
    case GIC_PPI_VTIMER:
    case GIC_PPI_PTIMER: core_timer_fired(c, intid); return;
    case GIC_PPI_HYP_TIMER:
        core_alarms_due(c);
        if (timer_now() >= c->sched.turn_end)
            c->attention = 1;
        else
            core_deadline(c, c->sched.turn_end);
        break;
    case GIC_SGI_CALL: panic_stop_here(); break;
    case GIC_SGI_KICK: break;
    default:
        if (!pirq_dispatch(intid))
            return; /* stays active, so that it does not fire, until its owner is done */
        break;
    }
    gic_deactivate(intid);
}

/* CPU_SUSPEND to power-down is over: all but the timers, which woke it, is as after a reset. */
static __running void vcpu_power_up(struct core *c, struct guest_cpu *v)
{
    if (c->loaded == v)
        core_put(c);
    struct timer_vcpu timer = v->arch.timer;
    vcpu_arch_reset(&v->arch, v->start_pc, v->start_x0);
    if (v->start_big_endian)
        vcpu_arch_start_big_endian(&v->arch);
    v->arch.timer = timer;
    v->powered_down = false;
}

/* One entry and what came of it. */
static __running void vcpu_enter(struct core *c, struct guest_cpu *v)
{
    const struct vintc_ops *intc = v->vm->intc;
    intc->flush(v);
    __atomic_store_n(&v->in_guest, 1, __ATOMIC_SEQ_CST);
    /* Pairs with guest_cpu_kick() and guest_cpu_pause(): who changed something before in_guest was seen is seen here. And what this core told itself on the way. */
    const uint32_t *dirty = vintc_cpu_data(v);
    if (__atomic_load_n(&v->kicked, __ATOMIC_SEQ_CST) || __atomic_load_n(&v->pauses, __ATOMIC_SEQ_CST) ||
        __atomic_load_n(dirty, __ATOMIC_SEQ_CST) || __atomic_load_n(&c->attention, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&v->in_guest, 0, __ATOMIC_RELEASE);
        gic_lr_settle();
        core_irq(c); /* who changes things again and again keeps this vCPU out, but not the core from its work */
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

/* Is there nothing that wakes it? Outside the hardware its timers are looked at once more when its alarm is set, so that none is missed in between. */
static __running bool vcpu_stays_asleep(const struct core *c, struct guest_cpu *v)
{
    bool outside = c->loaded != v;
    if (outside) {
        vm_cpu_clock(v);
        vcpu_timers_check(v);
    }
    v->waiting = !v->vm->intc->wakes(v, v->powered_down);
    if (v->waiting && outside) {
        alarm_set(&v->wake, timer_vcpu_next(&v->arch.timer, timer_now()));
        vcpu_timers_check(v);
        v->waiting = !v->vm->intc->wakes(v, v->powered_down);
    }
    return v->waiting;
}

/* It is off: what it left goes now, while nobody waits for it to start. */
static __running void vcpu_clear(struct core *c, struct guest_cpu *v)
{
    if (c->loaded == v)
        core_put(c);
    if (v->pristine)
        return;
    vcpu_arch_reset(&v->arch, 0, 0);
    v->vm->intc->off(v);
    v->pristine = true;
}

/* What happened to the vCPU or its VM is seen to, on its core. May it enter its guest? */
static __running bool vcpu_may_enter(struct core *c, struct guest_cpu *v)
{
    if (vcpu_dump_wanted(v)) {
        if (c->loaded == v)
            core_put(c);
        vcpu_dump(v);
    }
    if (vcpu_power(v) == VCPU_ON_PENDING) {
        if (c->loaded == v)
            core_put(c); /* what it left when it went off */
        (void)vm_cpu_arrive(v);
    }
    /* A paused vCPU's timers stand still with it, and a clock that moved is loaded anew. */
    bool moved = v->arch.timer.own_clock && v->arch.timer.cntvoff != v->vm->clock_zero;
    if (c->loaded == v && (vm_state(v->vm) != VM_RUNNING || moved))
        core_put(c);
    if (vm_state(v->vm) == VM_PAUSED)
        clock_left(v);
    if (vm_state(v->vm) == VM_ENDING && vcpu_power(v) != VCPU_OFF)
        vm_cpu_gone(v);
    if (vcpu_power(v) == VCPU_OFF)
        vcpu_clear(c, v);
    if (vcpu_power(v) != VCPU_ON || vm_state(v->vm) != VM_RUNNING || __atomic_load_n(&v->pauses, __ATOMIC_ACQUIRE))
        return false;
    return !v->waiting || !vcpu_stays_asleep(c, v);
}

static __running void vcpu_block(struct core *c, struct guest_cpu *v)
{
    sched_block(c);
    if (c->loaded != v)
        sched_released(&v->ctx);
    /* Pairs with guest_cpu_kick(). */
    if (__atomic_load_n(&v->kicked, __ATOMIC_SEQ_CST))
        sched_wake(&v->ctx);
}

static __running void vcpu_turn(struct core *c, struct guest_cpu *v)
{
    /* An exchange: what was done before a kick that it takes is seen by all that follows. */
    (void)__atomic_exchange_n(&v->kicked, 0, __ATOMIC_SEQ_CST);
    if (!vcpu_may_enter(c, v)) {
        vcpu_block(c, v);
        return;
    }
    if (v->powered_down)
        vcpu_power_up(c, v);
    core_load(c, v);
    vcpu_enter(c, v);
}

static __running void thread_turn(struct core *c, struct thread *t)
{
    if (!thread_may_enter(t))
        return;
    if (thread_enter(&t->arch) == THREAD_LEFT_IRQ)
        core_irq(c);
    else
        sched_released(&t->ctx);
}

static __running void core_idle(struct core *c)
{
    if (!__atomic_load_n(&c->attention, __ATOMIC_SEQ_CST))
        core_wait();
    core_irq(c);
}

/* Stays in the hardware while others run: it comes back here, and nothing of it goes on meanwhile. */
static bool vcpu_may_stay(const struct guest_cpu *v)
{
    return !(v->ctx.cores & (v->ctx.cores - 1)) && !v->arch.pmu;
}

/* Another choice of what runs here, and what it needs: its way out, a vCPU that may go elsewhere out of the hardware. */
static __running void core_choose(struct core *c)
{
    __atomic_store_n(&c->attention, 0, __ATOMIC_SEQ_CST);
    sched_pick(c);
    core_deadline(c, c->sched.turn_end);
    struct context *x = c->sched.current;
    if (c->loaded && x && x != &c->loaded->ctx && !vcpu_may_stay(c->loaded))
        core_put(c);
    if (x && x->kind == CONTEXT_VCPU)
        steal_show(container_of(x, struct guest_cpu, ctx));
    c->traps_wfi = x && (c->sched.waiting_priority >= 0 || x->budget.capacity);
    if (c->loaded && x == &c->loaded->ctx)
        vcpu_trap_wfi(&c->loaded->arch, c->traps_wfi);
}

void vcpu_attend(struct guest_cpu *v)
{
    __atomic_store_n(&v->kicked, 1, __ATOMIC_SEQ_CST);
    sched_wake_urgent(&v->ctx);
}

void core_loop(struct core *c)
{
    for (;;) {
        if (__atomic_load_n(&c->attention, __ATOMIC_ACQUIRE))
            core_choose(c);
        struct context *x = c->sched.current;
        if (!x)
            core_idle(c);
        else if (x->kind == CONTEXT_VCPU)
            vcpu_turn(c, container_of(x, struct guest_cpu, ctx));
        else
            thread_turn(c, container_of(x, struct thread, ctx));
    }
}
