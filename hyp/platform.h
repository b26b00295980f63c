/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the machine has, read from the host's tree once at startup; const afterwards. Nothing reads a tree later. */
#include "arch/arm64/gic.h"
#include "hyp/base/addr.h"
#include "hyp/base/bits.h"
#include "hyp/base/config.h"
#include "hyp/base/log.h"
#include "hyp/base/phase.h"

#define PLATFORM_MAX_RANGES 64
#define PLATFORM_PATH 64

enum core_start { CORE_START_PSCI, CORE_START_SPIN_TABLE, CORE_START_NONE };

struct platform_core {
    uint64_t mpidr; /* the affinity fields of the node's reg */
    uint32_t phandle;
    enum core_start start;
    pa_t release_addr; /* spin table: cpu-release-addr */
};

struct platform_uart {
    char path[PLATFORM_PATH];
    char compatible[32];
    struct range regs;
    uint32_t intid; /* 0: none given */
    uint64_t clock_hz;
    bool present;
};

struct platform_rtc {
    char path[PLATFORM_PATH];
    char compatible[32];
    struct range regs;
    bool present;
};

/* What goes wrong on purpose; only with CONFIG_TEST_FAULTS. */
enum test_fault {
    TEST_FAULT_NONE,
    TEST_FAULT_WILD_POINTER,
    TEST_FAULT_STACK_OVERFLOW,
    TEST_FAULT_ASSERT,
    TEST_FAULT_SERROR,
    TEST_FAULT_WRITE_TEXT,
    TEST_FAULT_EXEC_DATA,
    TEST_FAULT_STACK_PROTECTOR,
    TEST_FAULT_LOCK_ORDER,
    TEST_FAULT_LOCK_TWICE,
    /* What the machine lives on with, but its guests do not get what they are promised. */
    TEST_FAULT_DROPPED_INTERRUPT,
    TEST_FAULT_STUCK_CORE,
    TEST_FAULT_TIMER_OFFSET
};

struct boot_options {
    uint32_t log_filter; /* enum log_severity bits */
    enum { LOG_TO_UART, LOG_TO_RESULTS, LOG_TO_RING } log_to;
    enum { RESULTS_TO_UART, RESULTS_TO_LOG } results; /* where there is one wire, they are lines of the log besides */
    enum { CONSOLE_MUX, CONSOLE_RAW } console;
    enum { PANIC_RESET, PANIC_PARK } panic;
    enum { ON_END_OFF, ON_END_STAY } on_end;
    enum { ON_RESET_AS_VM, ON_RESET_STOP, ON_RESET_RESTART } on_reset;
    enum gic_links gic_links;
    char marker[64]; /* console-marker=, empty: none */
    enum test_fault test_fault;
};

struct power_driver;

struct platform {
    char model[64];
    char compatible[64];
    struct range ram[PLATFORM_MAX_RANGES];
    unsigned ram_count;
    /* Never given to a guest or used: /reserved-memory, /memreserve/, no-map, parked cores' pages. */
    struct range reserved[PLATFORM_MAX_RANGES];
    unsigned reserved_count;
    struct platform_core cores[CONFIG_MAX_CORES];
    unsigned core_count;
    unsigned cores_in_tree;  /* may be more than the configuration allows */
    bool psci_smc, psci_hvc; /* the psci node's method */
    bool psci_present;
    uint32_t psci_cpu_on; /* function id: PSCI 0.1 trees give their own */
    const struct power_driver
        *power_driver; /* of the device that resets the machine where no firmware does; NULL: none is known */
    struct range power;
    struct gic_desc gic;
    uint64_t timer_freq;          /* clock-frequency of the timer node, 0: read CNTFRQ */
    uint32_t timer_ppi[4];        /* INTIDs: secure phys, phys, virt, hyp */
    struct platform_uart uart;    /* stdout-path */
    struct platform_uart results; /* a second UART for the results channel, if the board has one */
    struct platform_rtc rtc;      /* the first that there is */
    struct range initrd;          /* the bundle as the boot loader left it; size 0: none */
    struct range fdt;
    uint8_t rng_seed[64];
    unsigned rng_seed_len;
    struct boot_options options;
};

/* The node of an interrupt controller that Armature drives, and its version. -ENODEV: there is none. */
int platform_gic_find(const void *fdt, unsigned *version) __startup __must_check;

/*
 * Reads the host's tree (already mapped, `size` bytes readable). Errors are traced with the node's path; what the machine cannot
 * go on without is an error, what it can is a warning. Wipes /chosen/rng-seed and kaslr-seed in the tree.
 * -EINVAL: not a tree, or corrupt; -ENODEV: no memory, no GIC, no core.
 */
int platform_parse(void *fdt, size_t size, struct platform *p) __startup __must_check;
/* The machine's description after startup. */
const struct platform *platform(void);
