/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/boot.h"
#include "arch/arm64/mmu.h"
#include "boards/board.h"
#include "hyp/base/log.h"
#include "hyp/dt.h"
#include "hyp/platform_parts.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#define FDT_LIMIT MIB(2)

extern const uint8_t builtin_bundle_start[], builtin_bundle_end[];

static __startup void *tree_map(const struct hyp_boot_info *info, size_t *size)
{
    if (!info->fdt_pa || info->fdt_pa & 7) {
        log_error("no device tree: x0 was 0x%llx; start us with booti, or go ADDRESS TREE [BUNDLE]",
                  (unsigned long long)info->fdt_pa);
        return NULL;
    }
    void *fdt = mmu_map_direct(PA(info->fdt_pa), sizeof(struct fdt_header), S1_RW);
    if (!fdt)
        return NULL;
    if (fdt_magic(fdt) != FDT_MAGIC) {
        log_error("no device tree at 0x%llx: it begins with 0x%x, not 0xd00dfeed", (unsigned long long)info->fdt_pa,
                  fdt_magic(fdt));
        return NULL;
    }
    *size = fdt_totalsize(fdt);
    if (*size < sizeof(struct fdt_header) || *size > FDT_LIMIT) {
        log_error("device tree at 0x%llx: its size of %llu bytes is none", (unsigned long long)info->fdt_pa,
                  (unsigned long long)*size);
        return NULL;
    }
    return mmu_map_direct(PA(info->fdt_pa), *size, S1_RW);
}

static __startup void board_uart(struct platform *p)
{
    struct early_uart early = platform_early_uart();
    const char *compatible = early_uart_compatible(early.kind);
    memset(&p->uart, 0, sizeof(p->uart));
    p->options.log_filter |= LOG_FATAL | LOG_INTERNAL | LOG_ERROR;
    if (!compatible)
        return;
    strncpy(p->uart.path, "(the board's early console)", sizeof(p->uart.path) - 1);
    strncpy(p->uart.compatible, compatible, sizeof(p->uart.compatible) - 1);
    p->uart.regs = (struct range){ PA(early.address), PAGE_SIZE };
    p->uart.clock_hz = early.clock_hz;
    p->uart.present = true;
}

/* Only its early console and drivers are the board's: it may work all the same. */
static __startup void board_check(const void *fdt, const struct platform *p)
{
    const struct board *b = board_get();
    if (!dt_compatible(fdt, 0, b->compatible))
        log_warn("the tree is one of \"%s\", this image is for the %s (\"%s\")", p->compatible, b->name, b->compatible);
}

int boot_platform(const struct hyp_boot_info *info, struct platform *p)
{
    size_t size = 0;
    platform_options("", &p->options); /* for a fault before the tree's are known */
    void *fdt = tree_map(info, &size);
    p->fdt = (struct range){ PA(info->fdt_pa), size };
    int err = fdt ? platform_parse(fdt, size, p) : -EINVAL;
    if (!err)
        board_check(fdt, p);
    if (err || !p->uart.present)
        board_uart(p);
    return err;
}

/* Wholly in one piece of RAM; the size is whatever a header said. */
static __startup bool in_ram(const struct platform *p, uint64_t base, uint64_t size)
{
    for (unsigned i = 0; i < p->ram_count; i++) {
        uint64_t offset = base - p->ram[i].base.raw;
        if (offset < p->ram[i].size && size <= p->ram[i].size - offset)
            return true;
    }
    return false;
}

int boot_bundle(const struct platform *p, const struct hyp_boot_info *info, struct bundle *b)
{
    struct range at = p->initrd;
    if (info->bundle_pa) {
        if (!in_ram(p, info->bundle_pa, BUNDLE_HEADER_SIZE))
            return error_at(-EINVAL, "the bundle's address 0x%llx, the third word of go, is not in memory",
                            (unsigned long long)info->bundle_pa);
        const uint8_t *head = mmu_map_direct(PA(info->bundle_pa), BUNDLE_HEADER_SIZE, S1_RO);
        uint64_t total = 0;
        if (head && !memcmp(head, BUNDLE_MAGIC, 8))
            memcpy(&total, head + 0x10, sizeof(total));
        at = (struct range){ PA(info->bundle_pa), total > BUNDLE_HEADER_SIZE ? total : BUNDLE_HEADER_SIZE };
        if (!in_ram(p, at.base.raw, at.size))
            return error_at(-EINVAL, "the bundle at 0x%llx says it is %llu bytes long: it would not end in memory",
                            (unsigned long long)at.base.raw, (unsigned long long)at.size);
    }
    if (ranges_overlap(at.base.raw, at.size, mmu_image_pa().raw, mmu_image_size()))
        return error_at(-EINVAL,
                        "the bundle at 0x%llx to 0x%llx lies over the hypervisor at 0x%llx: load one of them elsewhere",
                        (unsigned long long)at.base.raw, (unsigned long long)(at.base.raw + at.size),
                        (unsigned long long)mmu_image_pa().raw);
    if (at.size) {
        const uint8_t *base = mmu_map_direct(at.base, at.size, S1_RO);
        return base ? bundle_open(base, at.size, b) : -ENOMEM;
    }
    if (&builtin_bundle_end[0] != &builtin_bundle_start[0])
        return bundle_open(builtin_bundle_start, (uint64_t)(builtin_bundle_end - builtin_bundle_start), b);
    return error_at(-ENOENT, "no bundle: the tree's /chosen has no linux,initrd-start, and none is built in "
                             "(CONFIG_BUILTIN_BUNDLE); give booti the bundle as its ramdisk");
}
