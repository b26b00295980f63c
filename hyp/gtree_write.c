/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "hyp/gtree_parts.h"

void gtree_begin(struct gtree *g, const char *name)
{
    if (!g->err)
        g->err = fdt_begin_node(g->f.fdt, name);
    g->names_used = 0;
}

void gtree_end(struct gtree *g)
{
    if (!g->err)
        g->err = fdt_end_node(g->f.fdt);
}

bool gtree_has(const struct gtree *g, const char *name)
{
    for (size_t at = 0; at < g->names_used; at += strlen(&g->names[at]) + 1)
        if (strcmp(&g->names[at], name) == 0)
            return true;
    return false;
}

void gtree_refuse(struct gtree *g, const char *why)
{
    if (g->err)
        return;
    g->err = -FDT_ERR_NOSPACE;
    g->why = why;
}

/* Where its value goes; NULL: there is one of that name, or it cannot be. */
static __startup void *prop_place(struct gtree *g, const char *name, size_t size)
{
    size_t length = strlen(name) + 1;
    void *value = NULL;

    if (g->err || gtree_has(g, name))
        return NULL;
    if (length > sizeof(g->names) - g->names_used) {
        gtree_refuse(g, "the names of a node's properties are longer than 2048 bytes together");
        return NULL;
    }
    memcpy(&g->names[g->names_used], name, length);
    g->names_used += length;
    g->err = size > INT32_MAX ? -FDT_ERR_NOSPACE : fdt_property_placeholder(g->f.fdt, name, (int)size, &value);
    return g->err ? NULL : value;
}

void gtree_prop(struct gtree *g, const char *name, const void *data, size_t size)
{
    void *value = prop_place(g, name, size);

    if (value && size)
        memcpy(value, data, size);
}

void gtree_u32s(struct gtree *g, const char *name, const uint32_t *cells, unsigned n)
{
    fdt32_t *value = prop_place(g, name, n * sizeof(*value));

    for (unsigned i = 0; value && i < n; i++)
        fdt32_st(&value[i], cells[i]);
}

void gtree_u32(struct gtree *g, const char *name, uint32_t value)
{
    gtree_u32s(g, name, &value, 1);
}

void gtree_u64(struct gtree *g, const char *name, uint64_t value)
{
    gtree_u32s(g, name, (uint32_t[]){ (uint32_t)(value >> 32), (uint32_t)value }, 2);
}

void gtree_string(struct gtree *g, const char *name, const char *value)
{
    gtree_prop(g, name, value, strlen(value) + 1);
}

void gtree_path(struct gtree *g, const char *name, const char *path)
{
    size_t length = strlen(g->vm->config->path);

    if (strncmp(path, g->vm->config->path, length) == 0 && path[length] == '/')
        path += length;
    gtree_string(g, name, path);
}

void gtree_reg(struct gtree *g, uint64_t base, uint64_t size)
{
    gtree_u32s(g, "reg", (uint32_t[]){ (uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32), (uint32_t)size },
               4);
}

void gtree_copy_props(struct gtree *g, int node)
{
    for (int p = fdt_first_property_offset(g->vms, node); p >= 0; p = fdt_next_property_offset(g->vms, p)) {
        const char *name;
        int length;
        const void *value = fdt_getprop_by_offset(g->vms, p, &name, &length);
        if (value && strncmp(name, "armature,", 9) != 0)
            gtree_prop(g, name, value, (size_t)length);
    }
}

void gtree_copy_children(struct gtree *g, int node)
{
    int depth = 0, open = 0;

    for (int at = fdt_next_node(g->vms, node, &depth); at >= 0 && depth > 0; at = fdt_next_node(g->vms, at, &depth)) {
        for (; open >= depth; open--)
            gtree_end(g);
        gtree_begin(g, fdt_get_name(g->vms, at, NULL));
        gtree_copy_props(g, at);
        open = depth;
    }
    for (; open > 0; open--)
        gtree_end(g);
}

void gtree_copy(struct gtree *g, int node)
{
    gtree_begin(g, fdt_get_name(g->vms, node, NULL));
    gtree_copy_props(g, node);
    gtree_copy_children(g, node);
    gtree_end(g);
}

/* What a vdev sees: a positive errno, as its own callbacks answer. */
static __startup int gtree_answer(const struct gtree *g)
{
    return g->err ? ENOSPC : EOK;
}

int vdev_fdt_prop(struct vdev_fdt *f, const char *name, const void *data, uint32_t size)
{
    if (!phase_is(PHASE_STARTUP, f->gsp->name))
        return EPERM;
    struct gtree *g = container_of(f, struct gtree, f);

    gtree_prop(g, name, data, size);
    return gtree_answer(g);
}

int vdev_fdt_u32s(struct vdev_fdt *f, const char *name, const uint32_t *cells, unsigned n)
{
    if (!phase_is(PHASE_STARTUP, f->gsp->name))
        return EPERM;
    struct gtree *g = container_of(f, struct gtree, f);

    gtree_u32s(g, name, cells, n);
    return gtree_answer(g);
}

int vdev_fdt_string(struct vdev_fdt *f, const char *name, const char *value)
{
    if (!phase_is(PHASE_STARTUP, f->gsp->name))
        return EPERM;
    struct gtree *g = container_of(f, struct gtree, f);

    gtree_string(g, name, value);
    return gtree_answer(g);
}
