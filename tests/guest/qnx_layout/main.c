/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest for the layout of QNX's sample configurations, by the addresses it was built with and nothing else: RAM of 128 MiB at
 * 0x80000000, where it is entered; a PL011 at 0x1c090000 on INTID 37; the GICv3 of the Arm FVP. It looks at no device tree.
 */
#include "hyp/base/pl011.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/regs.h"

#define RAM_BASE UINT64_C(0x80000000)
#define RAM_SIZE (UINT64_C(128) << 20)
#define UART UINT64_C(0x1c090000)
#define UART_INTID 37
#define DISTRIBUTOR UINT64_C(0x2f000000)
#define REDISTRIBUTOR UINT64_C(0x2f100000)
#define PRIORITY 0xa0
#define SYSTEM_OFF 0x84000008
#define MARK UINT64_C(0x5a5a1234)

void layout_main(uint64_t x0);
void layout_irq(void);

static volatile uint32_t taken;

static void put(const char *text)
{
    for (; *text; text++) {
        while (read32(UART + UARTFR) & UARTFR_TXFF)
            ;
        write32(UART + UARTDR, (unsigned char)*text);
    }
}

static void put_hex(const char *name, uint64_t value)
{
    char text[] = "0x0000000000000000";
    for (unsigned int i = 0; i < 16; i++)
        text[2 + i] = "0123456789abcdef"[value >> (60 - 4 * i) & 0xf];
    put(name);
    put(text);
}

static void gic_setup(void)
{
    write32(DISTRIBUTOR + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP1);
    write32(DISTRIBUTOR + GICD_IGROUPR + 4 * (UART_INTID / 32), 1u << UART_INTID % 32);
    write8(DISTRIBUTOR + GICD_IPRIORITYR + UART_INTID, PRIORITY);
    write64(DISTRIBUTOR + GICD_IROUTER + 8 * UART_INTID, 0);
    write32(DISTRIBUTOR + GICD_ISENABLER + 4 * (UART_INTID / 32), 1u << UART_INTID % 32);
    write32(REDISTRIBUTOR + GICR_WAKER, 0);
    while (read32(REDISTRIBUTOR + GICR_WAKER) & WAKER_ASLEEP)
        ;
    msr(icc_sre_el1, mrs(icc_sre_el1) | 1);
    isb();
    msr(icc_pmr_el1, 0xf0);
    msr(icc_igrpen1_el1, 1);
    isb();
}

void layout_irq(void)
{
    uint32_t intid = (uint32_t)mrs(icc_iar1_el1);
    put_hex("LAYOUT interrupt ", intid);
    put_hex(", UARTMIS ", read32(UART + UARTMIS));
    put("\r\n");
    write32(UART + UARTIMSC, 0);
    write32(UART + UARTICR, UARTINT_ALL);
    msr(icc_eoir1_el1, intid);
    taken++;
}

/* Does the last word of RAM hold what is put there? */
static const char *ram_try(void)
{
    uint64_t last = RAM_BASE + RAM_SIZE - 8;
    write64(last, MARK);
    return read64(last) == MARK ? "good" : "BAD";
}

_Noreturn static void off(void)
{
    register uint64_t function __asm__("x0") = SYSTEM_OFF;
    for (;;)
        __asm__ volatile("hvc #0" : "+r"(function)::"x1", "x2", "x3", "memory");
}

void layout_main(uint64_t x0)
{
    put_hex("LAYOUT CurrentEL ", mrs(CurrentEL));
    put_hex(", x0 ", x0);
    put_hex(", main at ", (uint64_t)layout_main & ~UINT64_C(0xfff));
    put(", end of RAM ");
    put(ram_try());
    put("\r\n");
    gic_setup();
    irq_enable();
    write32(UART + UARTIMSC, UARTINT_TX); /* something was sent, so it is asserted at once */
    while (!taken)
        wfi();
    put("LAYOUT end\r\n");
    off();
}
