/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "hyp/boot_check.h"
#include "hyp/dt.h"
#include "boards/power/power.h"
#include "hyp/platform_parts.h"
#include "hyp/ranges.h"
#include "hyp/text.h"

#define RTC_PL031 "arm,pl031"

static __startup void platform_copy(char *to, size_t size, const char *from)
{
    struct text t = text_in(to, size);

    text_string(&t, from ? from : "");
}

/* A number of 32 or 64 bits in /chosen: boot loaders write either. */
static __startup bool platform_chosen_number(const void *fdt, int chosen, const char *name, uint64_t *out)
{
    if (!dt_has(fdt, chosen, name))
        return false;
    if (dt_u64(fdt, chosen, name, out))
        return true;
    log_error("/chosen: %s is neither 4 nor 8 bytes long", name);
    return false;
}

/* Why a bundle cannot be at r, or NULL. */
static __startup const char *platform_initrd_fault(const struct platform *p, struct range r)
{
    if (!ranges_cover(p->ram, p->ram_count, r))
        return "is not in RAM";
    if (ranges_hit(p->reserved, p->reserved_count, r))
        return "lies over reserved memory";
    if (ranges_overlap(p->fdt.base.raw, p->fdt.size, r.base.raw, r.size))
        return "lies over the host's tree";
    return NULL;
}

void platform_initrd(const void *fdt, int chosen, struct platform *p)
{
    uint64_t start, end;

    if (chosen < 0 || !platform_chosen_number(fdt, chosen, "linux,initrd-start", &start) ||
        !platform_chosen_number(fdt, chosen, "linux,initrd-end", &end))
        return;
    if (end <= start || !range_fits(start, end - start, 63)) {
        log_error("/chosen: the bundle is said to be at 0x%lx to 0x%lx, which is no range", start, end);
        return;
    }
    struct range r = { PA(start), end - start };
    const char *fault = platform_initrd_fault(p, r);
    if (fault)
        log_error("/chosen: the bundle at 0x%lx to 0x%lx %s: it is not used", start, end, fault);
    else
        p->initrd = r;
}

/* Adds a seed's bytes to what there is and wipes them where they came from. */
static __startup void platform_seed_take(void *fdt, int chosen, const char *name, struct platform *p)
{
    int length;
    uint8_t *seed = fdt_getprop_w(fdt, chosen, name, &length);

    for (int i = 0; seed && i < length; i++) {
        if (p->rng_seed_len < sizeof(p->rng_seed))
            p->rng_seed[p->rng_seed_len++] = seed[i];
        seed[i] = 0;
    }
}

void platform_seed(void *fdt, int chosen, struct platform *p)
{
    if (chosen < 0)
        return;
    platform_seed_take(fdt, chosen, "rng-seed", p);
    platform_seed_take(fdt, chosen, "kaslr-seed", p);
}

static __startup void platform_boot_options(const void *fdt, int chosen, struct platform *p)
{
    const char *bootargs = chosen < 0 ? NULL : dt_string(fdt, chosen, "bootargs");

    if (chosen >= 0 && !bootargs && dt_has(fdt, chosen, "bootargs"))
        log_warn("/chosen: bootargs is no string: boot options are not read");
    platform_options(bootargs ? bootargs : "", &p->options);
}

void platform_rtc(const void *fdt, struct platform *p)
{
    struct dt_path path;
    int node = dt_find(fdt, -1, RTC_PL031);

    if (node < 0 || dt_reg(fdt, node, 0, &p->rtc.regs) || !p->rtc.regs.size)
        return;
    platform_copy(p->rtc.path, sizeof(p->rtc.path), dt_path(fdt, node, &path));
    platform_copy(p->rtc.compatible, sizeof(p->rtc.compatible), RTC_PL031);
    p->rtc.present = true;
}

static __startup void platform_power(const void *fdt, struct platform *p)
{
    for (unsigned i = 0; power_drivers[i] && !p->power_driver; i++) {
        int node = dt_find(fdt, -1, power_drivers[i]->compatible);
        if (node >= 0 && !dt_reg(fdt, node, 0, &p->power))
            p->power_driver = power_drivers[i];
    }
}

int platform_parse(void *fdt, size_t size, struct platform *p)
{
    struct range place = p->fdt;
    memset(p, 0, sizeof(*p));
    p->fdt = place;
    platform_options("", &p->options);

    boot_check_begin(CHECK_TREE);
    int err = dt_check(fdt, size, "host tree");
    if (err)
        return err;
    platform_copy(p->model, sizeof(p->model), dt_string(fdt, 0, "model"));
    platform_copy(p->compatible, sizeof(p->compatible), dt_string(fdt, 0, "compatible"));
    int chosen = fdt_subnode_offset(fdt, 0, "chosen");
    platform_boot_options(fdt, chosen, p);
    platform_seed(fdt, chosen, p);
    boot_check_begin(CHECK_MEMORY);
    err = platform_ram(fdt, p);
    if (err)
        return err;
    boot_check_begin(CHECK_CORES);
    err = platform_cores(fdt, p);
    if (err)
        return err;
    boot_check_begin(CHECK_MEMORY);
    err = platform_reserved(fdt, p);
    if (err)
        return err;
    platform_initrd(fdt, chosen, p);
    err = platform_reserved_rest(fdt, p);
    if (err)
        return err;
    boot_check_begin(CHECK_GIC);
    int gic = platform_gic(fdt, p);
    if (gic < 0)
        return gic;
    boot_check_begin(CHECK_TIMER);
    err = platform_timer(fdt, gic, p);
    if (err)
        return err;
    platform_power(fdt, p);
    platform_uarts(fdt, chosen, gic, p);
    platform_rtc(fdt, p);
    return 0;
}
