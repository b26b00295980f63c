/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c tests/fuzz/fuzz_trees.c tests/unit/tree_support.c tests/unit/pins_fake.c boards/early.c tests/unit/bundle_support.c tests/unit/vm_support.c */
/* sources: hyp/platform.c hyp/boot_check.c boards/power/power.c boards/power/bcm2835_pm.c boards/uart/uart.c boards/uart/pl011.c boards/uart/aux_uart.c boards/uart/cdns_uart.c hyp/platform_memory.c hyp/platform_cores.c hyp/platform_gic.c hyp/platform_uart.c hyp/platform_pins.c hyp/platform_options.c */
/* sources: hyp/config.c hyp/config_read.c hyp/config_vm.c hyp/config_device.c hyp/config_check.c hyp/factory.c hyp/nearest.c */
/* sources: hyp/gtree.c hyp/gtree_write.c hyp/gtree_clock.c hyp/gtree_vdev.c hyp/image.c hyp/image_place.c */
/* sources: hyp/bundle.c hyp/bundle_image.c hyp/crc32.c hyp/sha256.c hyp/vm_seed.c hyp/dt.c hyp/dt_bus.c hyp/ranges.c */
/*
 * The fuzz target under our own mutations: FUZZ_ROUNDS=n in the environment for more than the few that a test run
 * takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libfdt.h>
#include "hyp/bundle.h"
#include "tests/fuzz/fuzz_trees.h"
#include "tests/unit/bundle_support.h"
#include "tests/unit/tree_support.h"

struct seed {
    uint8_t *bytes; /* the kind, then the input */
    size_t size;
};

static const char host_source[] =
    "/dts-v1/; /memreserve/ 0x40000000 0x1000; / { #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>; "
    "model = \"m\";"
    " soc { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>; ranges = <0 0 0x8000000 0x10000000>;"
    "  gic: i@0 { compatible = \"arm,gic-400\"; interrupt-controller; #interrupt-cells = <3>; interrupts = <1 9 4>;"
    "   reg = <0 0x1000 0x1000 0x2000 0x4000 0x2000 0x6000 0x2000>; };"
    "  u: s@1000000 { compatible = \"arm,pl011\"; reg = <0x1000000 0x1000>; interrupts = <0 1 4>; clocks = <&c>; };"
    "  s@1040000 { compatible = \"arm,pl011\"; reg = <0x1040000 0x1000>; interrupts = <0 8 4>; }; };"
    " c: clk { compatible = \"fixed-clock\"; clock-frequency = <24000000>; };"
    " memory@40000000 { device_type = \"memory\"; reg = <0 0x40000000 0 0x40000000>; };"
    " reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; r@48000000 { reg = <0 0x48000000 0 0x1000>; "
    "no-map; }; };"
    " timer { compatible = \"arm,armv8-timer\"; interrupts = <1 13 4 1 14 4 1 11 4 1 10 4>; };"
    " psci { compatible = \"arm,psci-1.0\"; method = \"smc\"; };"
    " cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = \"cpu\"; reg = <0>; enable-method = "
    "\"psci\"; };"
    "  cpu@1 { device_type = \"cpu\"; reg = <1>; enable-method = \"spin-table\"; cpu-release-addr = <0 0xe0>; }; };"
    " aliases { serial0 = &u; };"
    " chosen { stdout-path = \"serial0:9600\"; bootargs = \"log=info,debug console-marker=x on-end=stay\"; rng-seed = "
    "<1 2 3 4>;"
    "  linux,initrd-start = <0x44000000>; linux,initrd-end = <0x44100000>; }; };";

static const char vms_source[] =
    "/dts-v1/; / { compatible = \"armature,vms\";"
    " linux { compatible = \"armature,vm\"; cpus = <2>; affinity = <0 1>; priority = <10>; armature,on-reset = "
    "\"stop\";"
    "  memory@40000000 { device_type = \"memory\"; reg = <0 0x40000000 0 0x20000000>; };"
    "  chosen { bootargs = \"x\"; stdout-path = &u; armature,kernel = \"debian\"; armature,dtb-address = <0 "
    "0x48000000>; };"
    "  u: serial@9000000 { compatible = \"arm,pl011\", \"arm,primecell\"; reg = <0 0x9000000 0 0x1000>; interrupts = "
    "<0 1 4>;"
    "   armature,backend = \"console\"; };"
    "  armature,reserve { reg = <0 0xa000000 0 0x1000>; interrupts = <0 5 4>; };"
    "  disk { compatible = \"virtio,mmio\"; armature,device = \"blk\"; armature,backend = \"image:x\"; };"
    "  bus { compatible = \"simple-bus\"; clk { compatible = \"fixed-clock\"; a; }; }; aliases { s = &u; }; };"
    " rtos { compatible = \"armature,vm\"; memory@0 { reg = <0 0 0 0x1000>; }; chosen { armature,entry = <0>; }; }; };";

static struct seed seed_of(enum fuzz_kind kind, const void *data, size_t size)
{
    struct seed s = { malloc(size + 1), size + 1 };

    s.bytes[0] = (uint8_t)kind;
    memcpy(s.bytes + 1, data, size);
    return s;
}

static void seeds_make(struct seed seeds[4])
{
    static const uint8_t kernel[128] = { [16] = 0, 0, 1, [56] = 'A', 'R', 'M', 0x64 };
    size_t size, bundle_size;
    uint8_t *tree = tree_compile(host_source, &size);

    seeds[0] = seed_of(FUZZ_HOST_TREE, tree, size);
    free(tree);
    tree = tree_compile(vms_source, &size);
    seeds[1] = seed_of(FUZZ_DESCRIPTION, tree, size);
    const struct bundle_part parts[] = {
        { .name = "vms", .data = tree, .size = (uint32_t)size },
        { .name = "debian", .data = kernel, .size = sizeof(kernel), .format = "image", .algo = "sha256" }
    };
    uint8_t *bundle = bundle_make(parts, 2, &bundle_size);
    seeds[2] = seed_of(FUZZ_BUNDLE, bundle, bundle_size);
    seeds[3] = seed_of(FUZZ_KERNEL, kernel, sizeof(kernel));
    free(bundle);
    free(tree);
}

/* A bundle's checksums would stop nearly every change at the door: most get theirs right. */
static void input_seal(struct seed *s, uint32_t *state)
{
    uint8_t *bundle = bytes_copy(s->bytes + 1, s->size - 1);
    uint64_t tree;

    memcpy(&tree, bundle + 0x18, sizeof(tree));
    if (random_next(state) % 8 && tree <= s->size - 1 - BUNDLE_HEADER_SIZE)
        bundle_seal(bundle);
    memcpy(s->bytes + 1, bundle, s->size - 1);
    free(bundle);
}

static void fuzz_mutations(void **unused)
{
    const char *wanted = getenv("FUZZ_ROUNDS");
    unsigned long rounds = wanted ? strtoul(wanted, NULL, 0) : 12000;
    uint32_t state = 0x5eed;
    struct seed seeds[4];

    (void)unused;
    seeds_make(seeds);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(LLVMFuzzerTestOneInput(seeds[i].bytes, seeds[i].size), 0);
    for (unsigned long round = 0; round < rounds; round++) {
        const struct seed *from = &seeds[round % 4];
        struct seed input = { bytes_copy(from->bytes, from->size), from->size };
        /* The tree of a bundle is where its structure is; the rest is padding and data. */
        size_t reach = from->bytes[0] == FUZZ_BUNDLE ? BUNDLE_HEADER_SIZE + 1200 : from->size - 1;
        for (unsigned n = 1 + random_next(&state) % 3; n; n--)
            bytes_damage(input.bytes + 1, reach, &state);
        if (from->bytes[0] == FUZZ_BUNDLE)
            input_seal(&input, &state);
        if (random_next(&state) % 16 == 0)
            input.size = 1 + random_next(&state) % input.size;
        assert_int_equal(LLVMFuzzerTestOneInput(input.bytes, input.size), 0);
        free(input.bytes);
    }
    for (unsigned i = 0; i < 4; i++)
        free(seeds[i].bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(fuzz_mutations) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
