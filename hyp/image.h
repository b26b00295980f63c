/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a VM's images go. Pure but for the messages: nothing is read but the kernel's header, nothing is written but
 * the answer. Addresses are the guest's.
 */
#include "hyp/base/addr.h"
#include "hyp/bundle.h"
#include "hyp/config.h"
#include "hyp/gram.h"

/* What the header of an arm64 Image says (Linux, Documentation/arm64/booting). */
struct arm64_header {
    uint64_t text_offset;
    uint64_t image_size; /* 0: a kernel before 3.17 does not say */
    bool big_endian;
    bool anywhere; /* need not be near the start of RAM */
};

/* The images that are there; NULL: none of that kind. */
struct image_set {
    const struct image *kernel, *ramdisk;
    const struct image *ram[CONFIG_MAX_RAM_RANGES]; /* preloaded into config_vm.ram[i] */
    const struct gram *reserved;                    /* by vdevs: no image goes there */
    unsigned reserved_count;
    uint64_t dtb_size; /* bytes to keep for the guest's tree; 0: it gets none */
};

struct placement {
    uint64_t kernel_load, kernel_size;
    uint64_t kernel_mem_size; /* with what must be zero or free behind it */
    bool bss_unknown;         /* more may have to be free: the image does not say */
    uint64_t entry;
    uint64_t ramdisk_at; /* if there is one */
    uint64_t dtb_at;     /* if there is one */
};

/* Is this an arm64 Image? Then its header. */
bool image_arm64_header(const uint8_t *data, uint64_t size, struct arm64_header *out) __startup;
/*
 * Decides all addresses. What does not fit or overlaps is refused: the message names the VM's path and both images.
 * -EINVAL: not startable as it is; -ENOSPC: no room; -EEXIST: two at one place.
 */
int image_place(const struct config_vm *vm, const struct image_set *set, struct placement *out) __startup __must_check;
