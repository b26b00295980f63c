/* SPDX-License-Identifier: Apache-2.0 */
/* The seeds in a guest's tree. What it gets of the host's seed tells nothing of that, of another guest's, nor of what it gets in another life. */
#include "hyp/vm_seed.h"
#include "hyp/bundle.h"
#include "hyp/dt.h"
#include "hyp/platform.h"

#include <string.h>

const struct vm_seed vm_seeds[VM_SEEDS] = { { "rng-seed", 32 }, { "kaslr-seed", 8 } };

/* What is hashed: all bytes of it, so there are no gaps. */
struct seed_message {
    uint8_t host[64];
    char vm[CONFIG_NAME];
    char property[12];
    uint8_t id[4], life[4];
};
_Static_assert(sizeof(struct seed_message) == 64 + CONFIG_NAME + 20, "no gaps");
_Static_assert(sizeof(((struct seed_message *)NULL)->host) == sizeof(((struct platform *)NULL)->rng_seed), "the whole");

static void seed_derive(const struct guest_system *vm, const struct vm_seed *seed, uint8_t digest[32])
{
    const uint32_t id = vm->id, life = vm->restarts;
    struct seed_message m = { 0 };
    memcpy(m.host, platform()->rng_seed, sizeof(m.host));
    memcpy(m.vm, vm->config->name, sizeof(m.vm));
    memcpy(m.property, seed->name, sizeof(m.property));
    memcpy(m.id, &id, sizeof(id));
    memcpy(m.life, &life, sizeof(life));
    sha256(&m, sizeof(m), digest);
    memset(&m, 0, sizeof(m));
    /* The compiler must not take this as a store that nobody reads. */
    __asm__ volatile("" : : "r"(&m) : "memory");
}

void vm_seeds_find(struct guest_system *vm, void *tree)
{
    int chosen = vm->seeds_made ? fdt_path_offset(tree, "/chosen") : -1;
    for (unsigned i = 0; i < VM_SEEDS; i++)
        vm->seeds[i] = vm->seeds_made & BIT(i) ? fdt_getprop_w(tree, chosen, vm_seeds[i].name, NULL) : NULL;
}

void vm_seeds_write(struct guest_system *vm)
{
    uint8_t digest[32];
    for (unsigned i = 0; i < VM_SEEDS; i++) {
        if (!vm->seeds[i])
            continue;
        seed_derive(vm, &vm_seeds[i], digest);
        memcpy(vm->seeds[i], digest, vm_seeds[i].size);
    }
}
