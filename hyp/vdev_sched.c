/* SPDX-License-Identifier: Apache-2.0 */
/* How a vdev's threads run: armature,sched = <priority [budget-us period-us [background-priority]]>, armature,runmask = <cores>. */
#include "arch/arm64/timer.h"
#include "hyp/platform.h"
#include "hyp/vdev_parts.h"

#include <errno.h>
#include <libfdt.h>

#define PRIORITY_MAX 255
#define BUDGET_US_MIN 100
#define PERIOD_US_MAX 1000000

static __startup int sched_wrong(const struct vdev_builder *b, const char *why, unsigned number)
{
    return error_at(-EINVAL, "%s: armature,sched: %s: %u", b->path, why, number);
}

static __startup int sched_budget(const struct vdev_builder *b, const fdt32_t *cells, unsigned n, struct vdev_sched *s)
{
    uint32_t budget = fdt32_ld(&cells[1]), period = fdt32_ld(&cells[2]);
    if (budget < BUDGET_US_MIN || budget > period)
        return sched_wrong(b, "a budget has 100 us at least and its period at most", budget);
    if (period > PERIOD_US_MAX)
        return sched_wrong(b, "a period has a second at most", period);
    s->budget = timer_us(budget);
    s->period = timer_us(period);
    if (n < 4)
        return 0;
    uint32_t background = fdt32_ld(&cells[3]);
    if (background >= s->priority)
        return sched_wrong(b, "the background priority is not below the priority", background);
    s->background = (int)background;
    return 0;
}

static __startup int sched_read(const struct vdev_builder *b, struct vdev_sched *s)
{
    int size;
    const fdt32_t *cells = fdt_getprop(b->fdt, b->node, "armature,sched", &size);
    if (!cells)
        return 0;
    if (size != 4 && size != 12 && size != 16)
        return error_at(-EINVAL,
                        "%s: armature,sched has %d bytes: <priority>, <priority budget-us period-us> or that and a "
                        "background priority is expected",
                        b->path, size);
    uint32_t priority = fdt32_ld(cells);
    if (priority > PRIORITY_MAX)
        return sched_wrong(b, "priorities end at 255", priority);
    s->priority = (uint8_t)priority;
    return size == 4 ? 0 : sched_budget(b, cells, (unsigned)size / 4, s);
}

static __startup int runmask_read(const struct vdev_builder *b, struct vdev_sched *s)
{
    int size;
    const fdt32_t *cell = fdt_getprop(b->fdt, b->node, "armature,runmask", &size);
    if (!cell)
        return 0;
    if (size != 4)
        return error_at(-EINVAL, "%s: armature,runmask has %d bytes: one cell is expected", b->path, size);
    s->cores = fdt32_ld(cell);
    unsigned cores = platform()->core_count;
    if (!s->cores || s->cores >> cores)
        return error_at(-EINVAL, "%s: armature,runmask 0x%x: the machine has cores 0 to %u", b->path,
                        (unsigned)s->cores, cores - 1);
    return 0;
}

int options_sched(const struct vdev_builder *b)
{
    b->vdev->v_sched = b->gsp->sched;
    if (b->node < 0)
        return 0;
    int err = sched_read(b, &b->vdev->v_sched);
    return err ? err : runmask_read(b, &b->vdev->v_sched);
}
