/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/dump.h"
#include "hyp/core.h"

void vm_dump(struct guest_system *vm)
{
    for (unsigned i = 0; i < vm->cpu_count; i++) {
        __atomic_store_n(&vm->cpus[i]->dump, 1, __ATOMIC_RELEASE);
        vcpu_attend(vm->cpus[i]);
    }
}

void vcpu_status(const struct guest_cpu *v)
{
    const uint64_t *n = v->exits;
    uint64_t ran, waited;
    sched_times(&v->ctx, &ran, &waited);
    log_info("  vcpu %u core %u %s%s: ran %llu ms, stolen %llu ms; exits irq %llu mmio %llu sysreg %llu call %llu wfx "
             "%llu fp %llu "
             "other %llu",
             v->index, v->ctx.core->arch.index, vcpu_power(v) == VCPU_ON ? "on" : "off", v->waiting ? " waiting" : "",
             (unsigned long long)(ran / timer_ms(1)), (unsigned long long)(steal_ticks(v) / timer_ms(1)),
             (unsigned long long)n[EXIT_IRQ], (unsigned long long)(n[EXIT_DATA_ABORT] + n[EXIT_INST_ABORT]),
             (unsigned long long)n[EXIT_SYSREG], (unsigned long long)(n[EXIT_HVC] + n[EXIT_SMC]),
             (unsigned long long)n[EXIT_WFX], (unsigned long long)n[EXIT_FP],
             (unsigned long long)(n[EXIT_SERROR] + n[EXIT_GUEST_ERROR] + n[EXIT_CP15] + n[EXIT_UNKNOWN]));
}

static void general_registers(const struct vcpu_regs *r)
{
    for (unsigned i = 0; i < 30; i += 3)
        log_info("  x%-2u %016llx  x%-2u %016llx  x%-2u %016llx", i, (unsigned long long)r->x[i], i + 1,
                 (unsigned long long)r->x[i + 1], i + 2, (unsigned long long)r->x[i + 2]);
}

static void system_registers(const struct vcpu_sysregs *s)
{
    log_info("  sp_el0 %016llx sp_el1 %016llx vbar_el1 %016llx sctlr_el1 %llx", (unsigned long long)s->sp_el0,
             (unsigned long long)s->sp_el1, (unsigned long long)s->vbar_el1, (unsigned long long)s->sctlr_el1);
    log_info("  elr_el1 %016llx spsr_el1 %llx esr_el1 %llx far_el1 %016llx", (unsigned long long)s->elr_el1,
             (unsigned long long)s->spsr_el1, (unsigned long long)s->esr_el1, (unsigned long long)s->far_el1);
    log_info("  ttbr0_el1 %016llx ttbr1_el1 %016llx tcr_el1 %016llx", (unsigned long long)s->ttbr0_el1,
             (unsigned long long)s->ttbr1_el1, (unsigned long long)s->tcr_el1);
}

void vcpu_dump(const struct guest_cpu *v)
{
    const struct vcpu_regs *r = &v->arch.regs;
    log_info("vm %s: dump of vcpu %u", v->vm->name, v->index);
    vcpu_status(v);
    if (vcpu_power(v) != VCPU_ON)
        return;
    log_info("  pc  %016llx  lr  %016llx  pstate %llx", (unsigned long long)r->pc, (unsigned long long)r->x[30],
             (unsigned long long)r->pstate);
    general_registers(r);
    system_registers(&v->arch.sys);
}
