/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/exception.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/mmu.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/regs.h"
#include "tests/guest/lib/timer.h"

bool catch_call(caught_fn fn, uint64_t a, uint64_t b, struct recovery *recovery, uint64_t *result);
uint64_t el_enter(uint64_t pc, uint64_t spsr, uint64_t sp_el0, uint64_t a, uint64_t b);
void exception_handle(struct frame *frame, uint32_t vector);

static _Noreturn void unexpected(const struct frame *f, uint32_t vector)
{
    print("\nBail out! unexpected exception on cpu %u: vector %u ESR 0x%lx FAR 0x%lx ELR 0x%lx SPSR 0x%lx SP 0x%lx LR "
          "0x%lx\n",
          this_cpu()->index, vector, f->esr, f->far, f->elr, f->spsr, f->sp, f->x[30]);
    psci_system_off();
}

static void interrupt(uint32_t vector)
{
    struct cpu *cpu = this_cpu();
    bool fiq = (vector & 3) == VECTOR_FIQ;
    cpu->irq_time = timer_count();
    uint32_t intid = fiq ? gic_ack0() : gic_ack1();
    if (intid < INTID_SPECIAL) {
        cpu->irq_last = intid;
        if (fiq)
            cpu->fiq_count++;
        else
            cpu->irq_count++;
        if (cpu->irq_hook)
            cpu->irq_hook(intid);
        if (fiq)
            gic_eoi0(intid);
        else
            gic_eoi1(intid);
    }
}

void exception_handle(struct frame *frame, uint32_t vector)
{
    struct cpu *cpu = this_cpu();
    uint32_t kind = vector & 3;
    if (kind == VECTOR_IRQ || kind == VECTOR_FIQ) {
        interrupt(vector);
        return;
    }
    if (!cpu->catching)
        unexpected(frame, vector);
    cpu->catching = false;
    struct exception *e = &cpu->exception;
    e->taken = true;
    e->vector = vector;
    e->esr = frame->esr;
    e->far = frame->far;
    e->elr = frame->elr;
    e->spsr = frame->spsr;
    for (unsigned int i = 0; i < ARRAY_LEN(e->x); i++)
        e->x[i] = frame->x[i];
    exception_recover(&cpu->recovery);
}

struct exception exception_catch(caught_fn fn, uint64_t a, uint64_t b)
{
    struct cpu *cpu = this_cpu();
    cpu->exception = (struct exception){ 0 };
    cpu->catching = true;
    catch_call(fn, a, b, &cpu->recovery, &cpu->exception.result);
    cpu->catching = false;
    return cpu->exception;
}

struct el_entry {
    uint64_t pc, pstate, sp, a, b;
};

static uint64_t enter(uint64_t entry, uint64_t unused)
{
    const struct el_entry *e = (const struct el_entry *)entry;
    (void)unused;
    return el_enter(e->pc, e->pstate, e->sp, e->a, e->b);
}

struct exception el0_catch_sp(uint64_t pc, uint64_t pstate, uint64_t sp, uint64_t a, uint64_t b)
{
    struct el_entry e = { .pc = pc, .pstate = pstate, .sp = sp, .a = a, .b = b };
    return exception_catch(enter, (uint64_t)&e, 0);
}

struct exception el0_catch(uint64_t pc, uint64_t pstate, uint64_t a, uint64_t b)
{
    return el0_catch_sp(pc, pstate, 0, a, b);
}

/* The code runs on SP_EL0 and ends with an exception, usually SVC. */
struct exception el1t_catch(uint64_t pc, uint64_t a, uint64_t b)
{
    return el0_catch_sp(pc, PSTATE_DAIF | PSTATE_EL1T, mrs(sp_el0), a, b);
}

uint64_t insn_address(void)
{
    return (uint64_t)this_cpu()->code;
}

uint64_t insn_address_el0(void)
{
    return el0_address(insn_address());
}

static void insn_store(uint32_t insn, uint32_t after)
{
    uint32_t *code = this_cpu()->code;
    code[0] = insn;
    code[1] = after;
    icache_sync((uint64_t)code, 8);
}

struct exception insn_catch(uint32_t insn, uint64_t a, uint64_t b)
{
    insn_store(insn, INSN_RET);
    return exception_catch((caught_fn)insn_address(), a, b);
}

/* A run that ended with our SVC counts as "not taken": its x0 is the result. */
static struct exception by_svc(struct exception e)
{
    if (e.taken && field_get(ESR_EC, e.esr) == EC_SVC64 && (e.esr & 0xffff) == 0x77) {
        e.taken = false;
        e.result = e.x[0];
    }
    return e;
}

struct exception insn_catch_el0(uint32_t insn, uint64_t a, uint64_t b)
{
    insn_store(insn, INSN_SVC(0x77));
    return by_svc(el0_catch(insn_address_el0(), PSTATE_DAIF | PSTATE_EL0T, a, b));
}

struct exception insn_catch_el1t(uint32_t insn, uint64_t a, uint64_t b)
{
    insn_store(insn, INSN_SVC(0x77));
    return by_svc(el1t_catch(insn_address(), a, b));
}
