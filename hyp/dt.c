/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "hyp/base/log.h"
#include "hyp/dt.h"
#include "hyp/text.h"

const char *dt_path(const void *fdt, int node, struct dt_path *out)
{
    if (fdt_get_path(fdt, node, out->text, sizeof(out->text)) != 0) {
        const char *name = fdt_get_name(fdt, node, NULL);
        struct text t = text_in(out->text, sizeof(out->text));
        text_string(&t, ".../");
        text_string(&t, name ? name : "?");
    }
    for (char *c = out->text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return out->text;
}

/* The depth of nodes is bounded here once, so that no walk needs to. */
static __startup int dt_check_depth(const void *fdt, const char *what)
{
    int depth = 0;

    for (int node = 0; node >= 0; node = fdt_next_node(fdt, node, &depth))
        if (depth > DT_DEPTH)
            return error_at(-EINVAL, "%s: nodes are nested deeper than %d", what, DT_DEPTH);
    return 0;
}

int dt_check(const void *fdt, size_t size, const char *what)
{
    if (!is_aligned((uintptr_t)fdt, 8))
        return error_at(-EINVAL, "%s: not at a multiple of 8 bytes", what);
    if (size < sizeof(struct fdt_header) || fdt_magic(fdt) != FDT_MAGIC)
        return error_at(-EINVAL, "%s: not a device tree (no magic number 0xd00dfeed)", what);
    if (fdt_totalsize(fdt) > size)
        return error_at(-EINVAL, "%s: truncated: its header says %u bytes, there are %lu", what, fdt_totalsize(fdt),
                        (unsigned long)size);
    if (fdt_version(fdt) < 17)
        return error_at(-EINVAL, "%s: device tree version %u, 17 is needed", what, fdt_version(fdt));

    int err = fdt_check_full(fdt, size);
    if (err)
        return error_at(-EINVAL, "%s: corrupt device tree: %s", what, fdt_strerror(err));
    return dt_check_depth(fdt, what);
}

const char *dt_string(const void *fdt, int node, const char *name)
{
    return fdt_stringlist_get(fdt, node, name, 0, NULL);
}

uint64_t dt_number(const fdt32_t *cells, unsigned n)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < n; i++)
        value = value << 32 | fdt32_ld(&cells[i]);
    return value;
}

bool dt_u32(const void *fdt, int node, const char *name, uint32_t *out)
{
    int length;
    const fdt32_t *cells = fdt_getprop(fdt, node, name, &length);

    if (!cells || length != 4)
        return false;
    *out = (uint32_t)dt_number(cells, 1);
    return true;
}

bool dt_u64(const void *fdt, int node, const char *name, uint64_t *out)
{
    int length;
    const fdt32_t *cells = fdt_getprop(fdt, node, name, &length);

    if (!cells || (length != 4 && length != 8))
        return false;
    *out = dt_number(cells, (unsigned)length / 4);
    return true;
}

bool dt_has(const void *fdt, int node, const char *name)
{
    return fdt_getprop(fdt, node, name, NULL) != NULL;
}

bool dt_enabled(const void *fdt, int node)
{
    if (!dt_has(fdt, node, "status"))
        return true;
    const char *status = dt_string(fdt, node, "status");
    return status && (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0);
}

bool dt_compatible(const void *fdt, int node, const char *name)
{
    return fdt_node_check_compatible(fdt, node, name) == 0;
}

int dt_find(const void *fdt, int after, const char *name)
{
    int node = fdt_node_offset_by_compatible(fdt, after, name);

    while (node >= 0 && !dt_enabled(fdt, node))
        node = fdt_node_offset_by_compatible(fdt, node, name);
    return node;
}

int dt_lookup(const void *fdt, const char *path, size_t length)
{
    char alias[32];

    if (length && path[0] == '/')
        return fdt_path_offset_namelen(fdt, path, (int)length);

    int aliases = fdt_subnode_offset(fdt, 0, "aliases");
    if (aliases < 0 || length == 0 || length >= sizeof(alias))
        return -FDT_ERR_NOTFOUND;
    memcpy(alias, path, length);
    alias[length] = 0;
    const char *target = dt_string(fdt, aliases, alias);
    if (!target || target[0] != '/')
        return -FDT_ERR_NOTFOUND;
    return fdt_path_offset_namelen(fdt, target, (int)strlen(target));
}
