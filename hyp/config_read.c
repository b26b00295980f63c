/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of a description, each with its type and its refusal. */
#include <errno.h>
#include <string.h>
#include "hyp/config_parts.h"
#include "hyp/nearest.h"
#include "hyp/ranges.h"

bool config_fault(struct config_reader *r)
{
    if (!r->vm->refused)
        r->vm->refused = "its description is wrong";
    return r->faults++ < CONFIG_MAX_FAULTS;
}

void config_number(struct config_reader *r, int node, const char *name, uint32_t low, uint32_t high, uint32_t *out)
{
    uint32_t value;

    if (!dt_has(r->fdt, node, name))
        return;
    if (!dt_u32(r->fdt, node, name, &value))
        config_refuse(r, node, "%s: one number (a cell of 32 bits) is expected", name);
    else if (value < low || value > high)
        config_refuse(r, node, "%s is %u: %u to %u is possible", name, value, low, high);
    else
        *out = value;
}

void config_address(struct config_reader *r, int node, const char *name, bool *present, uint64_t *out)
{
    uint64_t value;

    if (!dt_has(r->fdt, node, name))
        return;
    if (!dt_u64(r->fdt, node, name, &value)) {
        config_refuse(r, node, "%s: one number (a cell or two) is expected", name);
    } else if (value >= BIT(CONFIG_IPA_BITS)) {
        config_refuse(r, node, "%s is 0x%lx: beyond %d address bits", name, value, CONFIG_IPA_BITS);
    } else {
        *out = value;
        *present = true;
    }
}

void config_string(struct config_reader *r, int node, const char *name, const char **out)
{
    int length;
    const char *value = fdt_getprop(r->fdt, node, name, &length);

    if (!value)
        return;
    if (length == 0 || strnlen(value, (size_t)length) != (size_t)length - 1)
        config_refuse(r, node, "%s: one string is expected", name);
    else
        *out = value;
}

void config_flag(struct config_reader *r, int node, const char *name, bool *out)
{
    int length;

    if (!fdt_getprop(r->fdt, node, name, &length))
        return;
    if (length)
        config_refuse(r, node, "%s is a flag: it takes no value", name);
    else
        *out = true;
}

void config_word(struct config_reader *r, int node, const char *name, const char *const *words, unsigned *out)
{
    const char *value = NULL;

    config_string(r, node, name, &value);
    if (!value)
        return;
    struct nearest n = nearest_to(value);
    for (unsigned i = 0; words[i]; i++) {
        if (strcmp(value, words[i]) == 0) {
            *out = i;
            return;
        }
        nearest_offer(&n, words[i]);
    }
    config_refuse(r, node, "%s: unknown word \"%.32s\": nearest is \"%s\"", name, value, n.best ? n.best : words[0]);
}

static __startup bool config_name_is_known(const char *name, const char *const *known)
{
    static const char *const always[] = { "phandle", "linux,phandle", "status", NULL };

    for (const char *const *k = always; *k; k++)
        if (strcmp(name, *k) == 0)
            return true;
    for (; *known; known++)
        if (strcmp(name, *known) == 0)
            return true;
    return false;
}

void config_names(struct config_reader *r, int node, const char *const *known, enum config_strictness strictness)
{
    for (int p = fdt_first_property_offset(r->fdt, node); p >= 0; p = fdt_next_property_offset(r->fdt, p)) {
        const char *name;
        int length;
        if (!fdt_getprop_by_offset(r->fdt, p, &name, &length) || config_name_is_known(name, known))
            continue;
        if (strictness == CONFIG_NAMES_OURS && strncmp(name, "armature,", 9) != 0)
            continue;
        struct nearest n = nearest_to(name);
        for (const char *const *k = known; *k; k++)
            nearest_offer(&n, *k);
        config_refuse(r, node, "unknown property \"%.64s\"%s%s", name, n.best ? ": nearest is " : "",
                      n.best ? n.best : "");
    }
}

bool config_named(const void *fdt, int node, const char *name)
{
    const char *full = fdt_get_name(fdt, node, NULL);
    size_t length = strlen(name);

    return strncmp(full, name, length) == 0 && (full[length] == 0 || full[length] == '@');
}

int config_reg_get(const void *fdt, int node, unsigned index, uint64_t *base, uint64_t *size)
{
    int length;
    const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);

    if (!reg || length <= 0 || length % 16 || index >= (unsigned)length / 16)
        return reg && (length <= 0 || length % 16) ? -EINVAL : 0;
    *base = dt_number(reg + 4 * (size_t)index, 2);
    *size = dt_number(reg + 4 * (size_t)index + 2, 2);
    return *size && range_fits(*base, *size, CONFIG_IPA_BITS) ? 1 : -ERANGE;
}

int config_reg(struct config_reader *r, int node, unsigned index, uint64_t *base, uint64_t *size)
{
    int got = config_reg_get(r->fdt, node, index, base, size);

    if (got == -EINVAL)
        config_refuse(r, node, "reg is no list of address and size with two cells each");
    else if (got == -ERANGE)
        config_refuse(r, node, "reg: 0x%lx bytes at 0x%lx are no range within %d address bits", *size, *base,
                      CONFIG_IPA_BITS);
    return got;
}

/* Why <type number> is no interrupt of a VM; 0 is the answer if it is one. */
static __startup int config_interrupt_check(struct config_reader *r, int node, uint32_t type, uint32_t number)
{
    if (type == 1 && number >= 16 && number < 32)
        config_refuse(r, node, "interrupts: <1 %u> is an INTID: the PPI's number is %u", number, number - 16);
    else if (type == 0 && number >= CONFIG_MAX_SPIS && number - 32 < CONFIG_MAX_SPIS)
        config_refuse(r, node, "interrupts: SPI %u: CONFIG_MAX_SPIS=%d; if %u is an INTID, the SPI's number is %u",
                      number, CONFIG_MAX_SPIS, number, number - 32);
    else if (type == 0 && number >= CONFIG_MAX_SPIS)
        config_refuse(r, node, "interrupts: SPI %u: CONFIG_MAX_SPIS=%d", number, CONFIG_MAX_SPIS);
    else if (!dt_gic_intid(type, number))
        config_refuse(r, node, "interrupts: <%u %u> is neither an SPI <0 0..987> nor a PPI <1 0..15>", type, number);
    else
        return 0;
    return -EINVAL;
}

static __startup int config_interrupt_get(const void *fdt, int node, unsigned index, uint32_t *type, uint32_t *number)
{
    int length;
    const fdt32_t *cells = fdt_getprop(fdt, node, "interrupts", &length);

    if (!cells || length <= 0 || length % 12 || index >= (unsigned)length / 12)
        return cells && (length <= 0 || length % 12) ? -EINVAL : 0;
    *type = fdt32_ld(&cells[3 * (size_t)index]);
    *number = fdt32_ld(&cells[3 * (size_t)index + 1]);
    return 1;
}

int config_interrupt(struct config_reader *r, int node, unsigned index, uint32_t *intid)
{
    uint32_t type, number;
    int got = config_interrupt_get(r->fdt, node, index, &type, &number);

    if (got < 0)
        config_refuse(r, node, "interrupts is no list of three cells each: <type number flags>");
    if (got <= 0)
        return got;
    *intid = dt_gic_intid(type, number);
    return config_interrupt_check(r, node, type, number) ? -EINVAL : 1;
}
