/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the hypervisor as U-Boot's `go` does. The ramdisk holds a 4 KiB page with the u64 size of the hypervisor's image
 * at its start, that image padded to 4 KiB, and the bundle (pack.py makes it). go-at=<address> says where to copy to.
 */
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/regs.h"

#define DEFAULT_AT UINT64_C(0x44000000)

void go_prepare(uint64_t tree);
_Noreturn void go_leave(uint64_t entry, uint64_t argc, char **argv);

static char *hex(char *to, uint64_t value)
{
    char *p = to;
    *p++ = '0';
    *p++ = 'x';
    for (int shift = 60; shift >= 0; shift -= 4) {
        if (value >> shift || shift == 0)
            *p++ = "0123456789abcdef"[value >> shift & 0xf];
    }
    *p = '\0';
    return to;
}

void go_prepare(uint64_t tree)
{
    static char text[3][24];
    static char *argv[4];
    fdt_read(tree);
    uint64_t at = bootarg_number("go-at", DEFAULT_AT), packed = machine.initrd_start;
    if (!machine.valid || !packed) {
        print("go: no ramdisk in the device tree at 0x%lx\n", tree);
        for (;;)
            wfe();
    }
    uint64_t size = read64(packed), image = packed + PAGE_SIZE, bundle = image + align_up(size, PAGE_SIZE);
    for (uint64_t i = 0; i < align_up(size, 8); i += 8)
        write64(at + i, read64(image + i));
    argv[0] = hex(text[0], at);
    argv[1] = hex(text[1], tree);
    argv[2] = hex(text[2], bundle);
    print("go %s %s %s (%lu bytes)\n", argv[0], argv[1], argv[2], size);
    /* What U-Boot does not do either: the image is not cleaned to the point of coherency, only made executable. */
    icache_sync(at, size);
    go_leave(at, 3, argv);
}
