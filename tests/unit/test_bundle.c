/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/bundle.c hyp/bundle_image.c hyp/crc32.c hyp/sha256.c hyp/dt.c hyp/ranges.c tests/unit/tree_support.c tests/unit/bundle_support.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <libfdt.h>
#include "hyp/bundle.h"
#include "tests/unit/bundle_support.h"
#include "tests/unit/tree_support.h"

static uint8_t text_a[5000], text_b[3];

static const struct bundle_part good[] = {
    { .name = "vms", .data = text_b, .size = sizeof(text_b) },
    { .name = "linux", .data = text_a, .size = sizeof(text_a), .format = "image", .algo = "sha256" },
    { .name = "rtos",
      .data = text_a,
      .size = 100,
      .format = "elf",
      .load = 0x40080000,
      .entry = 0x40080010,
      .bss = 0x2000 },
};

static void data_fill(void)
{
    uint32_t seed = 99;

    for (size_t i = 0; i < sizeof(text_a); i++)
        text_a[i] = (uint8_t)random_next(&seed);
    memcpy(text_b, "abc", 3);
}

static void hash_values(void **state)
{
    /* FIPS 180-4's examples and the CRC catalogue's check value. */
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    uint8_t digest[32], *zeros = calloc(1, 1000);
    char hex[65];

    (void)state;
    assert_int_equal(crc32_ieee(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(crc32_ieee(crc32_ieee(0, "1234", 4), "56789", 5), 0xcbf43926);
    crc32_insn_on = 1;
    assert_int_equal(crc32_ieee(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(crc32_insn_calls, 1);
    crc32_insn_on = 0;
    sha256("abc", 3, digest);
    for (unsigned i = 0; i < 32; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256(two_blocks, strlen(two_blocks), digest);
    for (unsigned i = 0; i < 32; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    sha256("", 0, digest);
    assert_int_equal(digest[0], 0xe3);
    for (size_t n = 0; n < 200; n++) /* lengths around the padding's edges: no byte too far */
        sha256(zeros, n, digest);
    free(zeros);
}

static void bundle_good(void **state)
{
    struct bundle b;
    struct image image;
    size_t size;
    uint8_t *bytes = bundle_make(good, 3, &size);

    (void)state;
    log_forget();
    assert_int_equal(bundle_open(bytes, size, &b), 0);
    assert_int_equal(b.size, size);
    assert_int_equal(bundle_image(&b, "linux", "/a/chosen", &image), 0);
    assert_string_equal(image.name, "linux");
    assert_int_equal(image.size, sizeof(text_a));
    assert_memory_equal(image.data, text_a, sizeof(text_a));
    assert_int_equal(image.format, IMAGE_ARM64);
    assert_false(image.has_load);
    assert_int_equal(bundle_image(&b, "rtos", "/b/chosen", &image), 0);
    assert_int_equal(image.format, IMAGE_ELF);
    assert_true(image.has_load && image.has_entry);
    assert_int_equal(image.load, 0x40080000);
    assert_int_equal(image.entry, 0x40080010);
    assert_int_equal(image.bss, 0x2000);
    assert_string_equal(log_all(), "");
    assert_int_equal(bundle_image(&b, "lin", "/a/chosen", &image), -ENOENT);
    assert_true(log_has("/a/chosen: image \"lin\" is not in the bundle"));
    assert_int_equal(bundle_image(&b, "", "/a/chosen", &image), -ENOENT);
    free(bytes);
}

static void bundle_torn(void **state)
{
    struct bundle b;
    struct image image;
    size_t size;
    uint8_t *bytes = bundle_make(good, 3, &size);

    (void)state;
    for (size_t cut = 0; cut < size; cut += cut < 0x2000 ? 61 : 509) {
        uint8_t *torn = bytes_copy(bytes, cut);
        log_forget();
        assert_int_equal(bundle_open(torn, cut, &b), -EINVAL);
        assert_true(log_has("bundle: truncated"));
        free(torn);
    }
    /* Torn by someone who corrects the header: the image that is not whole is named. */
    uint64_t less = size - 4096;
    memcpy(bytes + 0x10, &less, 8);
    bundle_seal(bytes);
    assert_int_equal(bundle_open(bytes, less, &b), 0);
    assert_int_equal(bundle_image(&b, "rtos", "/vm", &image), -EINVAL);
    assert_true(log_has("/vm: image \"rtos\": truncated"));
    free(bytes);
}

static int open_changed(uint8_t *bytes, size_t size, size_t at, uint8_t value, bool sealed)
{
    struct bundle b;
    uint8_t *copy = bytes_copy(bytes, size);

    log_forget();
    copy[at] = value;
    if (sealed)
        bundle_seal(copy);
    int err = bundle_open(copy, size, &b);
    free(copy);
    return err;
}

static void bundle_header_faults(void **state)
{
    size_t size;
    uint8_t *bytes = bundle_make(good, 3, &size);

    (void)state;
    assert_int_equal(open_changed(bytes, size, 0, 'X', false), -EINVAL);
    assert_true(log_has("no magic \"ARMABNDL\""));
    assert_int_equal(open_changed(bytes, size, 8, 2, false), -EINVAL);
    assert_true(log_has("wrong checksum of the header"));
    assert_int_equal(open_changed(bytes, size, 8, 2, true), -EINVAL);
    assert_true(log_has("version 2"));
    assert_int_equal(open_changed(bytes, size, BUNDLE_HEADER_SIZE + 60, 77, false), -EINVAL);
    assert_true(log_has("wrong checksum of its tree"));
    assert_int_equal(open_changed(bytes, size, BUNDLE_HEADER_SIZE, 0, true), -EINVAL);
    assert_true(log_has("not a device tree"));
    /* A tree as long as everything, and one longer than all addresses. */
    uint64_t tree = size;
    memcpy(bytes + 0x18, &tree, 8);
    uint32_t crc = crc32_ieee(0, bytes, 0x24);
    memcpy(bytes + 0x24, &crc, 4);
    assert_int_equal(open_changed(bytes, size, 0x1f, 0, false), -EINVAL);
    assert_true(log_has("does not fit"));
    bytes[0x1f] = 0xff;
    crc = crc32_ieee(0, bytes, 0x24);
    memcpy(bytes + 0x24, &crc, 4);
    assert_int_equal(open_changed(bytes, size, 0x1f, 0xff, false), -EINVAL);
    assert_true(log_has("does not fit"));
    free(bytes);
}

static int image_of(const struct bundle_part *parts, unsigned count, const char *name, bool damage)
{
    struct bundle b;
    struct image image;
    size_t size;
    uint8_t *bytes = bundle_make(parts, count, &size);

    log_forget();
    if (damage)
        bytes[size - 4096] ^= 1;
    int err = bundle_open(bytes, size, &b);
    if (!err)
        err = bundle_image(&b, name, "/vm", &image);
    free(bytes);
    return err;
}

static void bundle_image_faults(void **state)
{
    struct bundle_part parts[2] = { good[0], good[1] };

    (void)state;
    parts[1].size = 4000;
    assert_int_equal(image_of(parts, 2, "linux", false), 0);
    assert_int_equal(image_of(parts, 2, "linux", true), -EBADMSG);
    assert_true(log_has("/vm: image \"linux\": wrong sha256"));
    parts[1].algo = "crc32";
    assert_int_equal(image_of(parts, 2, "linux", true), -EBADMSG);
    assert_true(log_has("/vm: image \"linux\": wrong crc32"));
    parts[1].algo = "md5";
    assert_int_equal(image_of(parts, 2, "linux", false), -EBADMSG);
    assert_true(log_has("unknown kind \"md5\""));
    parts[1].algo = "";
    assert_int_equal(image_of(parts, 2, "linux", false), -EBADMSG);
    assert_true(log_has("has no hash"));
    parts[1].algo = NULL;
    parts[1].offset = 1 + 2;
    assert_int_equal(image_of(parts, 2, "linux", false), -EINVAL);
    assert_true(log_has("/vm: image \"linux\" overlaps image \"vms\""));
    assert_int_equal(image_of(parts, 2, "vms", false), -EINVAL);
    assert_true(log_has("/vm: image \"vms\" overlaps image \"linux\""));
    parts[1].offset = 0;
    parts[1].format = "tar";
    assert_int_equal(image_of(parts, 2, "linux", false), -EINVAL);
    assert_true(log_has("unknown armature,format \"tar\""));
    parts[1].format = NULL;
    parts[1].size = 0;
    assert_int_equal(image_of(parts, 2, "linux", false), -EINVAL);
    assert_true(log_has("image \"linux\" is empty"));
}

/* What mkimage makes is what is read: two images, one of each hash. */
static void bundle_mkimage(void **state)
{
    char folder[] = "/tmp/armature-fit-XXXXXX", command[600];
    struct bundle b;
    struct image image;
    size_t fit_size;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof(command),
             "cd %s && printf 'hello, world' >one && head -c 9001 /dev/zero >two && echo '/dts-v1/; / { description = "
             "\"test\"; #address-cells = <1>; images {"
             " vms { description = \"d\"; data = /incbin/(\"one\"); type = \"flat_dt\"; arch = \"arm64\"; compression "
             "= \"none\"; hash-1 { algo = \"crc32\"; }; };"
             " two { description = \"t\"; data = /incbin/(\"two\"); type = \"firmware\"; arch = \"arm64\"; compression "
             "= \"none\";"
             " armature,format = \"raw\"; hash-1 { algo = \"sha256\"; }; }; }; };' >x.its"
             " && mkimage -f x.its -E -B 0x1000 x.fit >/dev/null 2>&1",
             folder);
    int status = system(command);
    snprintf(command, sizeof(command), "%s/x.fit", folder);
    uint8_t *fit = status ? NULL : file_read(command, &fit_size);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    (void)!system(command);
    if (!fit)
        skip();
    size_t size = BUNDLE_HEADER_SIZE + fit_size;
    uint8_t *bytes = calloc(1, size);
    struct {
        char magic[8];
        uint32_t version, header;
        uint64_t total, tree;
    } header = { BUNDLE_MAGIC, 1, 4096, size, fdt_totalsize(fit) };
    memcpy(bytes, &header, sizeof(header));
    memcpy(bytes + BUNDLE_HEADER_SIZE, fit, fit_size);
    bundle_seal(bytes);
    assert_int_equal(bundle_open(bytes, size, &b), 0);
    assert_int_equal(bundle_image(&b, "vms", "/", &image), 0);
    assert_int_equal(image.size, 12);
    assert_memory_equal(image.data, "hello, world", 12);
    assert_int_equal((image.data - bytes) % 4096, 0);
    assert_int_equal(bundle_image(&b, "two", "/", &image), 0);
    assert_int_equal(image.size, 9001);
    assert_int_equal(image.format, IMAGE_RAW);
    free(bytes);
    free(fit);
}

static void bundle_hostile(void **state)
{
    uint32_t seed = 4711;
    size_t size;
    uint8_t *bytes = bundle_make(good, 3, &size);
    unsigned opened = 0, whole = 0;

    (void)state;
    for (unsigned round = 0; round < 6000; round++) {
        uint8_t *copy = bytes_copy(bytes, size);
        struct bundle b;
        struct image image;
        bool header = random_next(&seed) % 8 == 0;
        bytes_damage(header ? copy + 8 : copy + BUNDLE_HEADER_SIZE, header ? 0x18 : 1400, &seed);
        uint64_t tree;
        memcpy(&tree, copy + 0x18, sizeof(tree));
        if (tree <= size - BUNDLE_HEADER_SIZE)
            bundle_seal(copy);
        log_forget();
        int err = bundle_open(copy, size, &b);
        assert_true(err == 0 || log_all()[0]);
        if (!err) {
            opened++;
            for (unsigned i = 0; i < 3; i++) {
                err = bundle_image(&b, good[i].name, "/vm", &image);
                whole += err == 0;
                assert_true(err == 0 || log_has("/vm: image"));
                assert_true(err || (image.data >= copy && image.data + image.size <= copy + size));
            }
        }
        free(copy);
    }
    assert_true(opened > 300 && whole > 300);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_values),          cmocka_unit_test(bundle_good),         cmocka_unit_test(bundle_torn),
        cmocka_unit_test(bundle_header_faults), cmocka_unit_test(bundle_image_faults), cmocka_unit_test(bundle_mkimage),
        cmocka_unit_test(bundle_hostile),
    };

    data_fill();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
