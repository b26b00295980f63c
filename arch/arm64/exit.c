/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/exit.h"

static enum exit_kind kind_of(unsigned ec)
{
    switch (ec) {
    case EC_WFX: return EXIT_WFX;
    case EC_CP15_32:
    case EC_CP15_64:
    case EC_CP14_32:
    case EC_CP14_LS:
    case EC_CP14_64: return EXIT_CP15;
    case EC_FP: return EXIT_FP;
    case EC_PAUTH: return EXIT_PAUTH;
    case EC_HVC32:
    case EC_HVC64: return EXIT_HVC;
    case EC_SMC32:
    case EC_SMC64: return EXIT_SMC;
    case EC_SYSREG: return EXIT_SYSREG;
    case EC_SVE: return EXIT_SVE;
    case EC_IABT_LOW: return EXIT_INST_ABORT;
    case EC_DABT_LOW: return EXIT_DATA_ABORT;
    case EC_BRK_LOW:
    case EC_STEP_LOW:
    case EC_WATCH_LOW:
    case EC_BRK64: return EXIT_DEBUG;
    }
    return EXIT_UNKNOWN;
}

/* Fault status: translation (0b0001xx), access flag (0b0010xx), permission (0b0011xx), address size (0b0000xx) are stage 2's own. */
#define FSC(esr) ((unsigned)field_get(FIELD(5, 0), esr))
#define ISS_FNV BIT(10)

struct exit exit_decode(uint64_t esr, uint64_t far, uint64_t hpfar)
{
    struct exit e = { .kind = kind_of(ESR_EC(esr)), .esr = esr };
    if (e.kind != EXIT_DATA_ABORT && e.kind != EXIT_INST_ABORT)
        return e;
    unsigned fault = FSC(esr) >> 2;
    e.far = far;
    e.s1ptw = esr & ISS_S1PTW;
    if (fault > 3) {
        e.kind = EXIT_GUEST_ERROR;
        return e;
    }
    /* HPFAR_EL2 is UNKNOWN for a permission fault that is not on a walk (DDI 0487, HPFAR_EL2). */
    e.ipa_valid = e.s1ptw || fault != 3;
    e.ipa = IPA(field_get(FIELD(43, 4), hpfar) << PAGE_SHIFT | (e.s1ptw ? 0 : far & (PAGE_SIZE - 1)));
    return e;
}
