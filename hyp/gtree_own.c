/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "hyp/dt.h"
#include "hyp/gtree.h"

/* /chosen, made if the tree has none. Negative: libfdt's error. */
static __startup int own_chosen(void *buf)
{
    int node = fdt_subnode_offset(buf, 0, "chosen");

    return node == -FDT_ERR_NOTFOUND ? fdt_add_subnode(buf, 0, "chosen") : node;
}

static __startup int own_patch(void *buf, const struct config_vm *c, ipa_t initrd, uint64_t initrd_size)
{
    int chosen, err = 0;

    if (!c->bootargs && !initrd_size)
        return 0;
    chosen = own_chosen(buf);
    if (chosen < 0)
        return chosen;
    if (c->bootargs)
        err = fdt_setprop_string(buf, chosen, "bootargs", c->bootargs);
    if (!err && initrd_size)
        err = fdt_setprop_u64(buf, chosen, "linux,initrd-start", initrd.raw);
    if (!err && initrd_size)
        err = fdt_setprop_u64(buf, chosen, "linux,initrd-end", initrd.raw + initrd_size);
    return err;
}

int gtree_own(const struct config_vm *c, const struct image *tree, void *buf, size_t size, ipa_t initrd,
              uint64_t initrd_size, size_t *used)
{
    int err = dt_check(tree->data, tree->size, tree->name);

    if (err)
        return err;
    err = fdt_open_into(tree->data, buf, size > INT32_MAX ? INT32_MAX : (int)size);
    if (!err)
        err = own_patch(buf, c, initrd, initrd_size);
    if (!err)
        err = fdt_pack(buf);
    if (err == -FDT_ERR_NOSPACE)
        return error_at(-ENOSPC, "%s: tree \"%s\" does not fit into %lu bytes", c->path, tree->name,
                        (unsigned long)size);
    if (err)
        return error_at(-EINVAL, "%s: tree \"%s\" cannot be changed: %s", c->path, tree->name, fdt_strerror(err));
    *used = fdt_totalsize(buf);
    return 0;
}
