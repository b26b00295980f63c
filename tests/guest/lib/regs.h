/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* System registers, barriers and caches, for EL1 guests. */
#include "hyp/base/bits.h"

#define mrs(reg) \
    ({ \
        uint64_t v_; \
        __asm__ volatile("mrs %0, " #reg : "=r"(v_)::"memory"); \
        v_; \
    })
#define msr(reg, val) __asm__ volatile("msr " #reg ", %x0" ::"rZ"((uint64_t)(val)) : "memory")

#define isb() __asm__ volatile("isb" ::: "memory")
#define dsb(domain) __asm__ volatile("dsb " #domain ::: "memory")
#define dmb(domain) __asm__ volatile("dmb " #domain ::: "memory")
#define wfi() __asm__ volatile("wfi" ::: "memory")
#define wfe() __asm__ volatile("wfe" ::: "memory")
/* A hint for whoever shares the core, and for an emulator that runs the cores in turn. */
#define yield() __asm__ volatile("yield" ::: "memory")
#define sev() __asm__ volatile("sev" ::: "memory")
#define irq_enable() __asm__ volatile("msr daifclr, #2" ::: "memory")
#define irq_disable() __asm__ volatile("msr daifset, #2" ::: "memory")
#define fiq_enable() __asm__ volatile("msr daifclr, #1" ::: "memory")
#define fiq_disable() __asm__ volatile("msr daifset, #1" ::: "memory")

/* ESR_ELx.EC */
enum exception_class {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_FP = 0x07,
    EC_ILLEGAL = 0x0e,
    EC_SVC32 = 0x11,
    EC_SVC64 = 0x15,
    EC_HVC64 = 0x16,
    EC_SMC64 = 0x17,
    EC_SYSREG = 0x18,
    EC_SVE = 0x19,
    EC_SME = 0x1d,
    EC_IABT_LOWER = 0x20,
    EC_IABT_SAME = 0x21,
    EC_PC_ALIGN = 0x22,
    EC_DABT_LOWER = 0x24,
    EC_DABT_SAME = 0x25,
    EC_SP_ALIGN = 0x26,
    EC_SERROR = 0x2f,
    EC_BREAKPOINT_SAME = 0x31,
    EC_STEP_LOWER = 0x32,
    EC_STEP_SAME = 0x33,
    EC_WATCHPOINT_SAME = 0x35,
    EC_BRK64 = 0x3c,
};
#define ESR_EC FIELD(31, 26)
#define ESR_IL BIT(25)
#define ESR_ISS FIELD(24, 0)
#define ISS_EA BIT(9)
#define ISS_CM BIT(8)
#define ISS_S1PTW BIT(7)
#define ISS_WNR BIT(6)
#define ISS_FSC FIELD(5, 0)
#define FSC_SEA 0x10
#define FSC_SEA_WALK(level) (0x14 + (level))
#define FSC_ALIGNMENT 0x21
#define FSC_TRANSLATION(level) (0x04 + (level))

#define SCTLR_M BIT(0)
#define SCTLR_A BIT(1)
#define SCTLR_C BIT(2)
#define SCTLR_I BIT(12)
#define SCTLR_DZE BIT(14)
#define SCTLR_UCT BIT(15)
#define SCTLR_NTWI BIT(16)
#define SCTLR_NTWE BIT(18)
#define SCTLR_UCI BIT(26)

#define PSTATE_EL1H 0x5
#define PSTATE_EL1T 0x4
#define PSTATE_EL0T 0x0
#define PSTATE_AA32_USR 0x10
#define PSTATE_DAIF 0x3c0

static inline uint64_t read64(uint64_t addr)
{
    uint64_t v;
    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(addr) : "memory");
    return v;
}

static inline uint32_t read32(uint64_t addr)
{
    uint32_t v;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
    return v;
}

static inline uint32_t read8(uint64_t addr)
{
    uint32_t v;
    __asm__ volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
    return v;
}

static inline void write64(uint64_t addr, uint64_t v)
{
    __asm__ volatile("str %0, [%1]" ::"r"(v), "r"(addr) : "memory");
}

static inline void write32(uint64_t addr, uint32_t v)
{
    __asm__ volatile("str %w0, [%1]" ::"r"(v), "r"(addr) : "memory");
}

static inline void write8(uint64_t addr, uint32_t v)
{
    __asm__ volatile("strb %w0, [%1]" ::"r"(v), "r"(addr) : "memory");
}

/* The smallest data and instruction cache lines of this core, in bytes (CTR_EL0). */
static inline uint64_t dcache_line(void)
{
    return UINT64_C(4) << field_get(FIELD(19, 16), mrs(ctr_el0));
}

static inline uint64_t icache_line(void)
{
    return UINT64_C(4) << field_get(FIELD(3, 0), mrs(ctr_el0));
}

/* Clean and invalidate [start, start + len) to the point of coherency. */
void dcache_clean_invalidate(uint64_t start, uint64_t len);
/* What was just written in [start, start + len) may be executed (B2.7.4: clean to PoU, invalidate, barriers). */
void icache_sync(uint64_t start, uint64_t len);
