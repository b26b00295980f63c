/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What EL2 reads from outside, for libFuzzer (clang -fsanitize=fuzzer,address with the sources that test_fuzz.c names)
 * and for test_fuzz.c's own mutations. The first byte says what the rest is: a host tree, a bundle, a description in a
 * sound bundle, or a kernel to place.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include "hyp/gtree.h"
#include "hyp/image.h"
#include "tests/fuzz/fuzz_trees.h"
#include "tests/unit/bundle_support.h"
#include "tests/unit/tree_support.h"
#include "tests/unit/vm_support.h"

#define FUZZ_TREE_ROOM 16384

static struct platform host;
static struct config config;

/* Takes what was read as far as the hypervisor would: every image looked up, every tree built. */
static void fuzz_vm(const struct config_vm *c, unsigned id)
{
    struct image kernel;
    struct image_set set = { .dtb_size = 4096 };
    struct placement at;
    size_t used;

    if (c->kernel && bundle_image(&config.bundle, c->kernel, c->path, &kernel) == 0)
        set.kernel = &kernel;
    if (!c->refused && image_place(c, &set, &at) == 0 && at.dtb_at % 8)
        abort();
    if (!c->vdev_count || !c->vdevs[0].factory->pic)
        return;
    struct guest_system *vm = test_vm_make(c, id, 0xa000000, 48);
    void *tree = malloc(FUZZ_TREE_ROOM);
    if (gtree_build(vm, tree, FUZZ_TREE_ROOM, IPA(0x48000000), 4096, &used) == 0 && fdt_check_full(tree, used))
        abort();
    free(tree);
    test_vm_free(vm);
}

static void fuzz_bundle(const uint8_t *bytes, size_t size)
{
    struct bundle b;

    if (bundle_open(bytes, size, &b) || config_parse(&b, &config))
        return;
    for (unsigned i = 0; i < config.vm_count; i++)
        fuzz_vm(&config.vms[i], i);
}

static void fuzz_description(const uint8_t *bytes, size_t size)
{
    static const uint8_t kernel[64] = { [56] = 'A', 'R', 'M', 0x64 };
    const struct bundle_part parts[] = {
        { .name = "vms", .data = bytes, .size = (uint32_t)size },
        { .name = "debian", .data = kernel, .size = sizeof(kernel), .format = "image" }
    };
    size_t length;
    uint8_t *bundle = bundle_make(parts, 2, &length);

    fuzz_bundle(bundle, length);
    free(bundle);
}

static void fuzz_kernel(const uint8_t *bytes, size_t size)
{
    struct config_vm vm = { .path = "/vm", .ram_count = 1 };
    struct image kernel = { .name = "k", .data = bytes, .size = size };
    struct image_set set = { .kernel = &kernel, .dtb_size = 65536 };
    struct placement at;

    vm.ram[0] = (struct config_ram){ .base = IPA(0x40000000), .size = 0x10000000 };
    if (image_place(&vm, &set, &at) == 0 &&
        (at.kernel_load < 0x40000000 || at.kernel_load + at.kernel_size > 0x50000000))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    uint8_t *copy = bytes_copy(data + 1, size - 1);
    log_forget();
    switch (data[0] % 4) {
    case FUZZ_HOST_TREE:
        memset(&host, 0, sizeof(host));
        (void)!platform_parse(copy, size - 1, &host);
        break;
    case FUZZ_BUNDLE: fuzz_bundle(copy, size - 1); break;
    case FUZZ_DESCRIPTION: fuzz_description(copy, size - 1); break;
    case FUZZ_KERNEL: fuzz_kernel(copy, size - 1); break;
    }
    free(copy);
    return 0;
}
