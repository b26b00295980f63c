/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/idregs.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/gic.h"

#define ID_AA64PFR0_GIC FIELD(27, 24)

#define ROW(crm) CELL(crm, 0) CELL(crm, 1) CELL(crm, 2) CELL(crm, 3) CELL(crm, 4) CELL(crm, 5) CELL(crm, 6) CELL(crm, 7)
#define CELL(crm, op2) \
    case crm * 8 + op2: return read_sysreg(S3_0_C0_C##crm##_##op2);

static uint64_t idreg_read(unsigned crm, unsigned op2)
{
    switch (crm * 8 + op2) {
        ROW(1)
        ROW(2)
        ROW(3)
        ROW(4)
        ROW(5)
        ROW(6)
        ROW(7)
    }
    return 0;
}

/* A core may have system registers of a GIC that its machine lacks. */
uint64_t idreg_host(unsigned crm, unsigned op2)
{
    uint64_t value = idreg_read(crm, op2);
    bool pfr0 = crm == 4 && op2 == 0;
    return pfr0 && gic_info()->version == 2 ? field_set(ID_AA64PFR0_GIC, value, 0) : value;
}

uint64_t idreg_implementation(bool aidr)
{
    return aidr ? read_sysreg(aidr_el1) : read_sysreg(revidr_el1);
}
