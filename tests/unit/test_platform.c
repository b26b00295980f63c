/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/platform.c hyp/boot_check.c boards/power/power.c boards/power/bcm2835_pm.c boards/uart/uart.c boards/uart/pl011.c boards/uart/aux_uart.c boards/uart/cdns_uart.c hyp/platform_memory.c hyp/platform_cores.c hyp/platform_gic.c hyp/platform_uart.c hyp/platform_pins.c hyp/platform_options.c */
/* sources: hyp/dt.c hyp/dt_bus.c hyp/ranges.c tests/unit/tree_support.c tests/unit/pins_fake.c boards/early.c */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <libfdt.h>
#include "hyp/boot_check.h"
#include "hyp/platform.h"
#include "tests/unit/pins_fake.h"
#include "tests/unit/tree_support.h"

#define GIC3 \
    "gic: intc@8000000 { compatible = \"arm,gic-v3\"; interrupt-controller; #interrupt-cells = <3>;" \
    " reg = <0 0x8000000 0 0x10000 0 0x80a0000 0 0xf60000>; interrupts = <1 9 4>; };"
#define CPU0 "cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = \"cpu\"; reg = <0>; }; };"
#define RAM "memory@40000000 { device_type = \"memory\"; reg = <0 0x40000000 0 0x10000000>; };"
#define TIMER "timer { compatible = \"arm,armv8-timer\"; interrupts = <1 13 4 1 14 4 1 11 4 1 10 4>; };"
#define UART \
    "serial@9000000 { compatible = \"arm,pl011\", \"arm,primecell\"; reg = <0 0x9000000 0 0x1000>;" \
    " interrupts = <0 1 4>; };"
#define TREE(memreserve, body) \
    "/dts-v1/; " memreserve " / { #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>; " body " };"

static struct platform p;

static int parse(const char *source)
{
    size_t size;
    void *tree = tree_compile(source, &size);

    log_forget();
    memset(&p, 0, sizeof(p));
    int err = platform_parse(tree, size, &p);
    free(tree);
    return err;
}

static void platform_virt(void **state)
{
    static const char *const command =
        "timeout 60 qemu-system-aarch64 -M virt,virtualization=on,gic-version=%d,dumpdtb=%s -cpu cortex-a72 -smp 4 -m "
        "2G -nic none -display none"
        " -serial null -serial null -append 'log=debug console=raw on-end=stay' -kernel /dev/null >/dev/null 2>&1";
    char file[] = "/tmp/armature-virt-XXXXXX", line[512];

    (void)state;
    int fd = mkstemp(file);
    close(fd);
    for (int gic = 2; gic <= 3; gic++) {
        size_t size = 0;
        snprintf(line, sizeof(line), command, gic, file);
        if (system(line))
            skip();
        void *tree = file_read(file, &size);
        log_forget();
        memset(&p, 0, sizeof(p));
        p.fdt = (struct range){ PA(0x48000000), 0x100000 };
        assert_int_equal(platform_parse(tree, size, &p), 0);
        assert_string_equal(log_all(), "");
        assert_string_equal(p.compatible, "linux,dummy-virt");
        assert_int_equal(p.ram_count, 1);
        assert_int_equal(p.ram[0].base.raw, 0x40000000);
        assert_int_equal(p.ram[0].size, GIB(2));
        assert_int_equal(p.core_count, 4);
        assert_int_equal(p.cores[3].mpidr, 3);
        assert_int_equal(p.cores[3].start, CORE_START_PSCI);
        assert_true(p.psci_present && p.psci_smc && !p.psci_hvc);
        assert_int_equal(p.psci_cpu_on, 0xc4000003);
        assert_int_equal(p.gic.version, gic);
        assert_int_equal(p.gic.maint_intid, 25);
        assert_int_equal(p.gic.dist.base.raw, 0x8000000);
        assert_int_equal(p.gic.vcpu.base.raw, gic == 2 ? 0x8040000 : 0);
        assert_int_equal(p.gic.redist[0].base.raw, gic == 3 ? 0x80a0000 : 0);
        assert_int_equal(p.gic.redist_count, gic == 3);
        assert_int_equal(p.timer_ppi[0], 29);
        assert_int_equal(p.timer_ppi[3], 26);
        assert_string_equal(p.uart.path, "/pl011@9000000");
        assert_int_equal(p.uart.intid, 33);
        assert_int_equal(p.uart.clock_hz, 24000000);
        assert_string_equal(p.results.path, "/pl011@9040000");
        assert_int_equal(p.results.intid, 40);
        assert_int_equal(p.reserved_count, 1);
        assert_int_equal(p.reserved[0].base.raw, 0x48000000);
        assert_int_equal(p.options.log_filter, LOG_DEFAULT | LOG_DEBUG);
        assert_int_equal(p.options.console, CONSOLE_RAW);
        assert_int_equal(p.options.on_end, ON_END_STAY);
        /* The seeds are ours now and gone from the tree. */
        assert_int_equal(p.rng_seed_len, 40);
        int length, chosen = fdt_path_offset(tree, "/chosen");
        const uint8_t *seed = fdt_getprop(tree, chosen, "rng-seed", &length);
        for (int i = 0; i < length; i++)
            assert_int_equal(seed[i], 0);
        free(tree);
    }
    unlink(file);
}

/* The tree as Debian's kernel package has it: the firmware fills in the memory's size. */
static void platform_raspi4(void **state)
{
    glob_t found;
    size_t size;

    (void)state;
    if (glob("build/cache/kernel-debian/usr/lib/linux-image-*/broadcom/bcm2711-rpi-4-b.dtb", 0, NULL, &found))
        skip();
    uint8_t *tree = file_read(found.gl_pathv[0], &size);
    globfree(&found);
    assert_int_equal(platform_parse(tree, size, &p), -ENODEV);
    assert_true(log_has("no memory"));
    static const uint32_t reg[] = { 0, 0, 0x0000003c };
    assert_int_equal(fdt_setprop_inplace(tree, fdt_path_offset(tree, "/memory@0"), "reg", reg, sizeof(reg)), 0);
    log_forget();
    memset(&p, 0, sizeof(p));
    assert_int_equal(platform_parse(tree, size, &p), 0);
    assert_int_equal(p.ram[0].size, MIB(960));
    assert_int_equal(p.gic.version, 2);
    assert_int_equal(p.gic.dist.base.raw, 0xff841000);
    assert_int_equal(p.gic.cpu.base.raw, 0xff842000);
    assert_int_equal(p.gic.vctrl.base.raw, 0xff844000);
    assert_int_equal(p.gic.vcpu.base.raw, 0xff846000);
    assert_int_equal(p.core_count, 4);
    assert_int_equal(p.cores[2].start, CORE_START_SPIN_TABLE);
    assert_int_equal(p.cores[2].release_addr.raw, 0xe8);
    assert_false(p.psci_present);
    assert_string_equal(p.uart.path, "/soc/serial@7e215040");
    assert_string_equal(p.uart.compatible, "brcm,bcm2835-aux-uart");
    assert_int_equal(p.uart.regs.base.raw, 0xfe215040);
    assert_int_equal(p.uart.intid, 125);
    /* The first PL011 has the Bluetooth chip behind it; the others are switched off. */
    assert_false(p.results.present);
    assert_int_equal(p.reserved[0].base.raw, 0);
    assert_int_equal(p.reserved[0].size, 0x1000);
    free(tree);
}

/* What the Raspberry Pi's firmware says of memory. The VideoCore has the end of the first GiB; above 4 GiB it names two ranges of 2. */
struct pi_memory {
    unsigned gib, ranges;
    uint32_t reg[12]; /* #address-cells 2, #size-cells 1 */
};

static void *pi_tree(const struct pi_memory *memory, const char *method, size_t *size)
{
    static const char *const path = "build/cache/kernel-debian/usr/lib/linux-image-*/broadcom/bcm2711-rpi-4-b.dtb";
    glob_t found;

    if (glob(path, 0, NULL, &found))
        return NULL;
    void *plain = file_read(found.gl_pathv[0], size), *tree = calloc(1, *size + 8192);
    globfree(&found);
    *size += 8192;
    assert_int_equal(fdt_open_into(plain, tree, (int)*size), 0);
    free(plain);
    int node = fdt_path_offset(tree, "/memory@0");
    for (unsigned i = 0; i < memory->ranges * 3; i++) {
        if (i)
            assert_int_equal(fdt_appendprop_u32(tree, node, "reg", memory->reg[i]), 0);
        else
            assert_int_equal(fdt_setprop_u32(tree, node, "reg", memory->reg[i]), 0);
    }
    /* The boot loader's configuration, which firmware leaves at the end of what it gives away. */
    static const uint32_t nvram[] = { 0, 0x0050393b, 0x90000000 }; /* 0x3b395000, 0x90 */
    node = fdt_path_offset(tree, "/reserved-memory/nvram@0");
    assert_int_equal(fdt_setprop(tree, node, "reg", nvram, sizeof(nvram)), 0);
    assert_int_equal(fdt_setprop_string(tree, node, "status", "okay"), 0);
    assert_int_equal(fdt_add_mem_rsv(tree, 0, 0x1000), 0);
    if (method) { /* as TF-A changes the tree: the cores, a psci node, and the memory that is its own */
        for (int cpu = fdt_first_subnode(tree, fdt_path_offset(tree, "/cpus")); cpu >= 0;
             cpu = fdt_next_subnode(tree, cpu))
            if (fdt_getprop(tree, cpu, "cpu-release-addr", NULL))
                assert_int_equal(fdt_setprop_string(tree, cpu, "enable-method", "psci"), 0);
        node = fdt_add_subnode(tree, 0, "psci");
        assert_int_equal(fdt_setprop_string(tree, node, "compatible", "arm,psci-1.0"), 0);
        assert_int_equal(fdt_setprop_string(tree, node, "method", method), 0);
        assert_int_equal(fdt_del_mem_rsv(tree, 0), 0);
        assert_int_equal(fdt_add_mem_rsv(tree, 0, 0x80000), 0);
    }
    log_forget();
    memset(&p, 0, sizeof(p));
    return tree;
}

static bool ranges_have(const struct range *ranges, unsigned count, uint64_t at)
{
    for (unsigned i = 0; i < count; i++)
        if (at - ranges[i].base.raw < ranges[i].size)
            return true;
    return false;
}

static const struct pi_memory pi_memories[] = {
    { 1, 1, { 0, 0, 0x3b400000 } },
    { 2, 2, { 0, 0, 0x3b400000, 0, 0x40000000, 0x40000000 } },
    { 4, 2, { 0, 0, 0x3b400000, 0, 0x40000000, 0xbc000000 } },
    { 8, 4, { 0, 0, 0x3b400000, 0, 0x40000000, 0xbc000000, 1, 0, 0x80000000, 1, 0x80000000, 0x80000000 } },
};

static void platform_raspi4_memory(void **state)
{
    static const uint64_t hole = 0x3b400000, devices = 0xfc000000;

    (void)state;
    for (unsigned i = 0; i < sizeof(pi_memories) / sizeof(*pi_memories); i++) {
        const struct pi_memory *m = &pi_memories[i];
        size_t size;
        void *tree = pi_tree(m, NULL, &size);
        if (!tree)
            skip();
        assert_int_equal(platform_parse(tree, size, &p), 0);
        uint64_t sum = 0, stated = 0;
        for (unsigned r = 0; r < p.ram_count; r++)
            sum += p.ram[r].size;
        for (unsigned r = 0; r < m->ranges; r++)
            stated += m->reg[3 * r + 2];
        assert_int_equal(sum, stated);
        assert_true(ranges_have(p.ram, p.ram_count, hole - 1));
        assert_false(ranges_have(p.ram, p.ram_count, hole) || ranges_have(p.ram, p.ram_count, 0x3fffffff));
        assert_int_equal(ranges_have(p.ram, p.ram_count, 0x40000000), m->gib > 1);
        assert_int_equal(ranges_have(p.ram, p.ram_count, 0x7fffffff), m->gib > 1);
        assert_int_equal(ranges_have(p.ram, p.ram_count, devices - 1), m->gib > 2);
        assert_false(ranges_have(p.ram, p.ram_count, devices) || ranges_have(p.ram, p.ram_count, 0xffffffff));
        assert_int_equal(ranges_have(p.ram, p.ram_count, GIB(4)), m->gib == 8);
        assert_int_equal(ranges_have(p.ram, p.ram_count, GIB(8) - 1), m->gib == 8);
        assert_false(ranges_have(p.ram, p.ram_count, GIB(8)));
        /* What is given to nobody: where the cores wait, the firmware's stub and the boot loader's configuration. */
        assert_true(ranges_have(p.reserved, p.reserved_count, 0xe0) &&
                    ranges_have(p.reserved, p.reserved_count, 0x3b395000));
        assert_false(ranges_have(p.reserved, p.reserved_count, 0x1000) ||
                     ranges_have(p.reserved, p.reserved_count, 0x3b396000));
        assert_int_equal(p.cores[3].start, CORE_START_SPIN_TABLE);
        assert_int_equal(p.power_driver != NULL, IS_ENABLED(CONFIG_POWER_BCM2835_PM));
        free(tree);
    }
}

/* With TF-A the cores start by PSCI, and the power manager is not ours to touch; its memory is nobody's. */
static void platform_raspi4_tf_a(void **state)
{
    size_t size;
    void *tree = pi_tree(&pi_memories[2], "smc", &size);

    (void)state;
    if (!tree)
        skip();
    assert_int_equal(platform_parse(tree, size, &p), 0);
    assert_true(p.psci_present && p.psci_smc && !p.psci_hvc);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(p.cores[i].start, CORE_START_PSCI);
    assert_true(ranges_have(p.reserved, p.reserved_count, 0) && ranges_have(p.reserved, p.reserved_count, 0x7ffff));
    assert_false(ranges_have(p.reserved, p.reserved_count, 0x80000));
    free(tree);
}

#define PI_UARTS \
    "gpio@7e200000 { compatible = \"brcm,bcm2711-gpio\"; reg = <0 0xfe200000 0 0xb4>; };" \
    "serial@7e215040 { compatible = \"brcm,bcm2835-aux-uart\"; reg = <0 0xfe215040 0 0x40>; };" \
    "serial@7e201000 { compatible = \"arm,pl011\"; reg = <0 0xfe201000 0 0x200>; bluetooth { }; };"
#define PI_TREE(console) TREE("", GIC3 CPU0 RAM TIMER PI_UARTS "chosen { stdout-path = \"" console "\"; };")

/* The firmware decides by the pins, whatever the tree says: nobody would hear the other UART. */
static void platform_pins(void **state)
{
    static const char mini[] = "/serial@7e215040", pl011[] = "/serial@7e201000";
    static const struct {
        const char *source;
        uint32_t pins;
        const char *console;
        bool told;
    } cases[] = {
        { PI_TREE("/serial@7e215040"), 0x12000, mini, false }, { PI_TREE("/serial@7e215040"), 0x24000, pl011, true },
        { PI_TREE("/serial@7e201000"), 0x12000, mini, true },  { PI_TREE("/serial@7e201000"), 0x3f000, pl011, false },
        { PI_TREE("/serial@7e215040"), 0, mini, false },       { PI_TREE("/serial@7e215040"), 0xffc24fff, pl011, true },
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        fake_pins = (struct fake_pins){ .regs = { ~cases[i].pins, cases[i].pins } };
        assert_int_equal(parse(cases[i].source), 0);
        assert_int_equal(fake_pins.mapped, 0xfe200000);
        assert_string_equal(p.uart.path, cases[i].console);
        assert_int_equal(log_has("is taken as the console: the pins lead to it"), cases[i].told);
        assert_false(p.results.present && p.results.regs.base.raw == p.uart.regs.base.raw);
    }
    fake_pins.refuse = true;
    assert_int_equal(parse(PI_TREE("/serial@7e215040")), 0);
    assert_string_equal(p.uart.path, mini);
    memset(&fake_pins, 0, sizeof(fake_pins));
}

static void platform_small(void **state)
{
    (void)state;
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM TIMER UART)), 0);
    assert_string_equal(p.uart.path, "/serial@9000000");
    assert_true(log_has("no stdout-path"));
    assert_true(log_has("/serial@9000000 is taken as the console"));
    assert_int_equal(p.cores[0].start, CORE_START_NONE);
    assert_int_equal(p.timer_ppi[2], 27);
    assert_int_equal(p.initrd.size, 0);
}

static void platform_missing_parts(void **state)
{
    (void)state;
    assert_int_equal(parse(TREE("", GIC3 CPU0 TIMER UART)), -ENODEV);
    assert_true(log_has("no memory"));
    assert_int_equal(parse(TREE("", GIC3 RAM)), -ENODEV);
    assert_true(log_has("no node /cpus"));
    assert_int_equal(parse(TREE("", "gic: g { phandle = <1>; };" CPU0 RAM)), -ENODEV);
    assert_true(log_has("enable_gic=1"));
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM)), 0);
    assert_true(log_has("no usable UART"));
    assert_true(log_has("no node \"arm,armv8-timer\""));
    assert_int_equal(p.timer_ppi[3], 26);
    assert_string_equal(boot_check_name(), "timer");
    assert_int_equal(
        parse(TREE("", GIC3 CPU0 RAM
                   "timer { compatible = \"arm,armv8-timer\"; interrupts = <1 13 4 1 14 4 1 12 4 1 10 4>; };")),
        -ENODEV);
    assert_true(log_has("/timer: \"virt\" has interrupt 28: only 27 can be driven"));
    assert_string_equal(boot_check_name(), "timer");
    assert_int_equal(parse(TREE("", GIC3 CPU0 TIMER UART)), -ENODEV);
    assert_string_equal(boot_check_name(), "memory");
    assert_int_equal(parse(TREE("", GIC3 RAM)), -ENODEV);
    assert_string_equal(boot_check_name(), "cores");
    assert_int_equal(parse(TREE("", CPU0 RAM)), -ENODEV);
    assert_string_equal(boot_check_name(), "interrupt controller (GIC)");
}

static void platform_memory_ranges(void **state)
{
    (void)state;
    assert_int_equal(
        parse(TREE(
            "/memreserve/ 0x40000800 0x1000;", GIC3 CPU0
            "memory@80000000 { device_type = \"memory\"; reg = <0 0x80000000 0 0x1000000>, <0 0x81000000 0 0x1000000>; "
            "};"
            "memory@40000100 { device_type = \"memory\"; reg = <0 0x40000100 0 0xfffff00>; };"
            "memory@f0000000 { device_type = \"memory\"; status = \"disabled\"; reg = <0 0xf0000000 0 0x1000000>; };"
            "memory@1 { device_type = \"memory\"; reg = <0x1000000 0 0 0x1000000>; };"
            "reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;"
            " a@80000000 { reg = <0 0x80000000 0 0x10000>; no-map; };"
            " b { size = <0 0x10000>; };"
            " c@80010000 { status = \"disabled\"; reg = <0 0x80010000 0 0x10000>; };"
            " d@80020000 { reg = <0 0x80020000 0 0x800>, <0 0x80030000 0 0x1000>; }; };")),
        0);
    assert_true(log_has("/memory@1: 0x1000000 bytes at 0x100000000000000 are beyond 48 address bits"));
    assert_int_equal(p.ram_count, 2);
    assert_int_equal(p.ram[0].base.raw, 0x40001000);
    assert_int_equal(p.ram[0].size, 0xffff000);
    assert_int_equal(p.ram[1].base.raw, 0x80000000);
    assert_int_equal(p.ram[1].size, 0x2000000);
    assert_int_equal(p.reserved_count, 4);
    assert_int_equal(p.reserved[0].base.raw, 0x40000000);
    assert_int_equal(p.reserved[0].size, 0x2000);
    assert_int_equal(p.reserved[1].size, 0x10000);
    assert_int_equal(p.reserved[2].base.raw, 0x80020000);
    assert_int_equal(p.reserved[2].size, 0x1000);
}

static void platform_too_much(void **state)
{
    static char source[40000];
    int n = snprintf(source, sizeof(source),
                     "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>; " GIC3 RAM
                     "cpus { #address-cells = <1>; #size-cells = <0>;");
    (void)state;
    for (unsigned i = 0; i < CONFIG_MAX_CORES + 3u; i++)
        n += snprintf(source + n, sizeof(source) - (size_t)n, " cpu@%x { device_type = \"cpu\"; reg = <%u>; };", i, i);
    n += snprintf(source + n, sizeof(source) - (size_t)n, " };");
    for (unsigned i = 0; i < PLATFORM_MAX_RANGES + 2u; i++)
        n += snprintf(source + n, sizeof(source) - (size_t)n,
                      " memory@%x00000 { device_type = \"memory\"; reg = <0 0x%x00000 0 0x1000>; };", 0x500 + i,
                      0x500 + i);
    snprintf(source + n, sizeof(source) - (size_t)n, " };");
    assert_int_equal(parse(source), 0);
    assert_int_equal(p.core_count, CONFIG_MAX_CORES);
    assert_int_equal(p.cores_in_tree, CONFIG_MAX_CORES + 3);
    assert_true(log_has("CONFIG_MAX_CORES="));
    assert_int_equal(p.ram_count, PLATFORM_MAX_RANGES);
    assert_true(log_has("more than 64 ranges of RAM"));
}

static void platform_cores_started(void **state)
{
    (void)state;
    assert_int_equal(
        parse(TREE("", GIC3 RAM "psci { compatible = \"arm,psci\"; method = \"smc\"; cpu_on = <0x95c1ba60>; };"
                                "cpus { #address-cells = <2>; #size-cells = <0>;"
                                " cpu@0 { device_type = \"cpu\"; reg = <0 0x80000100>; };"
                                " cpu@100 { device_type = \"cpu\"; reg = <0 0x100>; enable-method = \"psci\"; };"
                                " cpu@101 { device_type = \"cpu\"; reg = <1 1>; enable-method = \"spin-table\"; "
                                "cpu-release-addr = <0x40001008>; };"
                                " cpu@102 { device_type = \"cpu\"; reg = <0 0x102>; enable-method = \"spin-table\"; };"
                                " cpu@103 { device_type = \"cpu\"; reg = <0 0x103>; enable-method = \"magic\"; };"
                                " cpu@104 { device_type = \"cpu\"; reg = <0 0x103>; };"
                                " cpu@105 { device_type = \"cpu\"; reg = <0 0x105>; status = \"fail\"; };"
                                " l2-cache { compatible = \"cache\"; }; };")),
        0);
    assert_true(log_has("/cpus/cpu@0: reg is no affinity"));
    assert_int_equal(p.core_count, 4);
    assert_int_equal(p.psci_cpu_on, 0x95c1ba60);
    assert_int_equal(p.cores[0].start, CORE_START_PSCI);
    assert_int_equal(p.cores[1].mpidr, UINT64_C(0x100000001));
    assert_int_equal(p.cores[1].start, CORE_START_SPIN_TABLE);
    assert_int_equal(p.cores[1].release_addr.raw, 0x40001008);
    assert_int_equal(p.reserved[0].base.raw, 0x40001000);
    assert_true(log_has("/cpus/cpu@102: enable-method \"spin-table\" without a usable cpu-release-addr"));
    assert_true(log_has("/cpus/cpu@103: unknown enable-method \"magic\""));
    assert_true(log_has("/cpus/cpu@104: a second core with affinity 0x103"));
    assert_true(log_has("/cpus/cpu@105: switched off"));
    assert_int_equal(
        parse(TREE("",
                   GIC3 RAM "psci { compatible = \"arm,psci-1.0\"; method = \"hvc\"; };"
                            "cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = \"cpu\"; reg = <0>;"
                            " enable-method = \"psci\"; }; };")),
        0);
    assert_false(p.psci_present);
    assert_true(log_has("cannot be used at EL2"));
}

static void platform_bundle_place(void **state)
{
#define CHOSEN(start, end) "chosen { linux,initrd-start = <" start ">; linux,initrd-end = <" end ">; };"
#define RESERVED \
    "reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; a@48000000 { reg = <0 0x48000000 0 0x1000>; " \
    "}; };"
    (void)state;
    assert_int_equal(parse(TREE("/memreserve/ 0x44000000 0x100000;", GIC3 CPU0 RAM CHOSEN("0x44000000", "0x44012345"))),
                     0);
    assert_int_equal(p.initrd.base.raw, 0x44000000);
    assert_int_equal(p.initrd.size, 0x12345);
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM CHOSEN("0 0x44000000", "0 0x44012345"))), 0);
    assert_int_equal(p.initrd.size, 0x12345);
    assert_int_equal(p.reserved[0].size, 0x13000);
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM CHOSEN("0x44000000", "0x44000000"))), 0);
    assert_true(log_has("which is no range") && !p.initrd.size);
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM CHOSEN("0x44000000", "0xffffffff 0xffffffff"))), 0);
    assert_true(!p.initrd.size && log_has("which is no range"));
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM CHOSEN("0x4ffff000", "0x50001000"))), 0);
    assert_true(log_has("is not in RAM") && !p.initrd.size);
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM RESERVED CHOSEN("0x47fff000", "0x48001000"))), 0);
    assert_true(log_has("lies over reserved memory") && !p.initrd.size);
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM CHOSEN("1 2 3", "2 3 4"))), 0);
    assert_true(log_has("linux,initrd-start is neither 4 nor 8 bytes long"));
}

static void platform_uart_choice(void **state)
{
#define UARTS \
    UART "aliases { a = \"/serial@9000000\"; serial0 = \"/second@9010000\"; loop = \"loop\"; };" \
         "second@9010000 { compatible = \"maker,uart\", \"arm,pl011\"; reg = <0 0x9010000 0 0x1000>; clock-frequency " \
         "= <48000000>; };" \
         "off@9020000 { compatible = \"arm,pl011\"; reg = <0 0x9020000 0 0x1000>; status = \"disabled\"; };"
    (void)state;
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM TIMER UARTS "chosen { stdout-path = \"a:115200n8\"; };")), 0);
    assert_string_equal(p.uart.path, "/serial@9000000");
    assert_string_equal(p.results.path, "/second@9010000");
    assert_string_equal(p.results.compatible, "arm,pl011");
    assert_int_equal(p.results.clock_hz, 48000000);
    assert_string_equal(log_all(), "");
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM TIMER UARTS "chosen { stdout-path = \"loop\"; };")), 0);
    assert_true(log_has("stdout-path \"loop\" leads to no node"));
    assert_string_equal(p.uart.path, "/second@9010000");
    assert_string_equal(p.results.path, "/serial@9000000");
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM TIMER UARTS "chosen { stdout-path = \"/off@9020000\"; };")), 0);
    assert_true(log_has("/off@9020000 is switched off by its status"));
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM TIMER UARTS "chosen { stdout-path = \"\"; };")), 0);
    assert_int_equal(parse(TREE("", GIC3 CPU0 RAM TIMER UARTS "chosen { stdout-path = [41 42]; };")), 0);
    assert_string_equal(p.uart.path, "/second@9010000");
}

static void platform_gic_faults(void **state)
{
#define GICREG(reg) \
    "gic: i@1 { compatible = \"arm,gic-v3\"; interrupt-controller; #interrupt-cells = <3>; reg = <" reg ">; };"
    (void)state;
    assert_int_equal(parse(TREE("", GICREG("0 0x8000000 0 0x10000") CPU0 RAM)), -ENODEV);
    assert_true(log_has("/i@1: reg: no entry for GICR"));
    assert_int_equal(parse(TREE("", GICREG("0 0x8000000 0") CPU0 RAM)), -ENODEV);
    assert_true(log_has("/i@1: reg: 12 bytes are no multiple of 16"));
    assert_int_equal(parse(TREE("", GICREG("0 0x8000000 0 0x10000 0 0x80a0000 0 0x1000") CPU0 RAM)), -ENODEV);
    assert_true(log_has("/i@1: reg: GICR at 0x80a0000 with 0x1000 bytes cannot be"));
    assert_int_equal(parse(TREE("", GICREG("0 0x8000000 0 0x10000 0 0x80a0000 0 0x40000") CPU0 RAM)), 0);
    assert_true(log_has("no usable maintenance interrupt: 25 is taken"));
    assert_int_equal(
        parse(TREE("", "gic: i@1 { compatible = \"arm,cortex-a15-gic\"; interrupt-controller; #interrupt-cells = <3>;"
                       " reg = <0 0x8000000 0 0x1000 0 0x8010000 0 0x2000>; };" CPU0 RAM)),
        -ENODEV);
    assert_true(log_has("no entry for GICH"));
}

/* Whatever the bytes: an answer, no fault, nothing read outside. */
static void platform_hostile(void **state)
{
    uint32_t seed = 20260;
    size_t size;
    uint8_t *tree = tree_compile(
        TREE("/memreserve/ 0x40000000 0x1000;", GIC3 RAM TIMER UARTS RESERVED
             "psci { compatible = \"arm,psci-1.0\"; method = \"smc\"; };"
             "cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = \"cpu\"; reg = <0>; enable-method "
             "= \"psci\"; };"
             " cpu@1 { device_type = \"cpu\"; reg = <1>; enable-method = \"spin-table\"; cpu-release-addr = <0 0xe0>; "
             "}; };"
             "chosen { stdout-path = \"a:9600\"; bootargs = \"log=debug on-end=off\"; rng-seed = <1 2 3 4>;"
             " linux,initrd-start = <0x44000000>; linux,initrd-end = <0x44100000>; };"),
        &size);
    unsigned good = 0;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t length = random_next(&seed) % 16 ? size : random_next(&seed) % (size + 1);
        uint8_t *copy = bytes_copy(tree, length);
        log_forget();
        memset(&p, 0, sizeof(p));
        bytes_damage(copy, length, &seed);
        int err = platform_parse(copy, length, &p);
        assert_true(err <= 0);
        assert_true(err == 0 || log_all()[0]);
        assert_true(p.core_count <= CONFIG_MAX_CORES && p.ram_count <= PLATFORM_MAX_RANGES);
        good += err == 0;
        free(copy);
    }
    /* Damage in values leaves a tree that can be read: the test must get that far too. */
    assert_true(good > 1000);
    free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platform_virt),          cmocka_unit_test(platform_raspi4),
        cmocka_unit_test(platform_raspi4_memory), cmocka_unit_test(platform_raspi4_tf_a),
        cmocka_unit_test(platform_pins),          cmocka_unit_test(platform_small),
        cmocka_unit_test(platform_missing_parts), cmocka_unit_test(platform_memory_ranges),
        cmocka_unit_test(platform_too_much),      cmocka_unit_test(platform_cores_started),
        cmocka_unit_test(platform_bundle_place),  cmocka_unit_test(platform_uart_choice),
        cmocka_unit_test(platform_gic_faults),    cmocka_unit_test(platform_hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
