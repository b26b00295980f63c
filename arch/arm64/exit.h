/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Why a vCPU left the guest: facts decoded from ESR_EL2 and its companions; what to do is hyp's. */
#include "hyp/base/addr.h"
#include "hyp/base/bits.h"

enum exit_kind {
    EXIT_IRQ,
    EXIT_SERROR,     /* charged to the guest */
    EXIT_DATA_ABORT, /* stage 2: translation, permission, access flag */
    EXIT_INST_ABORT,
    EXIT_GUEST_ERROR, /* an abort the machine reported (external abort, SError syndrome) at the guest's access */
    EXIT_SYSREG,      /* trapped MSR/MRS/SYS */
    EXIT_CP15,        /* trapped AArch32 coprocessor access from EL0 */
    EXIT_HVC,
    EXIT_SMC,
    EXIT_WFX,
    EXIT_FP, /* trapped FP/SIMD: the owner of the registers must change */
    EXIT_SVE,
    EXIT_PAUTH,
    EXIT_DEBUG,   /* a debug exception routed to EL2 */
    EXIT_UNKNOWN, /* anything else: undefined at the guest's EL */
};

struct exit {
    enum exit_kind kind;
    uint64_t esr;
    uint64_t far; /* aborts: FAR_EL2, the guest's virtual address */
    ipa_t ipa;    /* aborts: from HPFAR_EL2, with the offset in the page */
    bool ipa_valid;
    bool s1ptw; /* on a stage 1 table walk */
};

#define ESR_EC(esr) ((unsigned)field_get(FIELD(31, 26), esr))
#define ESR_IL BIT(25)
#define ESR_ISS(esr) ((esr)&FIELD(24, 0))
/* ESR_ELx.ISS of a Data Abort. */
#define ISS_ISV BIT(24)
#define ISS_SAS FIELD(23, 22)
#define ISS_SSE BIT(21)
#define ISS_SRT FIELD(20, 16)
#define ISS_SF BIT(15)
#define ISS_CM BIT(8)
#define ISS_S1PTW BIT(7)
#define ISS_WNR BIT(6)
/* Exception classes, DDI 0487 ESR_ELx.EC. */
enum {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_CP15_32 = 0x03,
    EC_CP15_64 = 0x04,
    EC_CP14_32 = 0x05,
    EC_CP14_LS = 0x06,
    EC_FP = 0x07,
    EC_PAUTH = 0x09,
    EC_CP14_64 = 0x0c,
    EC_ILLEGAL = 0x0e,
    EC_SVC32 = 0x11,
    EC_HVC32 = 0x12,
    EC_SMC32 = 0x13,
    EC_SVC64 = 0x15,
    EC_HVC64 = 0x16,
    EC_SMC64 = 0x17,
    EC_SYSREG = 0x18,
    EC_SVE = 0x19,
    EC_IABT_LOW = 0x20,
    EC_IABT_CUR = 0x21,
    EC_PC_ALIGN = 0x22,
    EC_DABT_LOW = 0x24,
    EC_DABT_CUR = 0x25,
    EC_SP_ALIGN = 0x26,
    EC_SERROR = 0x2f,
    EC_BRK_LOW = 0x30,
    EC_STEP_LOW = 0x32,
    EC_WATCH_LOW = 0x34,
    EC_BRK64 = 0x3c,
};
/* A system register's name as ESR_ELx.ISS of a trapped access places it (op0 21:20, op2 19:17, op1 16:14, CRn 13:10, CRm 4:1). */
#define ISS_READ BIT(0)
#define ISS_RT FIELD(9, 5)
#define ISS_CRM FIELD(4, 1)
#define ISS_CRN FIELD(13, 10)
#define ISS_OP1 FIELD(16, 14)
#define ISS_OP2 FIELD(19, 17)
#define ISS_OP0 FIELD(21, 20)
#define SYSREG_ISS(op0, op1, crn, crm, op2) \
    ((uint32_t)((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1))
#define SYSREG_ISS_MASK SYSREG_ISS(3, 7, 15, 15, 7)

/* Decodes; pure (tested on the host). par_ipa: for what HPFAR_EL2 does not hold. */
struct exit exit_decode(uint64_t esr, uint64_t far, uint64_t hpfar);
