/* SPDX-License-Identifier: Apache-2.0 */
/* A vdev's options: the occurrences of its own, the ones that all vdevs have, and typed views of their values. */
#include "hyp/text.h"
#include "hyp/vdev_parts.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#define LABEL_SIZE 32

enum option_kind { OPTION_WHOLE, OPTION_STRINGS, OPTION_CELLS };

static __startup enum option_kind option_kind(const struct vdev_factory *f, unsigned i)
{
    if (f->option_strings & BIT(i))
        return OPTION_STRINGS;
    return f->option_cells & BIT(i) ? OPTION_CELLS : OPTION_WHOLE;
}

/* The first of `size` bytes' strings that does not end in them, or is empty, is an error. */
static __startup int strings_check(const struct vdev_builder *b, const char *name, const char *at, size_t size)
{
    if (!size)
        return error_at(-EINVAL, "%s: %s has no value: one or more strings are expected", b->path, name);
    while (size) {
        size_t n = strnlen(at, size);
        if (n == size || !n)
            return error_at(-EINVAL, "%s: %s: %s", b->path, name, n ? "a string without its end" : "an empty string");
        at += n + 1;
        size -= n + 1;
    }
    return 0;
}

static __startup int cells_check(const struct vdev_builder *b, const char *name, size_t size)
{
    if (!size || size % 4)
        return error_at(-EINVAL, "%s: %s is %u bytes, not one or more numbers of 4", b->path, name, (unsigned)size);
    return 0;
}

int option_next(const struct vdev_builder *b, unsigned i, struct vdev_option *o)
{
    const struct vdev_factory *f = b->vdev->v_factory;
    enum option_kind kind = option_kind(f, i);
    int size, err = 0;
    const char *data = b->node < 0 ? NULL : fdt_getprop(b->fdt, b->node, f->option_list[i], &size);
    if (!data)
        return 0;
    if (!o->name && kind == OPTION_STRINGS)
        err = strings_check(b, f->option_list[i], data, (size_t)size);
    else if (!o->name && kind == OPTION_CELLS)
        err = cells_check(b, f->option_list[i], (size_t)size);
    if (err)
        return err;
    const char *at = o->name ? (const char *)o->data + o->size : data;
    if (o->name && at == data + size)
        return 0;
    o->index = o->name ? o->index + 1 : 0;
    o->name = f->option_list[i];
    o->data = at;
    o->size = (uint32_t)(data + size - at);
    if (kind != OPTION_WHOLE)
        o->size = kind == OPTION_CELLS ? 4 : (uint32_t)strlen(at) + 1;
    return 1;
}

static __startup int label_read(const struct vdev_builder *b)
{
    int size;
    const char *label = fdt_getprop(b->fdt, b->node, "label", &size);
    if (!label)
        return 0;
    if (size < 2 || strnlen(label, (size_t)size) != (size_t)size - 1)
        return error_at(-EINVAL, "%s: label is not one string with text", b->path);
    for (const char *c = label; *c; c++)
        if (*c < ' ' || *c > '~')
            return error_at(-EINVAL, "%s: label has other characters than printable ASCII", b->path);
    if (size > LABEL_SIZE)
        return error_at(-EINVAL, "%s: label has %d characters: %d are possible", b->path, size - 1, LABEL_SIZE - 1);
    b->vdev->v_name = label;
    return 0;
}

/* 0: no severity of that name. */
static __startup uint32_t severity_named(const char *name)
{
    static const char *const names[] = { "fatal", "internal", "error", "warn", "info", "debug", "verbose" };
    _Static_assert(LOG_FATAL == BIT(0) && LOG_VERBOSE == BIT(ARRAY_LEN(names) - 1), "order of the words");
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(names[i], name))
            return (uint32_t)BIT(i);
    return 0;
}

static __startup int log_read(const struct vdev_builder *b)
{
    static const char property[] = "armature,log";
    uint32_t passes = 0;
    int size;
    const char *at = fdt_getprop(b->fdt, b->node, property, &size);
    if (!at)
        return 0;
    int err = strings_check(b, property, at, (size_t)size);
    if (err)
        return err;
    const char *end = at + size;
    if (!strcmp(at, "none") && at + sizeof("none") == end)
        at = end;
    for (; at < end; at += strlen(at) + 1) {
        uint32_t severity = severity_named(at);
        if (!severity)
            return error_at(
                -EINVAL,
                "%s: %s: \"%.24s\" is none of fatal, internal, error, warn, info, debug, verbose; or none alone",
                b->path, property, at);
        passes |= severity;
    }
    b->vdev->v_muted = ~passes;
    return 0;
}

int options_common(const struct vdev_builder *b)
{
    if (b->node < 0)
        return 0;
    int err = label_read(b);
    return err ? err : log_read(b);
}

int vdev_option_u32(const struct vdev_builder *b, const struct vdev_option *o, uint32_t *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (o->size != 4)
        return error_at(EINVAL, "%s: %s is %u bytes, not one number of 4", b->path, o->name, o->size);
    *out = fdt32_ld(o->data);
    return EOK;
}

int vdev_option_u64(const struct vdev_builder *b, const struct vdev_option *o, uint64_t *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (o->size != 4 && o->size != 8)
        return error_at(EINVAL, "%s: %s is %u bytes, not one number of 4 or 8", b->path, o->name, o->size);
    *out = o->size == 4 ? fdt32_ld(o->data) : fdt64_ld(o->data);
    return EOK;
}

int vdev_option_size(const struct vdev_builder *b, const struct vdev_option *o, uint64_t unit, uint64_t *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    uint64_t size;
    int err = vdev_option_u64(b, o, &size);
    if (err)
        return err;
    if (!size || size % unit)
        return error_at(EINVAL, "%s: %s: 0x%llx is no size: a multiple of 0x%llx and not 0 is", b->path, o->name,
                        (unsigned long long)size, (unsigned long long)unit);
    *out = size;
    return EOK;
}

int vdev_option_flag(const struct vdev_builder *b, const struct vdev_option *o, bool *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (o->size)
        return error_at(EINVAL, "%s: %s has a value of %u bytes, but stands for itself", b->path, o->name, o->size);
    *out = true;
    return EOK;
}

int vdev_option_string(const struct vdev_builder *b, const struct vdev_option *o, const char **out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    const char *s = o->data;
    if (!o->size || strnlen(s, o->size) != o->size - 1)
        return error_at(EINVAL, "%s: %s is not one string", b->path, o->name);
    *out = s;
    return EOK;
}

/* Printable, and a string to its end. */
static __startup bool reads_as_text(const struct vdev_option *o)
{
    const char *s = o->data;
    if (o->size < 2 || strnlen(s, o->size) != o->size - 1)
        return false;
    for (; *s; s++)
        if (*s < ' ' || *s > '~')
            return false;
    return true;
}

static __startup bool option_is_text(const struct vdev_builder *b, const struct vdev_option *o)
{
    const struct vdev_factory *f = b->vdev->v_factory;
    unsigned i = 0;
    while (f->option_list[i] && strcmp(f->option_list[i], o->name))
        i++;
    enum option_kind kind = option_kind(f, i);
    return kind == OPTION_STRINGS || (kind == OPTION_WHOLE && reads_as_text(o));
}

int vdev_option_text(const struct vdev_builder *b, const struct vdev_option *o, char *buf, size_t n, const char **out)
{
    uint64_t number;
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (!o->size || option_is_text(b, o)) {
        *out = o->size ? o->data : NULL;
        return EOK;
    }
    int err = vdev_option_u64(b, o, &number);
    if (err)
        return err;
    char own[1];
    struct text t = n ? text_in(buf, n) : text_in(own, sizeof(own));
    text_string(&t, "0x");
    text_hex(&t, number);
    if (t.cut)
        return error_at(ERANGE, "%s: %s does not fit into %u bytes of text", b->path, o->name, (unsigned)n);
    *out = buf;
    return EOK;
}
