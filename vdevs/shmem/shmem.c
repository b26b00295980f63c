/* SPDX-License-Identifier: Apache-2.0 */
/* The shared memory vdev: its factory page, options and life. Node: compatible "qvm,guest_shm", reg <factory page [window]>. */
#include "vdevs/shmem/shmem.h"

#include <errno.h>
#include <string.h>

#define MEMORY_DEFAULT MIB(1)
#define WINDOW_DEFAULT MIB(16)

static void field_put(uint8_t *page, enum factory_field at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        page[at + i] = (uint8_t)(value >> 8 * i);
}

static void factory_page(const struct shmem *s, uint8_t page[FACTORY_BYTES]) REQUIRES(shmem_set_lock)
{
    memset(page, 0, FACTORY_BYTES);
    field_put(page, FACTORY_SIGNATURE, GUEST_SHM_SIGNATURE, 8);
    field_put(page, FACTORY_SHMEM, s->shmem, 8);
    field_put(page, FACTORY_VECTOR, s->vdev->v_intr.param, 4);
    field_put(page, FACTORY_STATUS, s->status, 4);
    field_put(page, FACTORY_SIZE, s->size, 4);
    memcpy(page + FACTORY_NAME, s->name, SHMEM_NAME);
}

/* Any bytes of it, by any width; behind it zeros. */
static __running enum vdev_ref_status shmem_vread(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                                  const qvm_state_block *oopnd, guest_cpu *gcp)
{
    uint8_t page[FACTORY_BYTES], value[8] = { 0 };
    uint64_t at = vopnd->location - v->v_block.location;
    (void)cookie;
    lock_acquire(&shmem_set_lock);
    factory_page(shmem_of(v), page);
    lock_release(&shmem_set_lock);
    for (unsigned i = 0; i < vopnd->length && at + i < FACTORY_BYTES; i++)
        value[i] = page[at + i];
    return guest_cpu_write(gcp, GXF_NONE, oopnd, 1, value, vopnd->length) == EOK ? VRS_NORMAL : VRS_BUS_ERROR;
}

static void name_write(struct shmem *s, uint64_t at, const uint8_t *value, uint64_t length)
{
    lock_acquire(&shmem_set_lock);
    for (unsigned i = 0; i < length; i++)
        if (at + i - FACTORY_NAME < SHMEM_NAME)
            s->name[at + i - FACTORY_NAME] = (char)value[i];
    lock_release(&shmem_set_lock);
}

/* The pages are zeroed some at a time: meanwhile the guest executes its write again, and takes its interrupts. */
static __running enum vdev_ref_status size_write(struct shmem *s, uint32_t pages)
{
    if (gasp_lock(s->vdev->v_gsp, QST_MEMORY) != EOK)
        return VRS_TERMINATE;
    enum guest_shm_status status = shmem_open(s, pages);
    gasp_unlock(s->vdev->v_gsp, QST_MEMORY);
    return status == GSS_AGAIN ? VRS_NO_ADVANCE : VRS_NORMAL;
}

static void find_write(struct shmem *s, uint32_t n)
{
    lock_acquire(&shmem_set_lock);
    shmem_find(s, n);
    lock_release(&shmem_set_lock);
}

static bool touches(const qvm_state_block *vopnd, uint64_t at, enum factory_field field)
{
    return ranges_overlap(at, vopnd->length, field, 4);
}

/* SIZE and FIND act, and so are written whole; the rest but the name is not the guest's to write. */
static __running enum vdev_ref_status shmem_vwrite(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                                   const qvm_state_block *oopnd, guest_cpu *gcp)
{
    uint8_t value[8] = { 0 };
    uint32_t word;
    uint64_t at = vopnd->location - v->v_block.location;
    (void)cookie;
    if (guest_cpu_read(gcp, GXF_NONE, oopnd, 1, value, vopnd->length) != EOK)
        return VRS_BUS_ERROR;
    memcpy(&word, value, sizeof(word));
    if (touches(vopnd, at, FACTORY_SIZE) || touches(vopnd, at, FACTORY_FIND)) {
        if (vopnd->length != 4 || at % 4)
            return VRS_BUS_ERROR;
        if (at == FACTORY_SIZE)
            return size_write(shmem_of(v), word);
        find_write(shmem_of(v), word);
        return VRS_NORMAL;
    }
    name_write(shmem_of(v), at, value, vopnd->length);
    return VRS_NORMAL;
}

enum shmem_option { OPTION_MEMORY, OPTION_ATTACHMENTS, OPTION_CREATE, OPTION_ACCESS, OPTION_SUBST };
static const char *const shmem_options[] = { "armature,memory", "armature,attachments", "armature,create",
                                             "armature,access", "armature,subst",       NULL };

static int __startup memory_option(struct vdev_builder *b, const struct vdev_option *o)
{
    struct shmem *s = shmem_of(b->vdev);
    int err = vdev_option_u64(b, o, &s->memory_size);
    if (err || s->memory_size % SHMEM_PAGE == 0)
        return err;
    return error_at(EINVAL, "%s: %s: 0x%llx is no whole number of pages of 4 KiB", b->path, o->name,
                    (unsigned long long)s->memory_size);
}

static int __startup attachments_option(struct vdev_builder *b, const struct vdev_option *o)
{
    struct shmem *s = shmem_of(b->vdev);
    int err = vdev_option_u32(b, o, &s->attachment_count);
    if (err || (s->attachment_count && s->attachment_count <= SHMEM_ATTACHMENTS))
        return err;
    return error_at(EINVAL, "%s: %s is %u: 1 to %d is possible", b->path, o->name, s->attachment_count,
                    SHMEM_ATTACHMENTS);
}

static int __startup shmem_option(struct vdev_builder *b, enum shmem_option which, const struct vdev_option *o)
{
    switch (which) {
    case OPTION_MEMORY: return memory_option(b, o);
    case OPTION_ATTACHMENTS: return attachments_option(b, o);
    case OPTION_CREATE: return create_option(b, o);
    case OPTION_ACCESS: return access_option(b, o);
    case OPTION_SUBST: return subst_option(b, o);
    }
    return EOK;
}

static int __startup shmem_begin(struct vdev_builder *b)
{
    struct shmem *s = shmem_of(b->vdev);
    b->vdev->v_block.length = SHMEM_PAGE;
    s->vdev = b->vdev;
    s->memory_size = MEMORY_DEFAULT;
    s->attachment_count = SHMEM_ATTACHMENTS_DEFAULT;
    for (unsigned i = 0; i < SHMEM_ATTACHMENTS; i++)
        s->attachments[i].owner = s;
    return EOK;
}

static int __startup shmem_reserve(struct vdev_builder *b)
{
    struct shmem *s = shmem_of(b->vdev);
    return s->memory_size ? host_memory_reserve(b, s->memory_size, &s->memory) : EOK;
}

/* Where regions will show: the second range of `reg`, or a free place. */
static int __startup window_assign(struct vdev_builder *b)
{
    struct shmem *s = shmem_of(b->vdev);
    if (!vdev_reg(b, 1, &s->window, &s->window_size)) {
        s->window_size = WINDOW_DEFAULT;
        s->window = guest_space_find_free(b, s->window_size, BLOCK_SIZE);
    }
    if (s->window == QSL_NO_LOCATION)
        return error_at(ENOSPC, "%s: no free place for 0x%llx bytes of shared memory in the VM", b->path,
                        (unsigned long long)s->window_size);
    if (s->window_size < 2 * SHMEM_PAGE)
        return error_at(EINVAL, "%s: reg: the window for shared memory has 0x%llx bytes, the least is 0x%llx", b->path,
                        (unsigned long long)s->window_size, (unsigned long long)(2 * SHMEM_PAGE));
    qvm_state_block window = { .type = QST_MEMORY, .location = s->window, .length = s->window_size };
    int err = gasp_regs_prepare(b, &shmem_control_regs);
    return err ? err : gasp_window_prepare(b, &window, 2 * s->attachment_count);
}

/* If the description gives no `reg`. */
static int __startup shmem_gen_fdt(const struct vdev_builder *b, struct vdev_fdt *f)
{
    const struct shmem *s = shmem_of(b->vdev);
    const uint64_t places[] = { b->vdev->v_block.location, b->vdev->v_block.length, s->window, s->window_size };
    uint32_t cells[2 * ARRAY_LEN(places)];
    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        cells[2 * i] = (uint32_t)(places[i] >> 32);
        cells[2 * i + 1] = (uint32_t)places[i];
    }
    return vdev_fdt_u32s(f, "reg", cells, ARRAY_LEN(cells));
}

static int __startup shmem_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    phase_assume_startup();
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        return shmem_begin(b);
    if (ctrl == VDEV_CTRL_OPTIONS_END)
        return shmem_reserve(b);
    if (ctrl == VDEV_CTRL_ASSIGN)
        return window_assign(b);
    if (ctrl == VDEV_CTRL_GEN_FDT)
        return shmem_gen_fdt(b, (struct vdev_fdt *)arg);
    if (ctrl >= VDEV_CTRL_FIRST_OPTIDX)
        return shmem_option(b, (enum shmem_option)(ctrl - VDEV_CTRL_FIRST_OPTIDX), arg);
    return EOK;
}

/* The guest is gone: its peers are told, and nothing of it remains. */
static __running int shmem_end(vdev_t *v)
{
    struct shmem *s = shmem_of(v);
    if (gasp_lock(s->vdev->v_gsp, QST_MEMORY) != EOK)
        return EINVAL;
    shmem_detach_all(s);
    gasp_unlock(s->vdev->v_gsp, QST_MEMORY);
    lock_acquire(&shmem_set_lock);
    s->shmem = 0;
    s->status = s->size = 0;
    memset(s->name, 0, sizeof(s->name));
    lock_release(&shmem_set_lock);
    return EOK;
}

static __running int attachment_report(const vdev_t *v, const struct shmem_attachment *a)
{
    if (!a->region)
        return EOK;
    const struct shmem_region *r = a->region;
    return qvm_report(v, "%s: %u pages at 0x%llx, client %u of 0x%x%s", r->name, r->pages, (unsigned long long)a->at,
                      a->index, r->attached, a->shown ? "" : ", not attached yet");
}

static __running int shmem_report(vdev_t *v)
{
    const struct shmem *s = shmem_of(v);
    int err = EOK;
    lock_acquire(&shmem_set_lock);
    for (unsigned i = 0; i < s->attachment_count && !err; i++)
        err = attachment_report(v, &s->attachments[i]);
    lock_release(&shmem_set_lock);
    return err;
}

static __running int shmem_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (ctrl == VDEV_CTRL_TERMINATE || ctrl == VDEV_CTRL_RESET)
        return shmem_end(v);
    return ctrl == VDEV_CTRL_STATUS ? shmem_report(v) : EOK;
}

static const char *const shmem_compatible[] = { "qvm,guest_shm", NULL };

VDEV_FACTORY(shmem_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM,
    .name = "shmem",
    .compatible = shmem_compatible,
    .option_list = shmem_options,
    .option_strings = BIT(OPTION_CREATE) | BIT(OPTION_ACCESS) | BIT(OPTION_SUBST),
    .safety = VDEV_SAFETY_SELECTED,
    .extra_space = sizeof(struct shmem),
    .acc_sizes = BIT(1) | BIT(2) | BIT(4) | BIT(8),
    .startup = shmem_startup,
    .control = shmem_control,
    .vread = shmem_vread,
    .vwrite = shmem_vwrite,
};
