/* SPDX-License-Identifier: Apache-2.0 */
/* Each function here is one way in which the hypervisor could go wrong. */
#include "hyp/base/test_fault.h"
#include "arch/arm64/sysreg.h"
#include "hyp/base/log.h"
#include "hyp/core.h"
#include "hyp/platform.h"

#define EXITS_BEFORE 20
#define DROPPED_OF 64
#define STUCK_CORE 1
#define TIMER_OFFSET_PER_SECOND 50 /* a second's fiftieth */
#define UNMAPPED 0xdead000
#define VECTOR_SERROR 0x380 /* from EL2 with SP_EL2 */
#define ESR_SERROR (UINT64_C(0x2f) << 26 | BIT(25))
#define PSTATE_EL2H_MASKED 0x3c9

extern char image_start[];

static uint32_t exits, exits_of_stuck, interrupts; /* any core, atomic */

static __attribute__((noinline)) void fault_wild_pointer(void)
{
    *(volatile uint64_t *)va_ptr(VA(UNMAPPED)) = 1;
}

/* The bytes are used after the call, so that each level keeps its frame. */
static __attribute__((noinline)) unsigned fault_stack_overflow(unsigned depth)
{
    volatile unsigned bytes[64];
    bytes[depth % ARRAY_LEN(bytes)] = depth;
    return depth ? fault_stack_overflow(depth - 1) + bytes[depth % ARRAY_LEN(bytes)] : 0;
}

static __attribute__((noinline)) void fault_assert(const struct guest_cpu *v)
{
    hyp_assert(v->vm == NULL);
}

/* No emulator brings a physical SError to EL2, so it is entered as a core would: state saved, then the vector. */
static __attribute__((noinline)) void fault_serror(void)
{
    write_sysreg(esr_el2, ESR_SERROR);
    write_sysreg(spsr_el2, PSTATE_EL2H_MASKED);
    __asm__ volatile("adr x9, .\n msr elr_el2, x9\n br %0" ::"r"(read_sysreg(vbar_el2) + VECTOR_SERROR)
                     : "x9", "memory");
}

static __attribute__((noinline)) void fault_write_text(void)
{
    *(volatile uint32_t *)image_start = 0;
}

static __attribute__((noinline)) void fault_exec_data(void)
{
    static uint32_t code[] = { 0xd65f03c0 }; /* RET */
    ((void (*)(void))(uintptr_t)code)();
}

/* Over the end of its array and the caller's frame record behind it. */
static __attribute__((noinline)) void fault_stack_protector(unsigned count)
{
    char bytes[16];
    volatile char *at = bytes;
    while (count--)
        *at++ = 0x5a;
}

/* Two locks against their order: on its own, as here, the machine would go on. */
static __attribute__((noinline)) void fault_lock_inner_first(struct guest_system *vm) NO_THREAD_SAFETY
{
    lock_acquire(&sched_lock);
    lock_acquire(&vm->lock);
    lock_release(&vm->lock);
    lock_release(&sched_lock);
}

static __attribute__((noinline)) void fault_lock_twice(struct guest_system *vm) NO_THREAD_SAFETY
{
    lock_acquire(&vm->lock);
    lock_acquire(&vm->lock);
    lock_release(&vm->lock);
}

/* The core answers nothing from now on, with interrupts masked as they are here. */
static __attribute__((noinline)) void fault_stuck_core(void)
{
    if (this_core() != cores[STUCK_CORE] || __atomic_add_fetch(&exits_of_stuck, 1, __ATOMIC_RELAXED) < EXITS_BEFORE)
        return;
    for (;;)
        __asm__ volatile("wfi");
}

/* Every vCPU but the first lives in another time. */
static void fault_timer_offset(struct guest_cpu *v)
{
    uint64_t offset = v->index ? timer_freq() / TIMER_OFFSET_PER_SECOND : 0;
    v->arch.timer.cntvoff = offset;
    write_sysreg(cntvoff_el2, offset);
}

static void fault_once(enum test_fault what, const struct guest_cpu *v)
{
    switch (what) {
    case TEST_FAULT_WILD_POINTER: fault_wild_pointer(); return;
    case TEST_FAULT_STACK_OVERFLOW: (void)fault_stack_overflow(CONFIG_STACK_SIZE); return;
    case TEST_FAULT_ASSERT: fault_assert(v); return;
    case TEST_FAULT_SERROR: fault_serror(); return;
    case TEST_FAULT_WRITE_TEXT: fault_write_text(); return;
    case TEST_FAULT_EXEC_DATA: fault_exec_data(); return;
    case TEST_FAULT_STACK_PROTECTOR: fault_stack_protector(64); return;
    case TEST_FAULT_LOCK_ORDER: fault_lock_inner_first(v->vm); return;
    case TEST_FAULT_LOCK_TWICE: fault_lock_twice(v->vm); return;
    default: return;
    }
}

void test_fault_point(struct guest_cpu *v)
{
    enum test_fault what = platform()->options.test_fault;
    if (what == TEST_FAULT_STUCK_CORE)
        fault_stuck_core();
    else if (what == TEST_FAULT_TIMER_OFFSET)
        fault_timer_offset(v);
    else if (__atomic_add_fetch(&exits, 1, __ATOMIC_RELAXED) == EXITS_BEFORE)
        fault_once(what, v);
}

bool test_fault_drops(void)
{
    return platform()->options.test_fault == TEST_FAULT_DROPPED_INTERRUPT &&
           __atomic_add_fetch(&interrupts, 1, __ATOMIC_RELAXED) % DROPPED_OF == 0;
}
