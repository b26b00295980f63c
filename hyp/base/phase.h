/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Phases and locks in the prototype, checked by clang's thread-safety analysis (make check); gcc sees nothing of it.
 *
 *   REQUIRES(STARTUP)          only while one core assembles the machine; use the macro __startup, which also
 *                              puts the code where startup_end() unmaps it
 *   REQUIRES_SHARED(RUNNING)   only after startup_end(); written __running
 *   REQUIRES(MAY_BLOCK)        only on a vdev thread
 *   REQUIRES(x->lock)          the caller holds it
 */
#include <stdbool.h>

#if defined(__clang__)
#define THREAD_SAFETY(x) __attribute__((x))
#else
#define THREAD_SAFETY(x)
#endif
#define CAPABILITY(name) THREAD_SAFETY(capability(name))
#define GUARDED_BY(x) THREAD_SAFETY(guarded_by(x))
#define REQUIRES(...) THREAD_SAFETY(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) THREAD_SAFETY(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE(...) THREAD_SAFETY(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) THREAD_SAFETY(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) THREAD_SAFETY(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) THREAD_SAFETY(release_shared_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) THREAD_SAFETY(try_acquire_capability(__VA_ARGS__))
#define EXCLUDES(...) THREAD_SAFETY(locks_excluded(__VA_ARGS__))
#define ASSERT_HELD(...) THREAD_SAFETY(assert_capability(__VA_ARGS__))
#define ASSERT_SHARED(...) THREAD_SAFETY(assert_shared_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY THREAD_SAFETY(no_thread_safety_analysis)

struct CAPABILITY("phase") phase_token {
    char none;
};
/* Named in attributes only; no code reads them, none defines them. */
extern struct phase_token STARTUP, RUNNING, MAY_BLOCK;

/* On the host, in unit tests, startup code is ordinary code. */
#if defined(__aarch64__)
#define __init_section __attribute__((section(".init.text"), noinline))
#else
#define __init_section
#endif
/*
 * Marks a const table that stays and has a startup function among its entries: make check lets only such tables (and the
 * vdev factories) refer to startup code. The entry is called in one place, in a startup function.
 */
#define __startup_table __attribute__((section(".rodata.startup_table")))
#define __startup __init_section REQUIRES(STARTUP)
#define __running REQUIRES_SHARED(RUNNING)
#define __must_check __attribute__((warn_unused_result))

enum phase { PHASE_STARTUP, PHASE_RUNNING };

/* Written once, by startup_end(), before any core is let out of startup; so who reads it needs no barrier. */
extern enum phase machine_phase;

/* The machine's phase now. Any phase, any core. */
static inline enum phase phase_now(void)
{
    return __atomic_load_n(&machine_phase, __ATOMIC_RELAXED);
}
/*
 * How a function of the vdev API keeps to its phase at run time: `if (!phase_is(PHASE_RUNNING, v->v_name)) return EPERM;`. One load
 * and a branch; `who` (a vdev's, node's or VM's name) is worked out for the message only, which names function, who and phase.
 * The log needs no limit: no guest runs during startup, and what is for startup only is unmapped once guests do.
 */
#define phase_is(want, who) (__builtin_expect(phase_now() == (want), 1) || phase_refuse(want, __func__, who))
/* Says that `function` was refused to `who` outside the phase `want`. False, always. Any phase, any core. */
bool phase_refuse(enum phase want, const char *function, const char *who) __attribute__((cold));

/* How code that the compiler cannot follow (a function pointer's target) states what its one caller made sure of. */
static inline void phase_assume_startup(void) ASSERT_HELD(STARTUP) NO_THREAD_SAFETY
{
}
static inline void phase_assume_running(void) ASSERT_SHARED(RUNNING) NO_THREAD_SAFETY
{
}
