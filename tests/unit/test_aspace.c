/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/aspace.c hyp/aspace_change.c hyp/aspace_window.c hyp/region.c arch/arm64/stage2.c arch/arm64/pgtable.c hyp/ranges.c tests/unit/arch_fake.c tests/unit/alloc_fake.c tests/unit/tree_support.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "arch/arm64/stage2.h"
#include "hyp/aspace.h"
#include "tests/unit/alloc_fake.h"
#include "tests/unit/arch_fake.h"
#include "tests/unit/tree_support.h"

#define PARANGE_44 4
#define RAM_FLAGS (GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR | GRF_PASS_EX)
#define ROM_FLAGS (GRF_MEMORY | GRF_PASS_RD | GRF_PASS_EX)
#define VIRT_FLAGS (GRF_VIRT_RD | GRF_VIRT_WR)

static struct aspace as;

static int setup(void **state)
{
    (void)state;
    *fake_sysreg("id_aa64mmfr0_el1") = PARANGE_44;
    log_forget();
    return aspace_init(&as, 5, 36);
}

static int teardown(void **state)
{
    (void)state;
    aspace_destroy(&as);
    alloc_forget();
    return 0;
}

static int add(const char *owner, uint64_t base, uint64_t size, uint32_t flags, uint64_t host)
{
    struct region r = { .base = IPA(base), .size = size, .flags = flags, .host = PA(host), .owner = owner };
    return aspace_add(&as, &r);
}

static void test_init(void **state)
{
    struct aspace other;
    (void)state;
    assert_int_equal(as.ipa_bits, 36);
    assert_int_equal(as.pt.start_level, 1);
    assert_int_equal(as.vttbr >> 48, 5);
    assert_ptr_equal((void *)(uintptr_t)(as.vttbr & FIELD(47, 0)), as.pt.root);
    assert_int_equal(field_get(FIELD(5, 0), as.vtcr), 64 - 36);
    /* A size that PARange cannot say becomes the next that it can. */
    assert_int_equal(aspace_init(&other, 6, 33), 0);
    assert_int_equal(other.ipa_bits, 36);
    assert_int_equal(aspace_init(&other, 6, 30), 0);
    assert_int_equal(other.ipa_bits, 32);
    assert_int_equal(aspace_init(&other, 6, 41), 0);
    assert_int_equal(other.ipa_bits, 42);
    assert_int_equal(other.pt.root_pages, 8);
    assert_true(is_aligned(other.vttbr & FIELD(47, 0), 8 * PAGE_SIZE));
    assert_int_equal(aspace_init(&other, 6, 48), -ERANGE);
    assert_true(log_has("48 bits of guest addresses asked for, the core has 44"));
    *fake_sysreg("id_aa64mmfr0_el1") = UINT64_C(0xf) << 28 | PARANGE_44;
    assert_int_equal(aspace_init(&other, 6, 36), -ENOTSUP);
}

static void check_leaf(uint64_t ia, uint64_t pa, uint64_t attrs, uint64_t size)
{
    struct pt_leaf leaf = pt_lookup(&as.pt, ia);
    assert_true(leaf.mapped);
    assert_int_equal(leaf.pa.raw + (ia - leaf.ia), pa);
    assert_int_equal(leaf.attrs, attrs);
    assert_int_equal(leaf.size, size);
}

static void test_mappings(void **state)
{
    (void)state;
    assert_int_equal(add("ram", GIB(1), MIB(512), RAM_FLAGS, GIB(4)), 0);
    assert_int_equal(add("rom", 0, MIB(4), ROM_FLAGS, GIB(5) + PAGE_SIZE), 0);
    assert_int_equal(add("pass", MIB(160), PAGE_SIZE, GRF_PASSTHRU | GRF_PASS_RD | GRF_PASS_WR, MIB(9)), 0);
    assert_int_equal(add("read-only", MIB(161), PAGE_SIZE, GRF_PASS_RD | GRF_VIRT_WR, MIB(10)), 0);
    assert_int_equal(add("data", GIB(2), MIB(2), GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR | GRF_NOCACHE, GIB(6)), 0);
    assert_int_equal(add("uart", MIB(144), PAGE_SIZE, VIRT_FLAGS, 0), 0);
    check_leaf(GIB(1) + MIB(511), GIB(4) + MIB(511), S2_RAM, BLOCK_SIZE);
    check_leaf(MIB(1), GIB(5) + MIB(1) + PAGE_SIZE, S2_ROM, PAGE_SIZE);
    check_leaf(MIB(160), MIB(9), S2_DEVICE, PAGE_SIZE);
    check_leaf(MIB(161), MIB(10), S2_MEMATTR_DEVICE_nGnRE | S2_AP_READ | S2_XN, PAGE_SIZE);
    check_leaf(GIB(2), GIB(6), S2_MEMATTR_NORMAL_NC | S2_SH_INNER | S2_AP_READ | S2_AP_WRITE | S2_XN, BLOCK_SIZE);
    assert_false(pt_lookup(&as.pt, MIB(144)).mapped);
    aspace_report(&as, "linux");
    assert_true(log_has("linux: stage 2: 0 x 1 GiB, 257 x 2 MiB, 1026 x 4 KiB, "));
    struct range ram = aspace_ram_at(&as, IPA(GIB(1) + 0x123), GIB(4), 0);
    assert_int_equal(ram.base.raw, GIB(4) + 0x123);
    assert_int_equal(ram.size, MIB(512) - 0x123);
    assert_int_equal(aspace_ram_at(&as, IPA(100), 8, 0).size, 8);
    assert_int_equal(aspace_ram_at(&as, IPA(MIB(160)), 8, 0).size, 0);
    assert_int_equal(aspace_ram_at(&as, IPA(MIB(144)), 8, 0).size, 0);
    assert_int_equal(aspace_ram_at(&as, IPA(GIB(3)), 8, 0).size, 0);
}

static void test_find(void **state)
{
    (void)state;
    /* Added out of order, found by address; sizes below a page as virtio-mmio has them. */
    for (unsigned i = 0; i < 32; i++) {
        unsigned slot = i * 13 % 32;
        assert_int_equal(add("slot", 0x0a000000 + slot * 0x200, 0x200, VIRT_FLAGS, 0), 0);
    }
    for (uint64_t at = 0x0a000000; at < 0x0a004000; at += 4) {
        const struct region *r = aspace_find(&as, IPA(at));
        assert_non_null(r);
        assert_int_equal(r->base.raw, at & ~UINT64_C(0x1ff));
    }
    assert_null(aspace_find(&as, IPA(0x09ffffff)));
    assert_null(aspace_find(&as, IPA(0x0a004000)));
    assert_null(aspace_find(&as, IPA(~UINT64_C(0))));
    for (unsigned i = 1; i < as.regions.count; i++)
        assert_true(as.regions.at[i - 1].base.raw < as.regions.at[i].base.raw);
}

static void test_overlap_names_both(void **state)
{
    (void)state;
    assert_int_equal(add("/linux/memory@40000000", GIB(1), MIB(512), RAM_FLAGS, GIB(4)), 0);
    static const struct {
        uint64_t base, size;
    } bad[] = { { GIB(1), PAGE_SIZE },
                { GIB(1) - PAGE_SIZE, 2 * PAGE_SIZE },
                { GIB(1) + MIB(512) - PAGE_SIZE, MIB(1) },
                { GIB(1) - PAGE_SIZE, GIB(1) },
                { GIB(1) + MIB(1), PAGE_SIZE } };
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        log_forget();
        assert_int_equal(add("/linux/serial", bad[i].base, bad[i].size, VIRT_FLAGS, 0), -EEXIST);
        assert_true(log_has("/linux/serial: ") && log_has("overlap /linux/memory@40000000"));
    }
    assert_int_equal(as.regions.count, 1);
    assert_int_equal(add("below", GIB(1) - PAGE_SIZE, PAGE_SIZE, VIRT_FLAGS, 0), 0);
    assert_int_equal(add("above", GIB(1) + MIB(512), PAGE_SIZE, VIRT_FLAGS, 0), 0);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_int_equal(add("ram", GIB(1) + 0x200, MIB(2), RAM_FLAGS, GIB(4)), -EINVAL);
    assert_int_equal(add("ram", GIB(1), 0x200, RAM_FLAGS, GIB(4)), -EINVAL);
    assert_int_equal(add("ram", GIB(1), MIB(2), RAM_FLAGS, GIB(4) + 0x200), -EINVAL);
    assert_int_equal(add("ram", GIB(1), MIB(2), GRF_MEMORY, GIB(4)), -EINVAL);
    assert_int_equal(add("dev", GIB(1), 0, VIRT_FLAGS, 0), -EINVAL);
    assert_int_equal(add("dev", GIB(1) + 1, 4, VIRT_FLAGS, 0), -EINVAL);
    assert_int_equal(add("dev", BIT(36), PAGE_SIZE, VIRT_FLAGS, 0), -EINVAL);
    assert_int_equal(add("dev", BIT(36) - PAGE_SIZE, 2 * PAGE_SIZE, VIRT_FLAGS, 0), -EINVAL);
    assert_int_equal(add("dev", PAGE_SIZE, ~(PAGE_SIZE - 1), VIRT_FLAGS, 0), -EINVAL);
    assert_int_equal(as.regions.count, 0);
    for (unsigned i = 0; i < REGION_MAX; i++)
        assert_int_equal(add("dev", MIB(1) + i * PAGE_SIZE, PAGE_SIZE, VIRT_FLAGS, 0), 0);
    assert_int_equal(add("dev", GIB(1), PAGE_SIZE, VIRT_FLAGS, 0), -E2BIG);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    alloc_left = 0;
    assert_int_equal(add("ram", GIB(1), MIB(2), RAM_FLAGS, GIB(4)), -ENOMEM);
    assert_int_equal(as.regions.count, 0);
    alloc_left = -1;
    assert_int_equal(add("ram", GIB(1), MIB(2), RAM_FLAGS, GIB(4)), 0);
}

static void test_spare_tables(void **state)
{
    (void)state;
    assert_int_equal(add("ram", GIB(1), GIB(1), RAM_FLAGS, GIB(4)), 0);
    assert_int_equal(as.table_pages, 1);
    alloc_left = 0; /* as when the machine runs */
    assert_true(as.spare_count >= 8);
    unsigned spare = as.spare_count;
    assert_int_equal(pt_unmap(&as.pt, GIB(1) + MIB(100), PAGE_SIZE), 0);
    assert_int_equal(as.table_pages, 3);
    assert_int_equal(as.spare_count, spare - 2);
    assert_int_equal(pt_unmap(&as.pt, GIB(1), GIB(1)), 0);
    assert_int_equal(as.table_pages, 1);
    assert_int_equal(as.spare_count, spare);
}

static void test_find_free(void **state)
{
    static struct config_vm c = { .ram_count = 1, .reserve_count = 1 };
    (void)state;
    c.ram[0].base = IPA(0x0c001000);
    c.ram[0].size = MIB(16);
    c.reserve[0].base = 0x0d001000;
    c.reserve[0].size = 0x800;
    assert_int_equal(aspace_find_free(&as, &c, ASPACE_DEVICES_FROM, 0x1000, 0x1000), 0x0c000000);
    assert_int_equal(add("dev", 0x0c000000, 0x200, VIRT_FLAGS, 0), 0);
    assert_int_equal(aspace_find_free(&as, &c, ASPACE_DEVICES_FROM, 0x200, 0x200), 0x0c000200);
    assert_int_equal(aspace_find_free(&as, &c, ASPACE_DEVICES_FROM, 0x1000, 0x1000), 0x0d002000);
    assert_int_equal(aspace_find_free(&as, &c, 0x0d002001, 0x1000, 0x1000), 0x0d003000);
    assert_int_equal(aspace_find_free(&as, &c, ASPACE_DEVICES_FROM, BIT(36), 0x1000), QSL_NO_LOCATION);
    assert_int_equal(aspace_find_free(&as, &c, ASPACE_DEVICES_FROM, 0, 0x1000), QSL_NO_LOCATION);
    assert_int_equal(add("dev", 0x0d002000, BIT(36) - 0x0d002000, VIRT_FLAGS, 0), 0);
    assert_int_equal(aspace_find_free(&as, &c, ASPACE_DEVICES_FROM, 0x1000, 0x1000), QSL_NO_LOCATION);
}

/* Random regions, always against the list of what was accepted. */
static void test_random(void **state)
{
    static struct region mine[REGION_MAX];
    unsigned count = 0;
    uint32_t seed = 3;
    (void)state;
    for (unsigned n = 0; n < 2000; n++) {
        struct region r = { .base = IPA(random_next(&seed) % 2000 * PAGE_SIZE),
                            .size = (1 + random_next(&seed) % 16) * PAGE_SIZE };
        bool overlaps = false, memory = random_next(&seed) % 2;
        r.flags = memory ? RAM_FLAGS : VIRT_FLAGS;
        r.host = PA(GIB(8) + r.base.raw);
        r.owner = "random";
        for (unsigned i = 0; i < count; i++)
            overlaps |= ranges_overlap(mine[i].base.raw, mine[i].size, r.base.raw, r.size);
        int err = aspace_add(&as, &r);
        if (overlaps) {
            assert_int_equal(err, -EEXIST);
        } else if (count == REGION_MAX) {
            assert_int_equal(err, -E2BIG);
        } else {
            assert_int_equal(err, 0);
            mine[count++] = r;
        }
        log_forget();
    }
    for (uint64_t at = 0; at < MIB(10); at += PAGE_SIZE) {
        const struct region *found = aspace_find(&as, IPA(at)), *want = NULL;
        for (unsigned i = 0; i < count; i++)
            if (at >= mine[i].base.raw && at - mine[i].base.raw < mine[i].size)
                want = &mine[i];
        assert_int_equal(found != NULL, want != NULL);
        if (want)
            assert_int_equal(found->base.raw, want->base.raw);
        assert_int_equal(pt_lookup(&as.pt, at).mapped, want && want->flags & GRF_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_init, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mappings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_find, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overlap_names_both, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spare_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_find_free, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
