/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of shared memory that does what it is told on its console, a line a command: factory pages are at shmem= and every 4 KiB behind it, their
 * interrupts are intid= and those behind it. Each answer ends with "ok".
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/shmem/client.h"

#define LINE 160

void guest_main(void)
{
    static char line[LINE];
    unsigned int n = 0;
    gic_init();
    gic_cpu_init();
    client_init(bootarg_number("shmem", 0x0a000000), bootarg_number("intid", 48));
    print("SHMEM ready\n");
    for (;;) {
        int c = uart_getc();
        if (c < 0)
            continue;
        if (c != '\n' && c != '\r') {
            n += n < LINE - 1;
            line[n - 1] = (char)c;
            continue;
        }
        line[n] = 0;
        n = 0;
        command_run(line);
        print("ok\n");
    }
}
