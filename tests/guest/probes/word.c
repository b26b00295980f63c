/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes what lies at the address word=: tells the value there, writes write= if that is given, waits wait= ms, goes on
 * writing more= values upwards from it, and reads again: the word, one byte of it, and what is behind= bytes further. With reset=1
 * it then asks for a reset, else it ends.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/regs.h"
#include "tests/guest/lib/timer.h"

static uint64_t load(uint64_t at, uint64_t unused)
{
    (void)unused;
    return read32(at);
}

static uint64_t load_byte(uint64_t at, uint64_t unused)
{
    (void)unused;
    return read8(at);
}

static uint64_t store(uint64_t at, uint64_t value)
{
    write32(at, (uint32_t)value);
    return value;
}

static void tell(const char *what, caught_fn fn, uint64_t at, uint64_t value)
{
    struct exception e = exception_catch(fn, at, value);
    if (e.taken)
        print("WORD %s 0x%lx: ESR 0x%lx FAR 0x%lx\n", what, at, e.esr, e.far);
    else
        print("WORD %s 0x%lx: 0x%lx\n", what, at, e.result);
}

void guest_main(void)
{
    uint64_t at = bootarg_number("word", 0), value = bootarg_number("write", 0), more = bootarg_number("more", 0);
    tell("load", load, at, 0);
    if (value)
        tell("store", store, at, value);
    delay_us(1000 * bootarg_number("wait", 0));
    for (uint64_t i = 1; i <= more; i++)
        write32(at, (uint32_t)(value + i));
    tell("load", load, at, 0);
    tell("byte", load_byte, at, 0);
    tell("behind", load, at + bootarg_number("behind", 4), 0);
    print("WORD end\n");
    if (bootarg_number("reset", 0))
        hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
}
