/* SPDX-License-Identifier: Apache-2.0 */
/* The clock that the description gives a vdev. */
#include "hyp/api/vdev.h"
#include "hyp/dt.h"

#include <errno.h>

/* With #clock-cells of 0, as fixed clocks have, each cell of `clocks` is a clock. */
int vdev_clock_rate(const struct vdev_builder *b, unsigned index, uint32_t *hz)
{
    int length = 0;
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    const fdt32_t *cells = b->node < 0 ? NULL : fdt_getprop(b->fdt, b->node, "clocks", &length);
    if (!cells || index >= (unsigned)length / sizeof(*cells))
        return ENOENT;
    int clock = fdt_node_offset_by_phandle(b->fdt, fdt32_ld(&cells[index]));
    if (clock < 0 || !dt_compatible(b->fdt, clock, "fixed-clock") || !dt_u32(b->fdt, clock, "clock-frequency", hz) ||
        !*hz)
        return error_at(EINVAL, "%s: clocks: number %u is no fixed-clock with a clock-frequency", b->path, index);
    return EOK;
}
