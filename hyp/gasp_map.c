/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory in EL2's view: maps in a VM's share of the view area, a page that stays unmapped behind each. */
#include "arch/arm64/cache.h"
#include "arch/arm64/mmu.h"
#include "hyp/api/gasp.h"
#include "hyp/ranges.h"
#include "hyp/vm.h"

#include <errno.h>

enum { HANDLE_POINTER, HANDLE_LENGTH, HANDLE_FLAGS };

/* The first of `count` free pages in a row; VIEW_PAGES: there are none. */
static unsigned pages_find(const struct aspace *as, unsigned count)
{
    unsigned first = 0;
    for (unsigned page = 0; page < VIEW_PAGES && page - first < count;) {
        unsigned mapped = as->views[page];
        page += mapped ? mapped + 1 : 1;
        first = mapped ? page : first;
        if (page - first == count)
            return first;
    }
    return VIEW_PAGES;
}

/* Takes `count` pages of the share; the one behind them stays free of others' maps. */
static unsigned pages_take(struct aspace *as, unsigned count)
{
    lock_acquire(&as->lock);
    unsigned first = pages_find(as, count + 1);
    if (first < VIEW_PAGES)
        as->views[first] = (uint16_t)count;
    lock_release(&as->lock);
    return first;
}

/* Once nothing is mapped there any more. */
static void pages_give(struct aspace *as, unsigned first)
{
    lock_acquire(&as->lock);
    as->views[first] = 0;
    lock_release(&as->lock);
}

static unsigned share_start(const guest_system *gsp)
{
    return gsp->id * VIEW_PAGES;
}

/* Maps the guest's pages from `ipa` on; EFAULT: not all of them are memory with those rights, and what was mapped is undone. */
static int pages_map(guest_system *gsp, unsigned first, uint64_t ipa, unsigned count, unsigned prot, uint32_t pass)
{
    for (unsigned done = 0; done < count;) {
        struct range host = aspace_ram_at(&gsp->as, IPA(ipa + done * PAGE_SIZE), (count - done) * PAGE_SIZE, pass);
        if (!host.size || view_map(share_start(gsp) + first + done, host.base, host.size, prot & GMF_WRITE)) {
            if (done)
                view_unmap(share_start(gsp) + first, done);
            return EFAULT;
        }
        done += (unsigned)(host.size / PAGE_SIZE);
    }
    return EOK;
}

static int view_make(guest_system *gsp, unsigned prot, uint64_t gpa, uint64_t len, uint32_t pass,
                     gasp_map_handle_t *out)
{
    *out = (gasp_map_handle_t){ { 0 } };
    if (!len || !(prot & (GMF_READ | GMF_WRITE)) || prot & ~(unsigned)(GMF_READ | GMF_WRITE))
        return EINVAL;
    if (!range_fits(gpa, len, gsp->as.ipa_bits))
        return EFAULT;
    uint64_t start = align_down(gpa, PAGE_SIZE), pages = (align_up(gpa + len, PAGE_SIZE) - start) / PAGE_SIZE;
    unsigned first = pages < VIEW_PAGES ? pages_take(&gsp->as, (unsigned)pages) : VIEW_PAGES;
    if (first == VIEW_PAGES)
        return ENOSPC;
    int err = pages_map(gsp, first, start, (unsigned)pages, prot, pass);
    if (err) {
        pages_give(&gsp->as, first);
        return err;
    }
    char *at = view_ptr(share_start(gsp) + first);
    out->opaque[HANDLE_POINTER] = va_of(at + (gpa - start)).raw;
    out->opaque[HANDLE_LENGTH] = len;
    out->opaque[HANDLE_FLAGS] = prot;
    return EOK;
}

static uint32_t guest_rights(unsigned prot)
{
    return (prot & GMF_READ ? GRF_PASS_RD : 0) | (prot & GMF_WRITE ? GRF_PASS_WR : 0);
}

int gasp_map(vdev_t *vdev, unsigned prot, uint64_t gpa, uint64_t len, gasp_map_handle_t *out)
{
    return view_make(vdev->v_gsp, prot, gpa, len, guest_rights(prot), out);
}

int gasp_map_firmware(guest_system *gsp, unsigned prot, uint64_t gpa, uint64_t len, gasp_map_handle_t *out)
{
    return view_make(gsp, prot, gpa, len, 0, out);
}

void *gasp_get_vaddr(const gasp_map_handle_t *handle)
{
    return va_ptr(VA(handle->opaque[HANDLE_POINTER]));
}

void *gasp_map_vdma(vdev_t *vdev, unsigned prot, uint64_t gpa, uint64_t len)
{
    gasp_map_handle_t h;
    return gasp_map(vdev, prot, gpa, len, &h) ? NULL : gasp_get_vaddr(&h);
}

void *gasp_map_sys(guest_system *gsp, unsigned prot, uint64_t gpa, uint64_t len)
{
    gasp_map_handle_t h;
    return gasp_map_firmware(gsp, prot, gpa, len, &h) ? NULL : gasp_get_vaddr(&h);
}

/* Which pages of the VM's share are meant; count 0: none can be. */
static unsigned pages_of(const guest_system *gsp, const void *ptr, uint64_t len, unsigned *count)
{
    uint64_t share = va_of(view_ptr(share_start(gsp))).raw, offset = va_of(ptr).raw - share;
    *count = 0;
    if (offset < VIEW_PAGES * PAGE_SIZE && len && len <= VIEW_PAGES * PAGE_SIZE - offset)
        *count = (unsigned)((align_up(offset + len, PAGE_SIZE) - align_down(offset, PAGE_SIZE)) / PAGE_SIZE);
    return (unsigned)(offset / PAGE_SIZE);
}

int gasp_unmap(guest_system *gsp, void *ptr, uint64_t len, bool flush)
{
    unsigned count, first = pages_of(gsp, ptr, len, &count);
    lock_acquire(&gsp->as.lock);
    bool is_map = count && gsp->as.views[first] == count;
    lock_release(&gsp->as.lock);
    if (!is_map)
        return error_at(EINVAL, "%s: gasp_unmap: 0x%llx bytes at 0x%llx are no map of this VM's", gsp->name,
                        (unsigned long long)len, (unsigned long long)va_of(ptr).raw);
    if (flush)
        cache_clean_inval_poc(ptr, len);
    view_unmap(share_start(gsp) + first, count);
    pages_give(&gsp->as, first);
    return EOK;
}

void gasp_unmap_handle(guest_system *gsp, gasp_map_handle_t *handle, bool flush)
{
    void *at = gasp_get_vaddr(handle);
    uint64_t len = handle->opaque[HANDLE_LENGTH];
    *handle = (gasp_map_handle_t){ { 0 } };
    if (at)
        (void)gasp_unmap(gsp, at, len, flush);
}

void *gasp_map_contig(vdev_t *vdev, unsigned prot, uint64_t gpa, uint64_t *len, uint64_t *paddr)
{
    struct range host = aspace_ram_at(&vdev->v_gsp->as, IPA(gpa), *len, guest_rights(prot));
    if (!host.size)
        return NULL;
    *len = host.size;
    *paddr = host.base.raw;
    return gasp_map_vdma(vdev, prot, gpa, host.size);
}
