/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slow reader: says PASTE ready, and after the first bytes stops reading for a while (pause=<ms>, default 1000), then
 * takes bytes=<n> (default 4096) and answers `PASTE <count> crc32=<hex>`; `PASTE short ...` when 10 s bring no byte.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/timer.h"

#define FIRST 16
#define SILENCE_MS 10000

static uint32_t crc32_byte(uint32_t crc, uint32_t byte)
{
    crc ^= byte;
    for (unsigned int i = 0; i < 8; i++)
        crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    return crc;
}

void guest_main(void)
{
    uint64_t wanted = bootarg_number("bytes", 4096), pause = bootarg_number("pause", 1000), count = 0;
    uint32_t crc = ~0u;
    print("PASTE ready for %lu bytes\n", wanted);
    uint64_t last = timer_count();
    while (count < wanted) {
        int c = uart_getc();
        if (c < 0) {
            /* The first byte may take as long as it likes. */
            if (count && timer_count() - last > timer_ticks(SILENCE_MS * 1000))
                break;
            continue;
        }
        crc = crc32_byte(crc, (uint32_t)c);
        last = timer_count();
        if (++count == FIRST)
            delay_us(pause * 1000);
    }
    print("PASTE %s%lu crc32=%08x\n", count < wanted ? "short " : "", count, ~crc);
}
