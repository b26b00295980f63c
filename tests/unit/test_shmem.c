/* SPDX-License-Identifier: Apache-2.0 */
/* sources: tests/unit/shmem_support.c vdevs/shmem/attach.c vdevs/shmem/control.c vdevs/shmem/set.c vdevs/shmem/names.c vdevs/shmem/glob.c hyp/regs.c */
/* The shared memory vdev: its registers, each status, who is told what, and that nothing is lost or left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "tests/unit/shmem_support.h"
#include "vdevs/shmem/glob.h"

static int setup(void **state)
{
    (void)state;
    shmem_test_begin();
    return 0;
}

static uint64_t field(unsigned n, uint64_t offset, unsigned size)
{
    uint64_t value = 0;
    assert_int_equal(factory_read(n, offset, size, &value), VRS_NORMAL);
    return value;
}

static void make(unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        assert_int_equal(shmem_make(n, NULL), EOK);
}

static void factory_page_by_any_width(void **state)
{
    (void)state;
    make(1);
    assert_int_equal(field(0, 0, 8), UINT64_C(0x4d534732474d5651));
    assert_int_equal(field(0, 0, 4), 0x474d5651);
    assert_int_equal(field(0, 4, 4), 0x4d534732);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(field(0, i, 1), (uint8_t) "QVMG2GSM"[i]);
    assert_int_equal(field(0, 8, 8), 0);
    assert_int_equal(field(0, 0x10, 4), 100);
    assert_int_equal(field(0, 0x10, 8), 100); /* vector and status */
    assert_int_equal(field(0, 0x3c, 4), 0);   /* FIND is written only */
    assert_int_equal(field(0, 0x40, 8) | field(0, 0xff8, 8), 0);
}

static void what_is_read_only_stays(void **state)
{
    (void)state;
    make(1);
    for (uint64_t at = 0; at < 0x18; at += 8)
        assert_int_equal(factory_write(0, at, 8, ~UINT64_C(0)), VRS_NORMAL);
    assert_int_equal(factory_write(0, 0x800, 4, 5), VRS_NORMAL);
    factory_page_by_any_width(state);
}

/* A name may come by any width; what acts only whole. */
static void name_and_the_registers_that_act(void **state)
{
    (void)state;
    make(1);
    assert_int_equal(factory_write(0, FACTORY_NAME, 4, 0x64636261), VRS_NORMAL);
    assert_int_equal(factory_write(0, FACTORY_NAME + 4, 8, 0x6665), VRS_NORMAL);
    assert_int_equal(factory_write(0, FACTORY_NAME + 6, 2, 0x67), VRS_NORMAL);
    assert_int_equal(field(0, FACTORY_NAME, 4), 0x64636261);
    assert_int_equal(field(0, FACTORY_NAME + 4, 8), 0x676665);
    static const struct {
        unsigned at, size;
    } refused[] = { { 0x18, 8 }, { 0x18, 2 }, { 0x1a, 2 }, { 0x18, 1 },
                    { 0x38, 8 }, { 0x3c, 1 }, { 0x3e, 2 }, { 0x16, 4 } };
    for (unsigned i = 0; i < ARRAY_LEN(refused); i++)
        assert_int_equal(factory_write(0, refused[i].at, refused[i].size, 1), VRS_BUS_ERROR);
    assert_int_equal(guest_regions(0), 0);
    assert_int_equal(factory_write(0, FACTORY_SIZE, 4, 2), VRS_NORMAL);
    assert_int_equal(field(0, FACTORY_STATUS, 4) + field(0, FACTORY_SIZE, 4), 2);
    assert_int_equal(field(0, FACTORY_SHMEM, 8), TEST_WINDOW);
    assert_int_equal(guest_regions(0), 2);
}

static void peers_share_and_notify(void **state)
{
    (void)state;
    uint64_t a, b;
    make(3);
    assert_int_equal(shmem_attach(0, "x", 3, &a), GSS_OK);
    assert_false(test_lines[0]);
    assert_int_equal(shmem_attach(1, "x", 1, &b), GSS_OK);
    assert_int_equal(field(1, FACTORY_SIZE, 4), 3); /* the real size */
    assert_ptr_equal(guest_memory(0, a + 0x1000), guest_memory(1, b + 0x1000));
    assert_int_equal(control_read(0, a, CONTROL_IDX), 0);
    assert_int_equal(control_read(1, b, CONTROL_IDX), 1);
    /* Somebody came: the one who was there is told, and a read of the status ends it. */
    assert_true(test_lines[0] && !test_lines[1] && !test_lines[2]);
    assert_int_equal(control_read(0, a, CONTROL_STATUS), 3 << 16);
    assert_false(test_lines[0]);
    control_write(0, a, CONTROL_NOTIFY, 1 << 1 | 0xfff0fffc);
    assert_true(test_lines[1] && !test_lines[0]);
    control_write(0, a, CONTROL_NOTIFY, 1 << 0); /* itself */
    assert_int_equal(control_read(0, a, CONTROL_STATUS), 3 << 16 | 1);
    assert_int_equal(control_read(1, b, CONTROL_STATUS), 3 << 16 | 1);
    assert_int_equal(control_read(1, b, CONTROL_STATUS), 3 << 16);
    assert_true(!test_lines[0] && !test_lines[1] && test_edges[1] == 1);
    /* The other registers: what is read only, what is write only. */
    control_write(0, a, CONTROL_STATUS, ~0u);
    control_write(0, a, CONTROL_IDX, 7);
    assert_int_equal(control_read(0, a, CONTROL_IDX), 0);
    assert_int_equal(control_read(0, a, CONTROL_NOTIFY) | control_read(0, a, CONTROL_DETACH), 0);
    assert_null(reg_find(&shmem_control_regs, 0x10));
    /* One goes. */
    control_write(1, b, CONTROL_DETACH, 0);
    assert_true(test_lines[0] && guest_regions(1) == 0 && guest_regions(0) == 2);
    assert_int_equal(control_read(0, a, CONTROL_STATUS), 1 << 16);
    control_write(0, a, CONTROL_NOTIFY, 2);
    assert_false(test_lines[1]);
}

static void each_status(void **state)
{
    static const char *const options[] = { "armature,memory", "0x6000", "armature,access", "deny secret*", NULL };
    char longest[SHMEM_NAME + 4];
    uint64_t at;
    (void)state;
    assert_int_equal(shmem_make(0, options), EOK);
    memset(longest, 'n', sizeof(longest));
    longest[SHMEM_NAME] = 0;
    assert_int_equal(shmem_attach(0, "", 1, &at), GSS_ILLEGAL_NAME);
    assert_int_equal(shmem_attach(0, "a b", 1, &at), GSS_ILLEGAL_NAME);
    assert_int_equal(shmem_attach(0, "\x7f", 1, &at), GSS_ILLEGAL_NAME);
    assert_int_equal(shmem_attach(0, longest, 1, &at), GSS_ILLEGAL_NAME); /* 32 bytes and no NUL */
    longest[SHMEM_NAME - 1] = 0;
    assert_int_equal(shmem_attach(0, longest, 1, &at), GSS_OK);
    assert_int_equal(shmem_attach(0, "secrets", 1, &at), GSS_NO_PERMISSION);
    assert_int_equal(shmem_attach(0, "none", 0, &at), GSS_DOES_NOT_EXIST);
    assert_int_equal(shmem_attach(0, "big", 6, &at), GSS_NOMEM);
    assert_int_equal(shmem_attach(0, "big", UINT32_MAX, &at), GSS_NOMEM);
    assert_int_equal(shmem_attach(0, "big", 5, &at), GSS_OK);
    assert_int_equal(shmem_attach(0, "big", 5, &at), GSS_OK); /* has it already */
    assert_int_equal(guest_regions(0), 4);
    for (unsigned n = 1; n < 16; n++) {
        assert_int_equal(shmem_make(n, NULL), EOK);
        assert_int_equal(shmem_attach(n, "big", 0, &at), GSS_OK);
        assert_int_equal(control_read(n, at, CONTROL_IDX), n);
    }
    assert_int_equal(shmem_make(16, NULL), EOK);
    assert_int_equal(shmem_attach(16, "big", 0, &at), GSS_CLIENT_MAX);
    assert_int_equal(guest_regions(16), 0);
    shmem_control_code(5, VDEV_CTRL_TERMINATE);
    assert_int_equal(shmem_attach(16, "big", 0, &at), GSS_OK);
    assert_int_equal(control_read(16, at, CONTROL_STATUS), UINT32_C(0xffff) << 16);
    assert_int_equal(control_read(16, at, CONTROL_IDX), 5);
    /* The last of the codes: what is the guest's own limit, and what the address space refuses, at either of its two steps. */
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(shmem_attach(1, (const char[]){ (char)('a' + i), 0 }, 1, &at),
                         i < 3 ? GSS_OK : GSS_UNKNOWN_FAILURE);
    for (test_soft_left = 0; test_soft_left < 2;) {
        unsigned left = test_soft_left, before = guest_regions(2);
        test_soft_error = ENOMEM;
        assert_int_equal(shmem_attach(2, "refused", 1, &at), GSS_UNKNOWN_FAILURE);
        assert_int_equal(guest_regions(2), before);
        test_soft_error = 0;
        assert_int_equal(factory_write(2, FACTORY_FIND, 4, 5), VRS_NORMAL);
        assert_int_equal(field(2, FACTORY_STATUS, 4), GSS_DOES_NOT_EXIST); /* it is not kept half-made */
        test_soft_left = left + 1;
    }
}

static void find_goes_through_what_may_be_seen(void **state)
{
    static const char *const options[] = { "armature,access", "deny b", "armature,subst", "my-,one-", NULL };
    uint64_t at;
    (void)state;
    make(1);
    assert_int_equal(shmem_make(1, options), EOK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(shmem_attach(0, (const char[]){ (char)('a' + i), 0 }, i + 1, &at), GSS_OK);
    assert_int_equal(shmem_attach(0, "one-x", 1, &at), GSS_OK);
    static const struct {
        const char *name;
        uint32_t size;
    } seen[] = { { "a", 1 }, { "c", 3 }, { "my-x", 1 } };
    for (unsigned i = 0; i < ARRAY_LEN(seen); i++) {
        char name[SHMEM_NAME];
        assert_int_equal(factory_write(1, FACTORY_FIND, 4, i), VRS_NORMAL);
        for (unsigned c = 0; c < SHMEM_NAME; c++)
            name[c] = (char)field(1, FACTORY_NAME + c, 1);
        assert_string_equal(name, seen[i].name);
        assert_int_equal(field(1, FACTORY_SIZE, 4), seen[i].size);
        assert_int_equal(field(1, FACTORY_STATUS, 4) | field(1, FACTORY_SHMEM, 8), 0);
    }
    factory_write(1, FACTORY_FIND, 4, 3);
    assert_int_equal(field(1, FACTORY_STATUS, 4), GSS_DOES_NOT_EXIST);
    factory_write(1, FACTORY_FIND, 4, UINT32_MAX);
    assert_int_equal(field(1, FACTORY_STATUS, 4), GSS_DOES_NOT_EXIST);
    /* The name that was found leads there; and then it is seen where it is. */
    assert_int_equal(shmem_attach(1, "my-x", 0, &at), GSS_OK);
    factory_write(1, FACTORY_FIND, 4, 2);
    assert_int_equal(field(1, FACTORY_SHMEM, 8), at);
}

/* It is zero for who makes it, whoever had the memory; and no one waits for all of it at once. */
static void memory_is_zeroed_before_it_is_seen(void **state)
{
    uint64_t at, pages = 0x100000 / 0x1000;
    unsigned again = 0;
    (void)state;
    make(1);
    factory_write(0, FACTORY_NAME, 1, 'x');
    while (factory_write(0, FACTORY_SIZE, 4, pages) == VRS_NO_ADVANCE) {
        assert_int_equal(guest_regions(0), 0);
        again++;
    }
    assert_int_equal(again, pages / SHMEM_ZERO_PAGES - 1);
    assert_int_equal(test_zeroed_most, SHMEM_ZERO_PAGES * 0x1000);
    at = field(0, FACTORY_SHMEM, 8);
    for (unsigned i = 0; i < pages * 0x1000; i++)
        assert_int_equal(guest_memory(0, at + 0x1000)[i], 0);
    memset(guest_memory(0, at + 0x1000), 0x5a, pages * 0x1000);
    control_write(0, at, CONTROL_DETACH, 0);
    assert_int_equal(shmem_attach(0, "y", pages, &at), GSS_OK);
    assert_int_equal(guest_memory(0, at + 0x1000)[0] | guest_memory(0, at + 0x1000)[pages * 0x1000 - 1], 0);
}

/* One begins; another asks for the same before it is done; the first thinks better of it, or is no more. */
static void half_made(void **state)
{
    uint64_t at;
    (void)state;
    for (unsigned ends = 0; ends < 2; ends++) {
        shmem_test_begin();
        make(2);
        factory_write(0, FACTORY_NAME, 1, 'x');
        factory_write(1, FACTORY_NAME, 1, 'x');
        assert_int_equal(factory_write(0, FACTORY_SIZE, 4, 64), VRS_NO_ADVANCE);
        assert_int_equal(factory_write(1, FACTORY_SIZE, 4, 64), VRS_NO_ADVANCE);
        if (ends) {
            shmem_control_code(0, VDEV_CTRL_TERMINATE);
        } else {
            assert_int_equal(shmem_attach(0, "y", 1, &at), GSS_OK);
            assert_int_equal(control_read(0, at, CONTROL_STATUS), 1 << 16);
        }
        assert_int_equal(factory_write(1, FACTORY_SIZE, 4, 64), VRS_NO_ADVANCE);
        assert_int_equal(factory_write(1, FACTORY_SIZE, 4, 64), VRS_NORMAL);
        at = field(1, FACTORY_SHMEM, 8);
        assert_int_equal(control_read(1, at, CONTROL_STATUS), 2 << 16); /* the first is no client */
        for (unsigned i = 0; i < 64 * 0x1000; i++)
            assert_int_equal(guest_memory(1, at + 0x1000)[i], 0);
    }
    /* Begun and left, the memory is free again. */
    shmem_test_begin();
    make(1);
    factory_write(0, FACTORY_NAME, 1, 'x');
    assert_int_equal(factory_write(0, FACTORY_SIZE, 4, 256), VRS_NO_ADVANCE);
    assert_int_equal(shmem_attach(0, "y", 256, &at), GSS_OK);
}

static void a_crashed_client(void **state)
{
    uint64_t a, b, c;
    (void)state;
    make(2);
    assert_int_equal(shmem_attach(0, "x", 1, &a), GSS_OK);
    assert_int_equal(shmem_attach(1, "x", 1, &b), GSS_OK);
    assert_int_equal(shmem_attach(1, "other", 1, &c), GSS_OK);
    control_read(0, a, CONTROL_STATUS);
    control_write(0, a, CONTROL_NOTIFY, 2);
    assert_true(test_lines[1]);
    shmem_control_code(1, VDEV_CTRL_TERMINATE);
    assert_true(test_lines[0] && !test_lines[1]);
    assert_int_equal(control_read(0, a, CONTROL_STATUS), 1 << 16);
    shmem_control_code(1, VDEV_CTRL_RESET);
    assert_int_equal(guest_regions(1), 0);
    assert_int_equal(field(1, FACTORY_SHMEM, 8) | field(1, FACTORY_STATUS, 4) | field(1, FACTORY_SIZE, 4) |
                         field(1, FACTORY_NAME, 4),
                     0);
    /* And again, as it was at the start. */
    assert_int_equal(shmem_attach(1, "x", 0, &b), GSS_OK);
    assert_int_equal(b, TEST_WINDOW);
    shmem_control_code(1, VDEV_CTRL_STATUS);
    assert_int_equal(shmem_attach(1, "other", 0, &c), GSS_DOES_NOT_EXIST);
}

static void no_leak(void **state)
{
    static const char *const options[] = { "armature,memory", "0x10000", NULL };
    uint64_t a, b;
    (void)state;
    assert_int_equal(shmem_make(0, options), EOK);
    assert_int_equal(shmem_make(1, options), EOK);
    for (unsigned i = 0; i < 100000; i++) {
        assert_int_equal(shmem_attach(i % 2, "x", i % 16 + 1, &a), GSS_OK);
        assert_int_equal(shmem_attach((i + 1) % 2, "x", 1, &b), GSS_OK);
        assert_int_equal(*(uint64_t *)guest_memory(i % 2, a + 0x1000), 0);
        *(uint64_t *)guest_memory(i % 2, a + 0x1000) = i + 1;
        control_write(i % 2, a, CONTROL_DETACH, 1);
        if (i % 3)
            control_write((i + 1) % 2, b, CONTROL_DETACH, 1);
        else
            shmem_control_code((i + 1) % 2, VDEV_CTRL_TERMINATE);
    }
    assert_int_equal(guest_regions(0) + guest_regions(1), 0);
    assert_true(!test_lines[0] && !test_lines[1]);
    for (unsigned i = 0; region_at(i); i++)
        assert_int_equal(region_at(i)->name[0], 0);
    assert_int_equal(shmem_attach(0, "all", 16, &a), GSS_OK);
}

static void created_by_the_description(void **state)
{
    static const char *const one[] = { "armature,memory", "0", "armature,create", "log,0x3000", NULL };
    static const char *const other[] = { "armature,create", "log,0x4000", NULL };
    uint64_t at;
    (void)state;
    assert_int_equal(shmem_make(0, one), EOK);
    assert_int_equal(shmem_make(1, one), EOK); /* the same one */
    assert_int_equal(shmem_make(2, other), EEXIST);
    assert_string_equal(test_log, "/vm/shmem: shared memory log has 0x4000 bytes here and 0x3000 in /vm/shmem");
    assert_int_equal(shmem_attach(0, "log", 9, &at), GSS_OK);
    assert_int_equal(field(0, FACTORY_SIZE, 4), 3);
    assert_int_equal(shmem_attach(0, "own", 1, &at), GSS_NOMEM); /* it has no memory for its own */
    at = TEST_WINDOW;
    guest_memory(0, at + 0x1000)[5] = 7;
    control_write(0, at, CONTROL_DETACH, 0);
    /* It stays, and what was in it is gone. */
    assert_int_equal(shmem_attach(1, "log", 0, &at), GSS_OK);
    assert_int_equal(guest_memory(1, at + 0x1000)[5], 0);
}

static void large_ones_lie_as_their_memory_does(void **state)
{
    static const char *const options[] = { "armature,memory", "0x600000", NULL };
    uint64_t at;
    (void)state;
    assert_int_equal(shmem_make(0, options), EOK);
    assert_int_equal(shmem_attach(0, "small", 1, &at), GSS_OK);
    assert_int_equal(shmem_attach(0, "large", 512, &at), GSS_OK);
    assert_int_equal(at, TEST_WINDOW + MIB(2) - 0x1000);
    assert_int_equal((guest_memory(0, at + 0x1000) - test_memory) % MIB(2), 0);
    assert_int_equal(shmem_attach(0, "between", 500, &at), GSS_OK);
    assert_int_equal(at, TEST_WINDOW + 0x2000);
    assert_int_equal(shmem_attach(0, "too large", 512, &at), GSS_ILLEGAL_NAME);
    assert_int_equal(shmem_attach(0, "too-large", 513, &at),
                     GSS_NOMEM); /* of 6 MiB, behind the small ones 2 are left */
}

static void options_that_are_refused(void **state)
{
    static const struct {
        const char *name, *value, *why;
    } bad[] = {
        { "armature,memory", "0x1001", "armature,memory: 0x1001 is no whole number of pages of 4 KiB" },
        { "armature,attachments", "0", "armature,attachments is 0: 1 to 16 is possible" },
        { "armature,create", "x", "\"x\": not \"NAME,SIZE\"" },
        { "armature,create", ",4096", "a name is 1 to 31 printable characters" },
        { "armature,create", "x,5000", "no whole number of pages" },
        { "armature,create", "x,lots", "\"lots\" is no number" },
        { "armature,access", "allowx", "not \"allow PATTERN\" or \"deny PATTERN\"" },
        { "armature,access", "allow ", "no pattern" },
        { "armature,access", "deny a[b", "no pattern" },
        { "armature,subst", "x", "not \"MATCH,PREFIX\"" },
        { "armature,subst", "x,01234567890123456789012345678901", "longer than a name" },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        const char *const options[] = { bad[i].name, bad[i].value, NULL };
        shmem_test_begin();
        assert_int_equal(shmem_make(0, options), EINVAL);
        assert_non_null(strstr(test_log, bad[i].why));
    }
    static const char *const much[] = { "armature,memory", "0x10000000", NULL };
    assert_int_equal(shmem_make(0, much), ENOMEM);
}

static void globs(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool match;
    } rows[] = {
        { "*", "", true },
        { "*", "x", true },
        { "", "", true },
        { "", "x", false },
        { "pluto*", "pluto", true },
        { "pluto*", "plut", false },
        { "*o", "pluto", true },
        { "*o*o", "pluto", false },
        { "a*b*c", "aXbYbZc", true },
        { "a*b*c", "acb", false },
        { "?", "", false },
        { "??", "ab", true },
        { "[a-c]x", "bx", true },
        { "[a-c]x", "dx", false },
        { "[!a-c]x", "dx", true },
        { "[!a-c]x", "ax", false },
        { "[]]", "]", true },
        { "[a-]", "-", true },
        { "\\*", "*", true },
        { "\\*", "x", false },
        { "**a", "bba", true },
        { "*[0-9]", "frame7", true },
        { "x[", "x[", true },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(glob_match(rows[i].pattern, rows[i].text), rows[i].match);
    assert_true(glob_is_sound("a[b]*?\\]") && glob_is_sound("[]]"));
    assert_false(glob_is_sound("a\\") || glob_is_sound("[a") || glob_is_sound("[!]"));
}

static void access_rules(void **state)
{
    static const char *const mixed[] = { "armature,access", "deny pluto", "armature,access", "allow pluto*", NULL };
    static const char *const denies[] = { "armature,access", "deny a*", NULL };
    static const char *const allows[] = { "armature,access", "allow a*", NULL };
    static const struct {
        const char *const *options;
        const char *name;
        uint32_t status;
    } rows[] = {
        { NULL, "any", GSS_OK },
        { mixed, "pluto", GSS_NO_PERMISSION },
        { mixed, "plutoplanet", GSS_OK },
        { mixed, "mars", GSS_NO_PERMISSION },
        { denies, "ab", GSS_NO_PERMISSION },
        { denies, "b", GSS_OK },
        { allows, "ab", GSS_OK },
        { allows, "b", GSS_NO_PERMISSION },
    };
    uint64_t at;
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        shmem_test_begin();
        assert_int_equal(shmem_make(0, rows[i].options), EOK);
        assert_int_equal(shmem_attach(0, rows[i].name, 1, &at), rows[i].status);
    }
}

static void substitutions(void **state)
{
    static const char *const options[] = { "armature,subst", "my-,vm1-", "armature,subst", ",all-", NULL };
    uint64_t a, b;
    (void)state;
    assert_int_equal(shmem_make(0, options), EOK);
    assert_int_equal(shmem_make(1, NULL), EOK);
    assert_int_equal(shmem_attach(0, "my-x", 1, &a), GSS_OK);
    assert_int_equal(shmem_attach(1, "vm1-x", 0, &b), GSS_OK);
    assert_int_equal(shmem_attach(0, "x", 1, &a), GSS_OK);
    assert_int_equal(shmem_attach(1, "all-x", 0, &b), GSS_OK);
    assert_ptr_equal(guest_memory(0, a + 0x1000), guest_memory(1, b + 0x1000));
    assert_int_equal(shmem_attach(0, "my-345678901234567890123456789", 1, &a), GSS_OK); /* 30 and 1 more */
    assert_int_equal(shmem_attach(0, "my-3456789012345678901234567890", 1, &a), GSS_ILLEGAL_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(factory_page_by_any_width, setup),
        cmocka_unit_test_setup(what_is_read_only_stays, setup),
        cmocka_unit_test_setup(name_and_the_registers_that_act, setup),
        cmocka_unit_test_setup(peers_share_and_notify, setup),
        cmocka_unit_test_setup(each_status, setup),
        cmocka_unit_test_setup(find_goes_through_what_may_be_seen, setup),
        cmocka_unit_test_setup(memory_is_zeroed_before_it_is_seen, setup),
        cmocka_unit_test_setup(half_made, setup),
        cmocka_unit_test_setup(a_crashed_client, setup),
        cmocka_unit_test_setup(no_leak, setup),
        cmocka_unit_test_setup(created_by_the_description, setup),
        cmocka_unit_test_setup(large_ones_lie_as_their_memory_does, setup),
        cmocka_unit_test_setup(options_that_are_refused, setup),
        cmocka_unit_test_setup(globs, setup),
        cmocka_unit_test_setup(access_rules, setup),
        cmocka_unit_test_setup(substitutions, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
