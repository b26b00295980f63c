/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a VM: its RAM scrubbed, its images copied, everything clean to the point of coherency; then its first vCPU is on. */
#include "arch/arm64/cache.h"
#include "arch/arm64/mmu.h"
#include "hyp/base/log.h"
#include "hyp/console.h"
#include "hyp/core.h"
#include "hyp/guest_clock.h"
#include "hyp/thread.h"
#include "hyp/vdev_core.h"
#include "hyp/vm_life.h"
#include "hyp/vm_seed.h"

/* Fills [ipa, ipa+len), seen at `to`: what an image covers is copied, the rest zeroed. */
static void chunk_fill(const struct guest_system *vm, uint64_t ipa, uint8_t *to, uint64_t len)
{
    uint64_t end = ipa + len;
    for (unsigned i = 0; i < vm->image_count && ipa < end; i++) {
        const struct vm_image *m = &vm->images[i];
        uint64_t first = m->base.raw, last = first + m->size;
        if (last <= ipa || first >= end)
            continue;
        if (first > ipa) {
            bulk_zero(to, first - ipa);
            to += first - ipa;
            ipa = first;
        }
        uint64_t n = (last < end ? last : end) - ipa;
        bulk_copy(to, m->data + (ipa - first), n);
        to += n;
        ipa += n;
    }
    if (ipa < end)
        bulk_zero(to, end - ipa);
}

/* The guest may look at its memory with its MMU off, past the caches: nothing of a former owner and nothing of ours stays in them. */
static void chunk_load(const struct guest_system *vm, uint64_t ipa, pa_t pa, uint64_t len)
{
    uint8_t *to = vm_window_map(vm->id, pa, len);
    chunk_fill(vm, ipa, to, len);
    cache_clean_inval_poc(to, len);
    vm_window_unmap(vm->id);
}

static void range_load(const struct guest_system *vm, uint64_t ipa, struct range host)
{
    for (uint64_t done = 0, len; done < host.size; done += len) {
        pa_t pa = pa_add(host.base, done);
        len = HYP_WINDOW_SIZE - (pa.raw & (HYP_WINDOW_SIZE - 1));
        len = host.size - done < len ? host.size - done : len;
        chunk_load(vm, ipa + done, pa, len);
    }
}

void vm_load(struct guest_system *vm)
{
    vm_seeds_write(vm);
    for (unsigned i = 0; i < vm->config->ram_count; i++)
        range_load(vm, vm->config->ram[i].base.raw, vm->ram[i]);
    icache_inval_all();
    vdevs_told(vm, VDEV_CTRL_GUEST_STARTING);
    lock_acquire(&vm->lock);
    vm->held = false;
    vm->stops = 0;
    clock_start(vm);
    bool ended = vm->ended_early;
    vm->ended_early = false;
    vm_state_set(vm, ended ? VM_ENDED : VM_RUNNING);
    lock_release(&vm->lock);
    if (ended) {
        thread_signal(vm->keeper);
        return;
    }
    vm_cpu_on(vm->cpus[0], vm->entry, vm->fdt_ipa, false);
    results_line("R vm %s state=running", vm->name);
}
