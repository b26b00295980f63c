/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a fast function may ask of the exit it handles, while the registers still hold it. */
#include "arch/arm64/sysreg.h"
#include "hyp/base/bits.h"

#define EXIT_SPSR_A32 BIT(4)
#define EXIT_SPSR_BTYPE FIELD(11, 10)
#define EXIT_SPSR_SS BIT(21)
#define EXIT_SCTLR_E0E BIT(24)
#define EXIT_SCTLR_EE BIT(25)

static inline uint64_t exit_esr(void)
{
    return read_sysreg(esr_el2);
}

/* The IPA of a stage 2 translation fault, byte exact. */
static inline uint64_t exit_ipa(void)
{
    return (read_sysreg(hpfar_el2) & FIELD(43, 4)) << 8 | (read_sysreg(far_el2) & (PAGE_SIZE - 1));
}

/* Does nothing but PC move when the instruction is skipped (AArch64, no single step, no BTYPE), and is data little-endian? */
static inline bool exit_is_plain(void)
{
    uint64_t spsr = read_sysreg(spsr_el2);
    if (spsr & (EXIT_SPSR_A32 | EXIT_SPSR_BTYPE | EXIT_SPSR_SS))
        return false;
    return !(read_sysreg(sctlr_el1) & (spsr & FIELD(3, 2) ? EXIT_SCTLR_EE : EXIT_SCTLR_E0E));
}

/* Past a trapped A64 instruction. */
static inline void exit_skip(void)
{
    write_sysreg(elr_el2, read_sysreg(elr_el2) + 4);
}
