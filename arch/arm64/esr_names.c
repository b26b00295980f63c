/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/panic.h"
#include "arch/arm64/sysreg.h"

const char *esr_class_name(uint64_t esr)
{
    switch (ESR_EC(esr)) {
    case EC_UNKNOWN: return "undefined instruction";
    case EC_WFX: return "trapped WFI or WFE";
    case EC_FP: return "trapped FP/SIMD access";
    case EC_PAUTH: return "trapped pointer authentication";
    case EC_ILLEGAL: return "illegal execution state";
    case EC_HVC64: return "HVC";
    case EC_SMC64: return "SMC";
    case EC_SYSREG: return "trapped system register access";
    case EC_IABT_LOW: return "instruction abort from a lower level";
    case EC_IABT_CUR: return "instruction abort";
    case EC_PC_ALIGN: return "misaligned PC";
    case EC_DABT_LOW: return "data abort from a lower level";
    case EC_DABT_CUR: return "data abort";
    case EC_SP_ALIGN: return "misaligned SP";
    case EC_SERROR: return "SError";
    case EC_BRK64: return "BRK instruction";
    }
    return "other exception";
}

const char *esr_fault_name(uint64_t esr)
{
    static const char *const names[] = { "address size fault", "translation fault", "access flag fault",
                                         "permission fault" };
    unsigned ec = ESR_EC(esr), fsc = (unsigned)field_get(FIELD(5, 0), esr);
    if (ec != EC_IABT_LOW && ec != EC_IABT_CUR && ec != EC_DABT_LOW && ec != EC_DABT_CUR)
        return "";
    if (fsc < 0x10)
        return names[fsc >> 2];
    switch (fsc) {
    case 0x10: return "synchronous external abort";
    case 0x14:
    case 0x15:
    case 0x16:
    case 0x17: return "synchronous external abort on a table walk";
    case 0x21: return "alignment fault";
    case 0x30: return "TLB conflict";
    }
    return "other fault";
}

uint64_t panic_far(void)
{
    return read_sysreg(far_el2);
}
