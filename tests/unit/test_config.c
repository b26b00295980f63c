/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/config.c hyp/config_read.c hyp/config_vm.c hyp/config_device.c hyp/config_check.c hyp/factory.c hyp/nearest.c */
/* sources: hyp/bundle.c hyp/bundle_image.c hyp/crc32.c hyp/sha256.c hyp/dt.c hyp/dt_bus.c hyp/ranges.c hyp/gtree_write.c hyp/gtree_clock.c */
/* sources: tests/unit/tree_support.c tests/unit/bundle_support.c tests/unit/vm_support.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hyp/config.h"
#include "hyp/nearest.h"
#include "tests/unit/bundle_support.h"
#include "tests/unit/tree_support.h"
#include "tests/unit/vm_support.h"

#define ROOT(body) "/dts-v1/; / { compatible = \"armature,vms\"; " body " };"
#define VM(body) "linux { compatible = \"armature,vm\"; #address-cells = <2>; #size-cells = <2>; " body " };"
#define RAM "memory@40000000 { device_type = \"memory\"; reg = <0 0x40000000 0 0x20000000>; };"
#define CHOSEN "chosen { armature,kernel = \"debian\"; };"
#define SERIAL(reg, more) "serial@9000000 { compatible = \"arm,pl011\", \"arm,primecell\"; reg = <" reg ">; " more " };"
#define UART SERIAL("0 0x9000000 0 0x1000", "interrupts = <0 1 4>; armature,backend = \"console\";")
#define ONE(body) ROOT(VM(body))

static struct config config;
static uint8_t *bytes;

static int parse_tree(const void *tree, size_t size)
{
    const struct bundle_part parts[] = { { .name = "vms", .data = tree, .size = (uint32_t)size } };
    struct bundle b;
    size_t length;

    log_forget();
    free(bytes);
    bytes = bundle_make(parts, 1, &length);
    assert_int_equal(bundle_open(bytes, length, &b), 0);
    return config_parse(&b, &config);
}

static int parse(const char *source)
{
    size_t size;
    void *tree = tree_compile(source, &size);
    int err = parse_tree(tree, size);

    free(tree);
    return err;
}

/* The description's one VM is refused with this line in the log. */
static void refused(const char *source, const char *line)
{
    assert_int_equal(parse(source), 0);
    assert_int_equal(config.vm_count, 1);
    if (!config.vms[0].refused || !log_has(line))
        fail_msg("expected \"%s\" in:\n%s", line, log_all());
}

static void config_good(void **state)
{
    const struct config_vm *vm = config.vms;

    (void)state;
    assert_int_equal(
        parse(
            ROOT("linux { compatible = \"armature,vm\"; cpus = <2>; affinity = <1 3>; priority = <10>;"
                 " armature,unsupported-reference = \"ignore\"; armature,on-reset = \"stop\"; armature,on-crash = "
                 "\"restart\"; armature,safety = \"required\";"
                 " armature,identity; armature,dry-run; " RAM UART
                 "memory@0 { device_type = \"memory\"; reg = <0 0 0 0x100000>; armature,read-only; armature,image = "
                 "\"rom\"; };"
                 "chosen { bootargs = \"console=ttyAMA0\"; armature,kernel = \"debian\"; armature,ramdisk = \"initrd\";"
                 " armature,kernel-load = <0x40200000>; armature,entry = <0 0x40200040>; armature,dtb-address = <0 "
                 "0x40000000>;"
                 " linux,extra = <1>; };"
                 "armature,reserve { reg = <0 0xa000000 0 0x1000>; interrupts = <0 5 4>, <1 7 4>; };"
                 "disk { compatible = \"virtio,mmio\"; armature,device = \"blk\"; armature,log = \"none\"; "
                 "armature,backend = \"image:x\"; };"
                 "apb-pclk { compatible = \"fixed-clock\"; #clock-cells = <0>; clock-frequency = <1>; };"
                 "off@1 { compatible = \"unknown,thing\"; status = \"disabled\"; };"
                 "};"
                 "rtos { compatible = \"armature,vm\"; " RAM CHOSEN UART "};"
                 "__symbols__ { a = \"/linux\"; };")),
        0);
    assert_string_equal(log_all(), "/linux/off@1: switched off by its status\n");
    assert_int_equal(config.vm_count, 2);
    assert_null(vm->refused);
    assert_string_equal(vm->name, "linux");
    assert_string_equal(vm->path, "/linux");
    assert_int_equal(vm->cpus, 2);
    assert_int_equal(vm->runmask[0], BIT(1));
    assert_int_equal(vm->runmask[1], BIT(3));
    assert_int_equal(vm->runmask[2], 0);
    assert_int_equal(vm->priority, 10);
    assert_int_equal(vm->on_reference, UNSUPPORTED_IGNORE);
    assert_int_equal(vm->on_register, UNSUPPORTED_FAIL);
    assert_int_equal(vm->on_reset, END_STOP);
    assert_int_equal(vm->on_crash, END_RESTART);
    assert_int_equal(vm->safety, SAFETY_REQUIRED);
    assert_int_equal(config.vms[1].safety, SAFETY_NONE);
    assert_true(vm->identity && vm->dry_run);
    assert_int_equal(vm->ram_count, 2);
    assert_true(vm->ram[1].read_only);
    assert_string_equal(vm->ram[1].image, "rom");
    assert_string_equal(vm->bootargs, "console=ttyAMA0");
    assert_true(vm->has_kernel_load && vm->has_entry && vm->has_dtb_address);
    assert_int_equal(vm->kernel_load, 0x40200000);
    assert_int_equal(vm->reserve_count, 1);
    assert_int_equal(vm->reserve_intid[0], 37);
    assert_int_equal(vm->reserve_intid[1], 23);
    /* The interrupt controller goes first, the timer is added too. */
    assert_int_equal(vm->vdev_count, 4);
    assert_string_equal(vm->vdevs[0].path, "/linux/intc@8000000");
    assert_int_equal(vm->vdevs[0].node, -1);
    assert_string_equal(vm->vdevs[1].path, "/linux/serial@9000000");
    assert_string_equal(vm->vdevs[2].factory->name, "disk");
    assert_string_equal(vm->vdevs[3].path, "/linux/timer");
    vm = &config.vms[1];
    assert_string_equal(vm->name, "rtos");
    assert_int_equal(vm->cpus, 1);
    assert_int_equal(vm->priority, 16);
    assert_int_equal(vm->on_reset, END_RESTART);
    assert_int_equal(vm->on_crash, END_STOP);
}

static void config_given_controller(void **state)
{
    (void)state;
    assert_int_equal(
        parse(
            ONE(RAM CHOSEN UART
                "timer { compatible = \"arm,armv8-timer\", \"x\"; };"
                "gic@8000000 { compatible = \"arm,gic-v3\"; reg = <0 0x8000000 0 0x10000 0 0x80a0000 0 0x20000>; };")),
        0);
    assert_null(config.vms[0].refused);
    assert_int_equal(config.vms[0].vdev_count, 3);
    assert_string_equal(config.vms[0].vdevs[0].path, "/linux/gic@8000000");
    assert_string_equal(config.vms[0].vdevs[1].path, "/linux/serial@9000000");
}

/* A vdev's node may be something else to the guest besides; what is no vdev's goes into the guest's tree as it is. */
static void config_vdev_and_more(void **state)
{
    (void)state;
    assert_int_equal(parse(ONE(RAM CHOSEN UART "both@a000000 { compatible = \"arm,pl011\", \"gpio-keys\"; };"
                                               "keys { compatible = \"gpio-keys\"; };")),
                     0);
    assert_null(config.vms[0].refused);
    assert_int_equal(config.vms[0].vdev_count, 4);
    assert_string_equal(config.vms[0].vdevs[2].path, "/linux/both@a000000");
}

static void config_whole_faults(void **state)
{
    static uint64_t junk[32];

    (void)state;
    assert_int_equal(parse_tree(junk, sizeof(junk)), -EINVAL);
    assert_true(log_has("VM description: not a device tree"));
    assert_int_equal(parse("/dts-v1/; / { compatible = \"linux,dummy-virt\"; };"), -EINVAL);
    assert_true(log_has("compatible is not \"armature,vms\""));
    assert_int_equal(parse(ROOT("a { compatible = \"armature,mv\"; };")), -EINVAL);
    assert_true(log_has("/a: compatible is not \"armature,vm\"") && log_has("no VM in it"));
    assert_int_equal(
        parse(ROOT("a { compatible = \"armature,vm\"; " RAM CHOSEN " }; b { compatible = \"armature,vm\"; " RAM " };")),
        0);
    assert_null(config.vms[0].refused);
    assert_non_null(config.vms[1].refused);
    assert_true(log_has("/b: nothing to start"));
    assert_true(log_has("/a: no vdev has armature,backend = \"console\""));
}

static void config_vm_faults(void **state)
{
    (void)state;
    refused(ONE("cpus = <17>;" RAM CHOSEN), "/linux: cpus is 17: CONFIG_MAX_VCPUS=16");
    refused(ONE("cpus = <17>; affinity = <0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3 0>;" RAM CHOSEN), "/linux: cpus is 17");
    refused(ONE("cpus = <0>;" RAM CHOSEN), "/linux: cpus is 0: 1 to");
    refused(ONE("cpus = \"twelve\";" RAM CHOSEN), "/linux: cpus: one number");
    refused(ONE("priority = <256>;" RAM CHOSEN), "/linux: priority is 256: 0 to 255 is possible");
    refused(ONE("cpus = <2>; affinity = <0>;" RAM CHOSEN), "affinity: 4 bytes for 2 vCPUs");
    refused(ONE("affinity = <5>;" RAM CHOSEN), "affinity: core 5 is not driven: CONFIG_MAX_CORES=");
    refused(ONE("affinity = <6>;" RAM CHOSEN), "affinity: core 6: the machine has 0 to 3");
    refused(ONE("cpus = <2>; runmask = <1 2 3>;" RAM CHOSEN), "runmask: 12 bytes for 2 vCPUs");
    refused(ONE("runmask = <0>;" RAM CHOSEN), "runmask: 0 for vCPU 0: it could run nowhere");
    refused(ONE("runmask = <0x12>;" RAM CHOSEN), "runmask: core 4 is not driven: CONFIG_MAX_CORES=");
    refused(ONE("runmask = <0x40>;" RAM CHOSEN), "runmask: core 6: the machine has 0 to 3");
    refused(ONE("runmask = <3>; affinity = <0>;" RAM CHOSEN), "runmask and affinity exclude each other");
    refused(ONE("budget-us = <1000>;" RAM CHOSEN), "budget-us and period-us need each other");
    refused(ONE("budget-us = <99>; period-us = <1000>;" RAM CHOSEN), "budget-us is 99");
    refused(ONE("budget-us = <2000>; period-us = <1000>;" RAM CHOSEN), "budget-us 2000 is more than period-us 1000");
    refused(ONE("budget-us = <200>; period-us = <1000>; background-priority = <16>;" RAM CHOSEN),
            "background-priority 16 is not below priority 16");
    refused(ONE("background-priority = <3>;" RAM CHOSEN), "background-priority is for vCPUs with budget-us");
    refused(ONE("prority = <1>;" RAM CHOSEN), "/linux: unknown property \"prority\": nearest is priority");
    refused(ONE("armature,on-rest = \"stop\";" RAM CHOSEN), "nearest is armature,on-reset");
    refused(ONE("armature,on-reset = \"stopp\";" RAM CHOSEN),
            "armature,on-reset: unknown word \"stopp\": nearest is \"stop\"");
    refused(ONE("armature,identity = <1>;" RAM CHOSEN), "armature,identity is a flag");
    refused(ROOT("linux { compatible = \"armature,vm\"; #size-cells = <1>; " RAM CHOSEN " };"),
            "#size-cells is 1: 2 to 2");
    refused(ROOT("a-name-that-is-longer-than-thirty-one { compatible = \"armature,vm\"; " RAM CHOSEN " };"),
            "the name has more than 31 characters");
    refused(ONE(RAM CHOSEN "cpus { };"), "/linux/cpus: a node of this name is made for every VM");
}

static void config_memory_faults(void **state)
{
    (void)state;
    refused(ONE(CHOSEN), "/linux: no RAM");
    refused(ONE(CHOSEN "memory@0 { device_type = \"memory\"; reg = <0 0 0 0x1000>; armature,read-only; };"),
            "/linux: no RAM");
    refused(ONE(RAM CHOSEN "memory@50000000 { reg = <0 0x50000000 0 0x1000>; };"),
            "/linux/memory@50000000: reg: 0x1000 bytes at 0x50000000 overlap the VM's memory at 0x40000000");
    refused(ONE(RAM CHOSEN "memory@80000000 { reg = <0 0x80000800 0 0x1000>; };"), "no whole pages of 4 KiB");
    refused(ONE(RAM CHOSEN "memory@80000000 { reg = <0 0x80000000 0x1000>; };"), "reg is no list of address and size");
    refused(ONE(RAM CHOSEN "memory@80000000 { reg = <0xffffffff 0xfffff000 0 0x2000>; };"),
            "are no range within 48 address bits");
    refused(ONE(RAM CHOSEN "memory@80000000 { reg = <0 0x80000000 0 0>; };"), "are no range within 48 address bits");
    refused(ONE(RAM CHOSEN "memory@80000000 { };"), "/linux/memory@80000000: reg is missing");
    refused(ONE(RAM CHOSEN "memory@80000000 { reg = <0 0x80000000 0 0x1000>; armature,imge = \"x\"; };"),
            "unknown property \"armature,imge\": nearest is armature,image");
    refused(ONE(CHOSEN "memory@0 { reg = <0 0 0 0x1000 0 0x1000 0 0x1000 0 0x2000 0 0x1000 0 0x3000 0 0x1000 0 0x4000 "
                       "0 0x1000 0 0x5000 0 0x1000"
                       " 0 0x6000 0 0x1000 0 0x7000 0 0x1000 0 0x8000 0 0x1000>; };"),
            "more than 8 ranges of memory");
}

static void config_chosen_faults(void **state)
{
    static char source[4096];

    (void)state;
    refused(ONE(RAM "chosen { armature,ramdisk = \"x\"; };"), "nothing to start");
    refused(ONE(RAM "chosen { armature,kernel = \"x\", \"y\"; };"),
            "/linux/chosen: armature,kernel: one string is expected");
    refused(ONE(RAM "chosen { armature,kernel = \"x\"; armature,krnel-load = <1>; };"),
            "nearest is armature,kernel-load");
    refused(ONE(RAM "chosen { armature,kernel = \"x\"; armature,entry = <2>; };"),
            "armature,entry 0x2 is not a multiple of 4");
    refused(ONE(RAM "chosen { armature,kernel = \"x\"; armature,dtb-address = <0x40000004>; };"),
            "is not a multiple of 8");
    refused(ONE(RAM "chosen { armature,kernel = \"x\"; armature,no-dtb; armature,dtb = \"y\"; };"),
            "armature,no-dtb excludes armature,dtb");
    refused(ONE(RAM "chosen { armature,kernel = \"x\"; armature,entry = <0x10000 0>; };"), "beyond 48 address bits");
    refused(ONE(RAM "chosen { armature,kernel = <0x41414141>; };"), "armature,kernel: one string is expected");
    refused(ONE(RAM CHOSEN "armature,reserve { reg = <1>; };"), "/linux/armature,reserve: reg is no list");
    refused(ONE(RAM CHOSEN "armature,reserve { regs = <1>; };"), "unknown property \"regs\": nearest is reg");
    int n =
        snprintf(source, sizeof(source), "%s",
                 ROOT("linux { compatible = \"armature,vm\"; " RAM "chosen { armature,kernel = \"x\"; bootargs = \"@"));
    char *at = strrchr(source, '@');
    n = (int)(at - source);
    memset(at, 'x', 2048);
    snprintf(source + n + 2048, sizeof(source) - (size_t)n - 2048, "\"; }; }; };");
    refused(source, "/linux/chosen: bootargs has 2048 characters: 2047 is possible");
}

static void config_vdev_faults(void **state)
{
    (void)state;
    refused(ONE(RAM CHOSEN "serial@1 { compatible = \"arm,pl101\"; };"),
            "/linux/serial@1: no vdev for \"arm,pl101\": nearest is \"arm,pl011\"");
    refused(ONE(RAM CHOSEN "usb@1 { compatible = \"maker,very-own-thing\"; };"),
            "/linux/usb@1: no vdev for \"maker,very-own-thing\"");
    refused(ONE(RAM CHOSEN "disk { compatible = \"virtio,mmio\"; armature,device = \"net\"; };"),
            "/linux/disk: no vdev for \"virtio,mmio\"");
    refused(ONE(RAM CHOSEN SERIAL("0 0x9000000 0 0x1000", "armature,backnd = \"console\";")),
            "/linux/serial@9000000: unknown property \"armature,backnd\": nearest is armature,backend");
    refused(ONE(RAM CHOSEN SERIAL("0 0x40001000 0 0x1000", "")),
            "/linux/serial@9000000: reg: 0x1000 bytes at 0x40001000 lie over the VM's memory at 0x40000000");
    refused(
        ONE(RAM CHOSEN UART "second@9000800 { compatible = \"arm,pl011\"; reg = <0 0x9000800 0 0x1000>; };"),
        "/linux/second@9000800: reg: 0x1000 bytes at 0x9000800 overlap 0x1000 of /linux/serial@9000000 at 0x9000000");
    refused(ONE(RAM CHOSEN SERIAL("0 0x9000000 0x1000", "")), "/linux/serial@9000000: reg is no list");
    refused(ONE(RAM CHOSEN SERIAL("0 0x9000000 0 0x1000", "interrupts = <1 27 4>;")),
            "<1 27> is an INTID: the PPI's number is 11");
    refused(ONE(RAM CHOSEN SERIAL("0 0x9000000 0 0x1000", "interrupts = <0 260 4>;")),
            "SPI 260: CONFIG_MAX_SPIS=256; if 260 is an INTID, the SPI's number is 228");
    refused(ONE(RAM CHOSEN SERIAL("0 0x9000000 0 0x1000", "interrupts = <0 900 4>;")), "SPI 900: CONFIG_MAX_SPIS=256");
    refused(ONE(RAM CHOSEN SERIAL("0 0x9000000 0 0x1000", "interrupts = <7 1 4>;")), "<7 1> is neither an SPI");
    refused(ONE(RAM CHOSEN SERIAL("0 0x9000000 0 0x1000", "interrupts = <0 1>;")),
            "interrupts is no list of three cells");
    refused(ONE(RAM CHOSEN "wrong { armature,thing; };"), "/linux/wrong: unknown property \"armature,thing\"");
    refused(ONE(RAM CHOSEN UART "serial@9000000 { compatible = \"arm,pl011\"; };"),
            "/linux/serial@9000000: a second node with this name");
    refused(ONE(RAM CHOSEN "bus { compatible = \"simple-bus\"; d@0 { compatible = \"arm,pl011\"; }; };"),
            "/linux/bus/d@0: a device must be a direct child of the VM's node");
    refused(ONE(RAM CHOSEN "g1 { compatible = \"arm,gic-v3\"; }; g2 { compatible = \"arm,gic-v3\"; };"),
            "2 interrupt controllers");
}

static void config_too_much(void **state)
{
    static char source[40000];
    int n = snprintf(source, sizeof(source), "/dts-v1/; / { compatible = \"armature,vms\";");

    (void)state;
    for (unsigned i = 0; i < CONFIG_MAX_VMS + 2u; i++)
        n += snprintf(source + n, sizeof(source) - (size_t)n, " vm%u { compatible = \"armature,vm\"; " RAM CHOSEN " };",
                      i);
    snprintf(source + n, sizeof(source) - (size_t)n, " };");
    assert_int_equal(parse(source), 0);
    assert_int_equal(config.vm_count, CONFIG_MAX_VMS);
    assert_true(log_has("/vm8: not started: 10 VMs are described, CONFIG_MAX_VMS=8"));

    n = snprintf(source, sizeof(source),
                 "/dts-v1/; / { compatible = \"armature,vms\"; vm { compatible = \"armature,vm\"; " RAM CHOSEN);
    for (unsigned i = 0; i < CONFIG_MAX_VDEVS + 3u; i++)
        n += snprintf(source + n, sizeof(source) - (size_t)n, " u%u { compatible = \"arm,pl011\"; armature,typo%u; };",
                      i, i);
    snprintf(source + n, sizeof(source) - (size_t)n, " }; };");
    refused(source, "more faults");
    assert_int_equal(config.vms[0].vdev_count, CONFIG_MAX_VDEVS);

    n = snprintf(source, sizeof(source),
                 "/dts-v1/; / { compatible = \"armature,vms\"; vm { compatible = \"armature,vm\"; " RAM CHOSEN);
    for (unsigned i = 0; i < CONFIG_MAX_VDEVS + 3u; i++)
        n += snprintf(source + n, sizeof(source) - (size_t)n, " u%u { compatible = \"arm,pl011\"; };", i);
    snprintf(source + n, sizeof(source) - (size_t)n, " }; };");
    refused(source, "/vm: 37 vdevs, interrupt controller and timer included: CONFIG_MAX_VDEVS=32");
}

static void nearest_names(void **state)
{
    struct nearest n = nearest_to("affinty");

    (void)state;
    assert_int_equal(nearest_distance("kitten", "sitting"), 3);
    assert_int_equal(nearest_distance("", "abc"), 3);
    assert_int_equal(nearest_distance("same", "same"), 0);
    nearest_offer(&n, "priority");
    assert_null(n.best);
    nearest_offer(&n, "affinity");
    assert_string_equal(n.best, "affinity");
    /* Longer than the table: cut, not run over. */
    (void)nearest_distance("0123456789012345678901234567890123456789012345678901234567890123456789",
                           "x123456789012345678901234567890123456789012345678901234567890123456789");
}

static void config_hostile(void **state)
{
    uint32_t seed = 815;
    size_t size;
    uint8_t *tree = tree_compile(
        ONE("cpus = <2>; affinity = <0 1>; priority = <10>; armature,on-reset = \"stop\"; " RAM UART
            "memory@0 { device_type = \"memory\"; reg = <0 0 0 0x100000>; armature,read-only; armature,image = "
            "\"rom\"; };"
            "chosen { bootargs = \"console=ttyAMA0\"; armature,kernel = \"debian\"; armature,entry = <0 0x40200040>; };"
            "armature,reserve { reg = <0 0xa000000 0 0x1000>; interrupts = <0 5 4>, <1 7 4>; };"
            "disk { compatible = \"virtio,mmio\"; armature,device = \"blk\"; armature,backend = \"image:x\"; };"
            "bus { compatible = \"simple-bus\"; clk { compatible = \"fixed-clock\"; }; };"),
        &size);
    unsigned read = 0, good = 0;

    (void)state;
    for (unsigned round = 0; round < 12000; round++) {
        uint8_t *copy = bytes_copy(tree, size);
        bytes_damage(copy, size, &seed);
        int err = parse_tree(copy, size);
        assert_true(err == 0 || log_all()[0]);
        read += err == 0;
        good += err == 0 && !config.vms[0].refused;
        assert_true(err || config.vm_count == 1);
        assert_true(err || (config.vms[0].cpus >= 1 && config.vms[0].cpus <= CONFIG_MAX_VCPUS));
        assert_true(err || !config.vms[0].refused || log_all()[0]);
        free(copy);
    }
    print_message("%u of 12000 were read, %u without a fault\n", read, good);
    assert_true(read > 1500 && good > 300);
    free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_good),          cmocka_unit_test(config_given_controller),
        cmocka_unit_test(config_vdev_and_more), cmocka_unit_test(config_whole_faults),
        cmocka_unit_test(config_vm_faults),     cmocka_unit_test(config_memory_faults),
        cmocka_unit_test(config_chosen_faults), cmocka_unit_test(config_vdev_faults),
        cmocka_unit_test(config_too_much),      cmocka_unit_test(nearest_names),
        cmocka_unit_test(config_hostile),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(bytes);
    return failed;
}
