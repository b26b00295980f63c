/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses the recorders of tests/vdev-recorder, each with two pages: the first's at one=, the second's at two=. Reads and writes each page,
 * makes the call that they serve with a good and a bad address, and waits for a key: 'r' asks for a reset, any other ends the VM.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/regs.h"

#define CALL 0x86000010u
#define TABLE 0x1000
#define NOWHERE UINT64_C(0x0000800000000000) /* in no translation table's range */

static void use(const char *name, uint64_t at)
{
    uint32_t starts = read32(at);
    write32(at, 1);
    uint32_t word = read32(at + TABLE);
    write32(at + TABLE, 0x5a);
    print("RECORD %s: start %u, word 0x%x then 0x%x\n", name, starts, word, read32(at + TABLE));
}

static uint64_t call(uint64_t pointer, uint64_t unused)
{
    (void)unused;
    return (uint64_t)hvc(CALL, pointer, 0, 0);
}

void guest_main(void)
{
    static volatile uint64_t value = 0x600d;
    int key;
    print("RECORD boot word 0x%lx\n", read64(bootarg_number("boot", machine.ram_base)));
    use("one", bootarg_number("one", 0));
    use("two", bootarg_number("two", 0));
    print("RECORD call 0x%lx\n", call((uint64_t)&value, 0));
    struct exception e = exception_catch(call, NOWHERE, 0);
    print("RECORD call with a bad address: taken %u, class 0x%lx\n", e.taken, field_get(ESR_EC, e.esr));
    print("RECORD waits\n");
    while ((key = uart_getc()) < 0)
        yield();
    if (key == 'r')
        hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
}
