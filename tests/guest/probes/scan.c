/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can this VM see anything that is not its own? With the MMU off it reads and writes every page that its bootargs name.
 *   marker=<n>        written into every page of its own RAM, and looked for when it meets memory
 *   foreign=<n>       another VM's marker: must be found nowhere, in the own RAM before it is written neither
 *   scan=a+len,b+len  ranges to try besides the GiB below and above its RAM (host RAM, host devices), hex
 *   own=a+len,...     its own devices besides PL011, GICD, GICR, left out
 *   step=<bytes>      default 4096
 *   wait=<s>          how long it stays with its marker in memory before it scans
 * Ends with `SCAN ok pages=<n> faults=<n>` or `SCAN FAILED ...`, then SYSTEM_OFF.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/mmu.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/timer.h"

#define RANGES_MAX 32
#define FSC_SEA_MASK 0x3f
#define REPORTS_MAX 8

struct range {
    uint64_t start, len;
};

static struct range own[RANGES_MAX], scans[RANGES_MAX];
static unsigned int own_count, scan_count;
static uint64_t marker, foreign, step;
static uint64_t pages, faults, wrong;
extern char _image_end[];

static uint64_t hex(const char **p)
{
    uint64_t v = 0;
    if ((*p)[0] == '0' && (*p)[1] == 'x')
        *p += 2;
    for (;; (*p)++) {
        char c = **p;
        if (c >= '0' && c <= '9')
            v = v * 16 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + (uint64_t)(c - 'a') + 10;
        else
            return v;
    }
}

static unsigned int ranges_read(const char *name, struct range *to, unsigned int count)
{
    static char text[400];
    if (!bootarg_text(name, text, sizeof(text)))
        return count;
    for (const char *p = text; *p && count < RANGES_MAX; p += *p == ',') {
        to[count].start = hex(&p);
        if (*p == '+')
            p++;
        to[count].len = hex(&p);
        if (*p && *p != ',') {
            print("SCAN FAILED cannot read %s=%s\n", name, text);
            psci_system_off();
        }
        count++;
    }
    return count;
}

static bool is_own(uint64_t address)
{
    for (unsigned int i = 0; i < own_count; i++) {
        if (address - own[i].start < own[i].len)
            return true;
    }
    return false;
}

static uint64_t load(uint64_t address, uint64_t unused)
{
    (void)unused;
    return read32(address);
}

static uint64_t store(uint64_t address, uint64_t value)
{
    write32(address, (uint32_t)value);
    return 0;
}

static bool is_external_abort(const struct exception *e)
{
    return e->taken && (field_get(ESR_EC, e->esr) == EC_DABT_SAME) && (e->esr & FSC_SEA_MASK) == FSC_SEA;
}

static void report(uint64_t address, const char *what, uint64_t value)
{
    if (wrong++ < REPORTS_MAX)
        print("SCAN 0x%lx %s 0x%lx\n", address, what, value);
}

static void page_try(uint64_t address)
{
    pages++;
    struct exception e = exception_catch(load, address, 0);
    if (!is_external_abort(&e) || e.far != address) {
        report(address, e.taken ? "read took another exception" : "is readable:", e.taken ? e.esr : e.result);
        return;
    }
    e = exception_catch(store, address, marker);
    if (!is_external_abort(&e) || !(e.esr & ISS_WNR) || e.far != address)
        report(address, "write was not aborted", e.esr);
    else
        faults++;
}

static void range_try(uint64_t start, uint64_t len)
{
    uint64_t before = faults;
    for (uint64_t a = start; a - start < len; a += step) {
        if (!is_own(a))
            page_try(a);
    }
    print("SCAN range 0x%lx+0x%lx: %lu faults\n", start, len, faults - before);
}

/* What the pages of the own RAM hold before this VM writes them: nothing of the other's. */
static void ram_check(uint64_t start, uint64_t end)
{
    uint64_t found = 0;
    for (uint64_t a = start; a < end; a += 8)
        found += foreign && read64(a) == foreign;
    if (found)
        report(start, "own RAM held the other VM's marker, words:", found);
}

static void ram_mark(uint64_t start, uint64_t end)
{
    for (uint64_t a = start; a < end; a += step)
        write64(a, marker);
}

static void ram_verify(uint64_t start, uint64_t end)
{
    for (uint64_t a = start; a < end; a += step) {
        if (read64(a) != marker)
            report(a, "own RAM changed:", read64(a));
    }
}

void guest_main(void)
{
    marker = bootarg_number("marker", UINT64_C(0x5ca9000000000001));
    foreign = bootarg_number("foreign", 0);
    step = bootarg_number("step", 4096);
    uint64_t base = machine.ram_base, size = machine.ram_size, tree = cpus[0].entry_x[0];
    own[own_count++] = (struct range){ base, size };
    own[own_count++] = (struct range){ UART_BASE, 0x1000 };
    own[own_count++] = (struct range){ GICD, gic_version() == 2 ? 0x1000 : 0x10000 };
    own[own_count++] =
        gic_version() == 2 ? (struct range){ GICC, 0x2000 } : (struct range){ GICR, cpu_count * GICR_STRIDE };
    own_count = ranges_read("own", own, own_count);
    scan_count = ranges_read("scan", scans, scan_count);
    uint64_t start = align_up((uint64_t)_image_end, MIB(2)), end = base + size;
    if (tree > start)
        end = align_down(tree, MIB(2));
    print("SCAN begin RAM 0x%lx+0x%lx marker 0x%lx\n", base, size, marker);
    ram_check(start, end);
    ram_mark(start, end);
    delay_us(bootarg_number("wait", 0) * 1000000);
    mmu_disable();
    range_try(base < GIB(1) ? 0 : base - GIB(1), base < GIB(1) ? base : GIB(1));
    range_try(base + size, GIB(1));
    for (unsigned int i = 0; i < scan_count; i++)
        range_try(scans[i].start, scans[i].len);
    mmu_enable(GRANULE_4K);
    ram_verify(start, end);
    if (wrong)
        print("SCAN FAILED wrong=%lu pages=%lu faults=%lu\n", wrong, pages, faults);
    else
        print("SCAN ok pages=%lu faults=%lu\n", pages, faults);
}
