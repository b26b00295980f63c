/* SPDX-License-Identifier: Apache-2.0 */
/* What a factory names is constant: all instances in all VMs share it. */
/* fails: discards qualifiers in nested pointer types */
#include "hyp/api/vdev.h"

extern const struct vdev_factory dev_factory;

#if defined(MUST_COMPILE)
static const char *const options[] = { "armature,period", NULL };
#else
static char period[] = "armature,period";
static char *options[] = { period, NULL };
#endif

const struct vdev_factory dev_factory = { .abi = QVM_VDEV_ABI, .name = "dev", .option_list = options };
