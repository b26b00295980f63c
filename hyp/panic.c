/* SPDX-License-Identifier: Apache-2.0 */
/* A fault of our own: one screen, then reset or park. Takes no lock, trusts nothing, nests once. */
#include "arch/arm64/core_arch.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/panic.h"
#include "arch/arm64/timer.h"
#include "generated/version.h"
#include "hyp/base/log.h"
#include "hyp/boot_check.h"
#include "hyp/console.h"
#include "hyp/core.h"
#include "hyp/exit.h"
#include "hyp/machine.h"
#include "hyp/thread.h"
#include "hyp/power.h"

#include <stdarg.h>
#include <stdio.h>

struct hyp_symbol {
    uint32_t offset, name;
};
extern const struct hyp_symbol hyp_symbols[];
extern const uint32_t hyp_symbols_count;
extern const char hyp_symbol_names[];
extern char image_start[], text_end[], init_start[], init_end[];

#define STOP_WAIT_MS 20

static uint32_t panic_owner; /* any core, atomic: core index + 1 of who prints */
static uint32_t stopped;     /* any core, atomic: how many have stopped for good */

static void line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void line(const char *fmt, ...)
{
    char buf[160];
    va_list ap;
    va_start(ap, fmt);
    int n = vsniprintf(buf, sizeof(buf) - 1, fmt, ap);
    va_end(ap);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(buf) - 1 ? (size_t)n : sizeof(buf) - 2;
    buf[len] = '\n';
    console_panic_write(buf, len + 1);
}

const char *symbol_find(uint64_t va, uint64_t *offset)
{
    uint64_t at = va - va_of(image_start).raw;
    uint32_t low = 0, high = hyp_symbols_count;
    if (va < va_of(image_start).raw || va >= va_of(init_end).raw)
        return NULL;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (hyp_symbols[mid].offset <= at)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return NULL;
    *offset = at - hyp_symbols[low - 1].offset;
    return hyp_symbol_names + hyp_symbols[low - 1].name;
}

static bool in_text(uint64_t va)
{
    return va >= va_of(image_start).raw && va < va_of(init_end).raw;
}

static void print_address(const char *what, uint64_t va)
{
    uint64_t offset;
    const char *name = symbol_find(va, &offset);
    if (name)
        line("  %s %016llx %s+0x%llx", what, (unsigned long long)va, name, (unsigned long long)offset);
    else
        line("  %s %016llx", what, (unsigned long long)va);
}

/* The stack that the core is on: a thread's, if one runs there. */
struct stack {
    uint64_t bottom, top, guard;
};

static struct stack stack_of(const struct core_arch *c)
{
    if (!c->thread)
        return (struct stack){ c->stack_bottom, c->stack_top, c->stack_bottom - CONFIG_STACK_SIZE };
    const struct thread *t = container_of(c->thread, struct thread, arch);
    return (struct stack){ t->stack_bottom, t->stack_top, t->stack_bottom - CONFIG_THREAD_STACK_SIZE };
}

static void print_thread(const struct core_arch *c)
{
    if (!c->thread)
        return;
    const struct thread *t = container_of(c->thread, struct thread, arch);
    line("  thread %s of vm %s", t->name, t->vm->name);
}

static void print_backtrace(const struct core_arch *c, uint64_t fp)
{
    struct stack stack = stack_of(c);
    for (int depth = 0; depth < 12; depth++) {
        if (fp < stack.bottom || fp + 16 > stack.top || fp & 15)
            return;
        const uint64_t *frame = va_ptr(VA(fp));
        if (!in_text(frame[1]))
            return;
        print_address("from", frame[1] - 4);
        fp = frame[0];
    }
}

/* Before the cores are known this one is less than a struct core. */
static void print_vcpu(const struct core_arch *c)
{
    if (!cores[c->index] || &cores[c->index]->arch != c || !cores[c->index]->loaded)
        return;
    const struct guest_cpu *v = cores[c->index]->loaded;
    line("  vm %s vcpu %u: pc %016llx pstate %llx", v->vm->name, v->index, (unsigned long long)v->arch.regs.pc,
         (unsigned long long)v->arch.regs.pstate);
    line("  exits: irq %llu, abort %llu+%llu, sysreg %llu, hvc %llu, wfx %llu", (unsigned long long)v->exits[EXIT_IRQ],
         (unsigned long long)v->exits[EXIT_DATA_ABORT], (unsigned long long)v->exits[EXIT_INST_ABORT],
         (unsigned long long)v->exits[EXIT_SYSREG], (unsigned long long)v->exits[EXIT_HVC],
         (unsigned long long)v->exits[EXIT_WFX]);
}

static void print_registers(const struct panic_frame *f)
{
    for (unsigned i = 0; i < 30; i += 3)
        line("  x%-2u %016llx  x%-2u %016llx  x%-2u %016llx", i, (unsigned long long)f->x[i], i + 1,
             (unsigned long long)f->x[i + 1], i + 2, (unsigned long long)f->x[i + 2]);
    line("  x30 %016llx  sp  %016llx", (unsigned long long)f->x[30], (unsigned long long)f->sp);
}

/* One screen is one core's: the others stop first, silently. One that holds on at EL2 is not waited for long. */
static void panic_begin(struct core_arch *c)
{
    uint32_t none = 0, mine = c->index + 1, others = 0;
    if (!__atomic_compare_exchange_n(&panic_owner, &none, mine, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
        none != mine)
        panic_stop_here();
    for (unsigned i = 0; i < CONFIG_MAX_CORES; i++) {
        if (!cores[i] || &cores[i]->arch == c || cores[i]->state != CORE_UP)
            continue;
        gic_send_sgi(i, GIC_SGI_CALL);
        others++;
    }
    uint64_t until = timer_now() + timer_ms(STOP_WAIT_MS);
    while (__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) < others && timer_now() < until)
        spin_pause();
}

/* Firmware or the tree named something that is not there. */
static void print_boot_check(void)
{
    const char *check = boot_check_name();
    if (check)
        line("  during the boot check of the %s: what the boot loader or the tree says of it cannot be", check);
}

/* Straight to the firmware: whoever holds the console's lock may never give it back. */
static _Noreturn void panic_end(void)
{
    const struct platform *p = platform();
    bool reset = p && p->options.panic == PANIC_RESET;
    print_boot_check();
    results_last_words("R machine panic");
    if (p && p->options.results == RESULTS_TO_LOG)
        line("R machine panic");
    line(reset ? "  resetting (host option panic=reset)" : "  parked (host option panic=park)");
    if (reset)
        power_reset();
    panic_stop_here();
}

void panic_stop_here(void)
{
    (void)irq_mask();
    __atomic_fetch_add(&stopped, 1, __ATOMIC_SEQ_CST);
    for (;;)
        core_wait();
}

/* How many faults this core was in before: a second one while the first is reported is named in a line, a third ends it. */
static uint32_t panic_enter(struct core_arch *c)
{
    uint32_t depth = c->panicking++;
    if (depth > 1)
        panic_stop_here();
    if (!depth)
        panic_begin(c);
    return depth;
}

static void print_title(const struct core_arch *c, const char *cause)
{
    line(" ");
    line("Armature %s: fault of the hypervisor on core %u: %s", HYP_VERSION, c->index, cause);
    results_last_words("L fatal: fault of the hypervisor on core %u: %s", c->index, cause);
}

static const char *cause_of(const struct core_arch *c, const struct panic_frame *f, unsigned code, uint64_t far)
{
    static const char *const codes[] = { "exception with SP_EL0", "exception", "interrupt at EL2", "SError" };
    struct stack stack = stack_of(c);
    bool touched = code == PANIC_SYNC && ESR_EC(f->esr) == EC_DABT_CUR && far >= stack.guard && far < stack.bottom;
    if (touched || (f->sp >= stack.guard && f->sp < stack.bottom))
        return "stack overflow";
    if (f->sp < stack.guard || f->sp > stack.top)
        return "the stack pointer has left its stack";
    return codes[code & 3];
}

/* An interrupt has no syndrome; an SError has no address. */
static void print_syndrome(const struct panic_frame *f, unsigned code, uint64_t far)
{
    const char *fault = esr_fault_name(f->esr);
    unsigned ec = ESR_EC(f->esr);
    if (code == PANIC_IRQ)
        return;
    if (ec == EC_DABT_CUR || ec == EC_IABT_CUR || ec == EC_PC_ALIGN)
        line("  %s%s%s: esr %llx, far %016llx", esr_class_name(f->esr), *fault ? ", " : "", fault,
             (unsigned long long)f->esr, (unsigned long long)far);
    else
        line("  %s: esr %llx", esr_class_name(f->esr), (unsigned long long)f->esr);
}

void panic_from_vector(const struct panic_frame *f, unsigned code)
{
    struct core_arch *c = this_core_arch();
    uint64_t far = panic_far();
    if (panic_enter(c)) {
        line("  (another fault while reporting: esr %llx elr %llx)", (unsigned long long)f->esr,
             (unsigned long long)f->elr);
        panic_end();
    }
    print_title(c, cause_of(c, f, code, far));
    print_syndrome(f, code, far);
    print_address("at  ", f->elr);
    if (in_text(f->x[30] - 4))
        print_address("lr  ", f->x[30] - 4);
    print_backtrace(c, f->x[29]);
    print_registers(f);
    print_thread(c);
    print_vcpu(c);
    panic_end();
}

void hyp_panic(const char *fmt, ...)
{
    char text[120];
    (void)irq_mask(); /* a thread stays where it is */
    struct core_arch *c = this_core_arch();
    va_list ap;
    va_start(ap, fmt);
    vsniprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (panic_enter(c)) {
        line("  (another fault while reporting: %s)", text);
        panic_end();
    }
    print_title(c, text);
    print_backtrace(c, (uint64_t)(uintptr_t)__builtin_frame_address(0));
    print_thread(c);
    print_vcpu(c);
    panic_end();
}

/* The stack protector's: GCC's names. */
uintptr_t __stack_chk_guard = 0x5a17c0de5a17c0de;
_Noreturn void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
    hyp_panic("a stack frame was overwritten (stack protector)");
}
