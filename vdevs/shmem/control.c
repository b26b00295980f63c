/* SPDX-License-Identifier: Apache-2.0 */
/* The control page before a region's data. */
#include "vdevs/shmem/shmem.h"

/* The attachment that is meant, if it still is one: a detach may have been made meanwhile. */
static struct shmem_attachment *attachment_of(const struct reg_access *a) REQUIRES(shmem_set_lock)
{
    struct shmem_attachment *at = &shmem_of(a->vdev)->attachments[a->cookie];
    return at->region && at->shown ? at : NULL;
}

/* Who notified, in the low half, is told once; who is attached, in the high half. */
static __running uint64_t status_read(const struct reg_access *a)
{
    uint64_t value = 0;
    lock_acquire(&shmem_set_lock);
    struct shmem_attachment *at = attachment_of(a);
    if (at) {
        value = at->region->attached << 16 | at->from;
        at->from = 0;
        at->changed = false;
        shmem_line_update(at->owner);
    }
    lock_release(&shmem_set_lock);
    return value;
}

static uint64_t idx_read(const struct reg_access *a)
{
    lock_acquire(&shmem_set_lock);
    const struct shmem_attachment *at = attachment_of(a);
    uint64_t value = at ? at->index : 0;
    lock_release(&shmem_set_lock);
    return value;
}

static __running void notify_write(const struct reg_access *a, uint64_t value)
{
    lock_acquire(&shmem_set_lock);
    struct shmem_attachment *at = attachment_of(a);
    if (at)
        region_notify(at, (uint32_t)value);
    lock_release(&shmem_set_lock);
}

static __running void detach_write(const struct reg_access *a, uint64_t value)
{
    struct shmem *s = shmem_of(a->vdev);
    (void)value;
    if (gasp_lock(s->vdev->v_gsp, QST_MEMORY) != EOK)
        return;
    lock_acquire(&shmem_set_lock);
    struct shmem_attachment *at = attachment_of(a);
    lock_release(&shmem_set_lock);
    if (at)
        shmem_detach(s, at);
    gasp_unlock(s->vdev->v_gsp, QST_MEMORY);
}

#define REGISTER(at) .offset = at, .span = 4, .stride = 4, .sizes = REG_SIZE_4
static const struct reg control_rows[] = {
    { REGISTER(CONTROL_STATUS), .quick = true, .read = status_read },
    { REGISTER(CONTROL_IDX), .quick = true, .read = idx_read },
    { REGISTER(CONTROL_NOTIFY), .quick = true, .write = notify_write },
    { REGISTER(CONTROL_DETACH), .write = detach_write },
};
const struct reg_table shmem_control_regs = { control_rows, ARRAY_LEN(control_rows), REG_BUS_ERROR };
