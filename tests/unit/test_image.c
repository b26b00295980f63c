/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/image.c hyp/image_place.c tests/unit/tree_support.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hyp/image.h"
#include "tests/unit/tree_support.h"

static struct config_vm vm;
static struct placement at;
static uint8_t header[64];

static void vm_reset(uint64_t ram, uint64_t size)
{
    vm = (struct config_vm){ .name = "vm", .path = "/vm", .ram_count = 1 };
    vm.ram[0].base = IPA(ram);
    vm.ram[0].size = size;
    log_forget();
}

static void le_put(uint8_t *to, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

/* `size` bytes are claimed, the header's are there: nothing behind it may be read. */
static struct image arm64(uint64_t size, uint64_t text_offset, uint64_t image_size, uint64_t flags)
{
    memset(header, 0, sizeof(header));
    le_put(header + 8, text_offset);
    le_put(header + 16, image_size);
    le_put(header + 24, flags);
    memcpy(header + 56, "ARM\x64", 4);
    return (struct image){ .name = "linux", .data = header, .size = size, .format = IMAGE_ARM64 };
}

static struct image raw(uint64_t size)
{
    memset(header, 0, sizeof(header));
    return (struct image){ .name = "flat", .data = header, .size = size, .format = IMAGE_RAW };
}

static int place(const struct image *kernel, const struct image *ramdisk, uint64_t dtb_size)
{
    struct image_set set = { .kernel = kernel, .ramdisk = ramdisk, .dtb_size = dtb_size };

    return image_place(&vm, &set, &at);
}

static void image_header(void **state)
{
    struct arm64_header h;
    struct image i = arm64(64, 0x80000, 0x2000000, BIT(3) | BIT(0));

    (void)state;
    assert_true(image_arm64_header(i.data, i.size, &h));
    assert_int_equal(h.text_offset, 0x80000);
    assert_int_equal(h.image_size, 0x2000000);
    assert_true(h.big_endian && h.anywhere);
    assert_false(image_arm64_header(i.data, 63, &h));
    header[56] = 'a';
    assert_false(image_arm64_header(i.data, 64, &h));
    i = arm64(64, 0xffffffff00000000, 0, 0);
    assert_true(image_arm64_header(i.data, i.size, &h));
    assert_int_equal(h.text_offset, 0x80000);
}

/* As Debian's kernel comes: bss counted in image_size, ramdisk and tree behind it. */
static void image_linux(void **state)
{
    struct image kernel = arm64(0x1f00000, 0, 0x2050000, 0xa), initrd = { .name = "initrd", .size = 0x123456 };

    (void)state;
    vm_reset(0x40000000, 0x20000000);
    assert_int_equal(place(&kernel, &initrd, 0x10000), 0);
    assert_int_equal(at.kernel_load, 0x40000000);
    assert_int_equal(at.kernel_size, 0x1f00000);
    assert_int_equal(at.kernel_mem_size, 0x2050000);
    assert_int_equal(at.entry, 0x40000000);
    assert_int_equal(at.ramdisk_at, 0x42200000);
    assert_int_equal(at.dtb_at, 0x42400000);
    assert_string_equal(log_all(), "");
    /* RAM that does not begin at 2 MiB; no room for coarse alignment. */
    vm_reset(0x40100000, 0x22c0000);
    kernel = arm64(0x1f00000, 0, 0x2050000, 0xa);
    assert_int_equal(place(&kernel, &initrd, 0x800), 0);
    assert_int_equal(at.kernel_load, 0x40200000);
    assert_int_equal(at.ramdisk_at, 0x42250000);
    assert_int_equal(at.dtb_at, 0x42373458);
}

static void image_raw_and_elf(void **state)
{
    struct image kernel = raw(0x1000);
    struct image elf = { .name = "elf",
                         .data = header,
                         .size = 0x3000,
                         .format = IMAGE_ELF,
                         .has_load = true,
                         .has_entry = true,
                         .load = 0x40080000,
                         .entry = 0x40080100,
                         .bss = 0x800000 };

    (void)state;
    vm_reset(0x40000000, 0x10000000);
    assert_int_equal(place(&kernel, NULL, 0x1000), 0);
    assert_int_equal(at.kernel_load, 0x40080000);
    assert_int_equal(at.entry, 0x40080000);
    assert_int_equal(at.dtb_at, 0x48000000); /* nothing says where its bss ends */
    struct image old = arm64(0x1000, 0x80000, 0, 0), large = { .name = "large", .data = header, .size = 0x7f00000 };
    assert_int_equal(place(&old, NULL, 0x1000), 0);
    assert_int_equal(at.dtb_at, 0x48000000);
    assert_int_equal(place(&kernel, &large, 0x1000), 0);
    assert_int_equal(at.ramdisk_at, 0x40200000); /* no room for it behind that */
    vm_reset(0x40000000, 0x1000000);
    assert_int_equal(place(&kernel, NULL, 0x1000), 0);
    assert_int_equal(at.dtb_at, 0x40800000);
    vm_reset(0x40000000, 0x10000000);
    kernel.format = IMAGE_DATA;
    assert_int_equal(place(&kernel, NULL, 0), 0);
    assert_int_equal(at.kernel_load, 0x40080000);
    assert_int_equal(at.dtb_at, 0);
    assert_int_equal(place(&elf, NULL, 0x1000), 0);
    assert_int_equal(at.kernel_load, 0x40080000);
    assert_int_equal(at.kernel_mem_size, 0x803000);
    assert_int_equal(at.entry, 0x40080100);
    assert_int_equal(at.dtb_at, 0x40a00000);
    /* As the command line says. */
    kernel = raw(0x1000);
    vm.has_kernel_load = vm.has_entry = vm.has_dtb_address = true;
    vm.kernel_load = 0x40200000;
    vm.entry = 0x40200040;
    vm.dtb_address = 0x40000000;
    assert_int_equal(place(&kernel, NULL, 0x10000), 0);
    assert_int_equal(at.kernel_load, 0x40200000);
    assert_int_equal(at.entry, 0x40200040);
    assert_int_equal(at.dtb_at, 0x40000000);
    assert_string_equal(log_all(), "");
    assert_int_equal(place(&elf, NULL, 0x10000), -EINVAL);
    assert_true(
        log_has("/vm/chosen: armature,kernel-load 0x40200000: image \"elf\" is an ELF file linked for 0x40080000"));
    elf.has_entry = false;
    assert_int_equal(place(&elf, NULL, 0x10000), -EINVAL);
}

static void image_not_startable(void **state)
{
    struct image kernel = raw(0x1000);

    (void)state;
    vm_reset(0x40000000, 0x10000000);
    memcpy(header, "\x1f\x8b\x08", 3);
    assert_int_equal(place(&kernel, NULL, 0), -EINVAL);
    assert_true(log_has("/vm/chosen: image \"flat\" cannot be started as it is: it is gzip"));
    memcpy(header,
           "\x7f"
           "ELF",
           4);
    assert_int_equal(place(&kernel, NULL, 0), -EINVAL);
    assert_true(log_has("an ELF file that was not laid out by the tool"));
    kernel.format = IMAGE_ARM64;
    assert_int_equal(place(&kernel, NULL, 0), -EINVAL);
    assert_true(log_has("image \"flat\" is no arm64 Image"));
    kernel = arm64(64, 0, 4096, 1);
    assert_int_equal(place(&kernel, NULL, 0), -EINVAL);
    assert_true(log_has("big-endian"));
    kernel = arm64(64, BIT(60), 4096, 0);
    assert_int_equal(place(&kernel, NULL, 0), -EINVAL);
    assert_true(log_has("its header is corrupt"));
    assert_int_equal(place(NULL, NULL, 0), -EINVAL);
    assert_true(log_has("entry 0x0 is not inside the VM's memory"));
}

static void image_no_room(void **state)
{
    struct image kernel = arm64(0x100000, 0, 0x200000, 0), initrd = { .name = "initrd", .size = 0x100000 };

    (void)state;
    vm_reset(0x40000000, 0x100000);
    assert_int_equal(place(&kernel, NULL, 0), -ENOSPC);
    assert_true(log_has("/vm: linux: 0x200000 bytes at 0x40000000 are not inside the VM's memory"));
    vm_reset(0x40000000, 0x280000);
    assert_int_equal(place(&kernel, &initrd, 0), -ENOSPC);
    assert_true(log_has("/vm: initrd: no room for 0x100000 bytes"));
    /* Above the kernel is no room, below is. */
    vm_reset(0x40000000, 0x400000);
    vm.has_kernel_load = true;
    vm.kernel_load = 0x40200000;
    assert_int_equal(place(&kernel, &initrd, 0x1000), 0);
    assert_int_equal(at.ramdisk_at, 0x40000000);
    assert_int_equal(at.dtb_at, 0x40100000);
    /* A second memory serves too, but not one that is read-only. */
    vm_reset(0x40000000, 0x200000);
    vm.ram_count = 3;
    vm.ram[1] = (struct config_ram){ .base = IPA(0), .size = 0x1000000, .read_only = true };
    vm.ram[2] = (struct config_ram){ .base = IPA(0x80000000), .size = 0x1000000 };
    assert_int_equal(place(&kernel, &initrd, 0x1000), 0);
    assert_int_equal(at.ramdisk_at, 0x80000000);
    vm.has_entry = true;
    vm.entry = 0x90000000;
    assert_int_equal(place(&kernel, &initrd, 0x1000), -EINVAL);
    assert_true(log_has("/vm: entry 0x90000000 is not inside"));
}

static void image_overlaps(void **state)
{
    struct image kernel = raw(0x1000), rom = { .name = "rom", .size = 0x100000 };
    struct image_set set = { .kernel = &kernel, .ram = { &rom }, .dtb_size = 0x1000 };

    (void)state;
    vm_reset(0x40000000, 0x10000000);
    assert_int_equal(image_place(&vm, &set, &at), -EEXIST);
    assert_true(log_has("/vm: flat: 0x1000 bytes at 0x40080000 overlap rom: 0x100000 bytes at 0x40000000"));
    rom.size = 0x80000;
    assert_int_equal(image_place(&vm, &set, &at), 0);
    vm.has_dtb_address = true;
    vm.dtb_address = 0x40080ff8;
    assert_int_equal(image_place(&vm, &set, &at), -EEXIST);
    assert_true(log_has("the guest's tree: 0x1000 bytes at 0x40080ff8 overlap flat"));
    rom.size = 0x20000000;
    assert_int_equal(image_place(&vm, &set, &at), -ENOSPC);
    assert_true(log_has("image \"rom\" has 0x20000000 bytes, its memory at 0x40000000 has 0x10000000"));
    /* A VM that starts in what was preloaded. */
    rom.size = 0x1000;
    vm.has_dtb_address = false;
    vm.has_entry = true;
    vm.entry = 0x40000000;
    set.kernel = NULL;
    assert_int_equal(image_place(&vm, &set, &at), 0);
    assert_int_equal(at.entry, 0x40000000);
    assert_int_equal(at.dtb_at, 0x40001000);
}

/* Whatever is asked for: refused, or all inside memory and apart from each other. */
static void image_random(void **state)
{
    uint32_t seed = 5;
    unsigned placed = 0;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        vm_reset((uint64_t)(random_next(&seed) % 8) << 20, (uint64_t)(random_next(&seed) % 16 + 1) << 20);
        struct image initrd = { .name = "initrd", .size = random_next(&seed) % 0x400000 + 1 };
        struct image kernel = random_next(&seed) % 2
                                  ? raw(random_next(&seed) % 0x400000 + 64)
                                  : arm64(0x1000, random_next(&seed) % 4 * 0x80000, random_next(&seed) % 0x400000, 8);
        uint64_t dtb = random_next(&seed) % 0x10000 + 1;
        vm.has_kernel_load = random_next(&seed) % 4 == 0;
        vm.kernel_load = ((uint64_t)random_next(&seed) % 0x1000) << 12;
        vm.has_dtb_address = random_next(&seed) % 4 == 0;
        vm.dtb_address = ((uint64_t)random_next(&seed) % 0x1000) << 12;
        if (place(&kernel, &initrd, dtb)) {
            assert_true(log_has("/vm"));
            continue;
        }
        const uint64_t where[3][2] = { { at.kernel_load, at.kernel_mem_size },
                                       { at.ramdisk_at, initrd.size },
                                       { at.dtb_at, dtb } };
        for (unsigned i = 0; i < 3; i++) {
            assert_true(where[i][0] >= vm.ram[0].base.raw);
            assert_true(where[i][0] + where[i][1] <= vm.ram[0].base.raw + vm.ram[0].size);
            for (unsigned j = 0; j < i; j++)
                assert_false(ranges_overlap(where[i][0], where[i][1], where[j][0], where[j][1]));
        }
        assert_int_equal(at.dtb_at % 8, 0);
        placed++;
    }
    assert_true(placed > 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_header),        cmocka_unit_test(image_linux),   cmocka_unit_test(image_raw_and_elf),
        cmocka_unit_test(image_not_startable), cmocka_unit_test(image_no_room), cmocka_unit_test(image_overlaps),
        cmocka_unit_test(image_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
