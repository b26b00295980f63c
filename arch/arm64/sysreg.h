/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* System registers by name, and barriers: their one home. Names that the assembler does not know are written S3_op1_Cn_Cm_op2. */
#include <stdint.h>

#define read_sysreg(name) \
    __extension__({ \
        uint64_t read_; \
        __asm__ volatile("mrs %0, " #name : "=r"(read_) : : "memory"); \
        read_; \
    })
#define write_sysreg(name, v) \
    do { \
        uint64_t written_ = (v); \
        __asm__ volatile("msr " #name ", %x0" : : "rZ"(written_) : "memory"); \
    } while (0)

static inline void isb(void)
{
    __asm__ volatile("isb" ::: "memory");
}

static inline void dsb_sy(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

static inline void dsb_ish(void)
{
    __asm__ volatile("dsb ish" ::: "memory");
}

static inline void dmb_ld(void)
{
    __asm__ volatile("dmb ld" ::: "memory");
}

static inline void dsb_ishst(void)
{
    __asm__ volatile("dsb ishst" ::: "memory");
}
