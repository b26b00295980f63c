/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The table of vdev types that the linker makes; its order has no meaning. */
#include "hyp/api/vdev.h"

extern const struct vdev_factory __vdev_factories_start[], __vdev_factories_end[];

/*
 * Looks at every factory of the table: an ABI word of another version, no name, no compatible or no startup() is an
 * error, traced: -EINVAL; factory_find() leaves such factories out. So are two for the same compatible and device: -EEXIST.
 */
int factory_check_all(void) __startup __must_check;
/*
 * The factory for a node: by the first of its `compatible` strings that one has, and by armature,device if the factory
 * names one. NULL if there is none; not traced.
 */
const struct vdev_factory *factory_find(const void *fdt, int node) __startup;
/* The factory that has this compatible and no device; NULL if it is not built in. */
const struct vdev_factory *factory_find_compatible(const char *compatible) __startup;
/* The built-in compatible nearest to the node's; NULL if none is near. */
const char *factory_nearest(const void *fdt, int node) __startup;
/* The Kconfig option of a vdev that exists but is not built in; NULL if no compatible of the node is known. */
const char *factory_missing_option(const void *fdt, int node) __startup;
const char *factory_missing_compatible(const char *compatible) __startup;
/* Is `property` one of the factory's options? */
bool factory_has_option(const struct vdev_factory *f, const char *property) __startup;
