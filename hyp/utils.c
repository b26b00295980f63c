/* SPDX-License-Identifier: Apache-2.0 */
/* The text of options to numbers, places and interrupt lines. Startup only. */
#include "hyp/api/utils.h"
#include "hyp/vdev_parts.h"

#include <errno.h>
#include <string.h>

/* -1: no digit of that base. */
static __startup int digit_value(char c, unsigned base)
{
    int value = -1;
    if (c >= '0' && c <= '9')
        value = c - '0';
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        value = (c | 0x20) - 'a' + 10;
    return value < (int)base ? value : -1;
}

/* Reads the digits from *at on; EINVAL: there is none. */
static __startup int digits_read(const char **at, unsigned base, uint64_t *out)
{
    const char *first = *at;
    uint64_t sum = 0;
    for (int digit; (digit = digit_value(**at, base)) >= 0; (*at)++)
        if (__builtin_mul_overflow(sum, base, &sum) || __builtin_add_overflow(sum, (unsigned)digit, &sum))
            return ERANGE;
    *out = sum;
    return *at == first ? EINVAL : EOK;
}

static __startup int number_read(const char *text, uint64_t *out)
{
    bool hex = text[0] == '0' && text[1] == 'x', decimal = text[0] == '0' && text[1] == 'd';
    uint64_t unit = 1;
    text += hex || decimal ? 2 : 0;
    int err = digits_read(&text, hex ? 16 : 10, out);
    if (err)
        return err;
    if (*text == 'K' || *text == 'k')
        unit = KIB(1);
    else if (*text == 'M' || *text == 'm')
        unit = MIB(1);
    if (text[unit > 1])
        return EINVAL;
    return __builtin_mul_overflow(*out, unit, out) ? ERANGE : EOK;
}

int qvm_parse_num(const struct vdev_builder *b, const char *text, uint64_t *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    uint64_t value = 0;
    int err = number_read(text, &value);
    if (err == ERANGE)
        return error_at(err, "%s: \"%.48s\" does not fit in 64 bits", b->path, text);
    if (err)
        return error_at(err, "%s: \"%.48s\" is no number: 123, 0d123, 0x7b, 4K and 2M are", b->path, text);
    *out = value;
    return EOK;
}

int qvm_parse_block(const struct vdev_builder *b, const char *text, qvm_state_block *blk)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    const char *colon = strchr(text, ':');
    uint64_t location;
    if (colon && (colon - text != 3 || memcmp(text, "mem", 3)))
        return error_at(EINVAL, "%s: \"%.48s\": a place is of type mem here", b->path, text);
    if (!colon && blk->type != QST_MEMORY)
        return error_at(EINVAL, "%s: \"%.48s\" has no type, and the vdev has no default", b->path, text);
    int err = qvm_parse_num(b, colon ? colon + 1 : text, &location);
    if (!err && location == QSL_NO_LOCATION)
        err = error_at(ERANGE, "%s: \"%.48s\" is no place", b->path, text);
    if (err)
        return err;
    blk->type = QST_MEMORY;
    blk->location = location;
    return EOK;
}

static __startup bool name_is(const char *name, const char *text, size_t n)
{
    return strcspn(name, "@") == n && !memcmp(name, text, n);
}

/* The VM's controller whose type or node has the name; NULL. */
static __startup vdev_t *controller_named(const struct guest_system *vm, const char *text, size_t n)
{
    for (unsigned i = 0; i < vm->vdev_count; i++) {
        vdev_t *v = &vm->vdevs[i];
        if (!v->v_factory || !v->v_factory->pic) /* not made yet, or of another kind */
            continue;
        if (name_is(v->v_factory->name, text, n) || name_is(v->v_name, text, n))
            return v;
    }
    return NULL;
}

int qvm_parse_intr(const struct vdev_builder *b, const char *text, struct guest_intr *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    size_t n = strcspn(text, ":");
    uint64_t pin;
    if (!n || !text[n])
        return error_at(EINVAL, "%s: \"%.48s\" is no interrupt: \"controller:number\" is, as \"gic:37\"", b->path,
                        text);
    vdev_t *pic = controller_named(b->gsp, text, n);
    if (!pic)
        return error_at(ENOENT, "%s: \"%.48s\": the VM has no interrupt controller of that name", b->path, text);
    int err = qvm_parse_num(b, text + n + 1, &pin);
    if (err)
        return err;
    if (pin < pic->v_factory->pic->first_pin || pin >= guest_intr_num_pins(pic))
        return error_at(ENOENT, "%s: \"%.48s\": %s has pins %u to %u", b->path, text, pic->v_name,
                        pic->v_factory->pic->first_pin, guest_intr_num_pins(pic) - 1);
    struct guest_intr line = { .pic = pic, .param = (uint32_t)pin, .src_id = 1 };
    err = -assign_line_claim(b, &line);
    if (!err)
        *out = line;
    return err;
}
