/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "hyp/base/log.h"
#include "tests/unit/tree_support.h"

static char log_text[1 << 16];
static size_t log_length;

void log_line(enum log_severity sev, const char *fmt, ...)
{
    char line[1024];
    va_list args;

    (void)sev;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (n < 0 || log_length + sizeof(line) >= sizeof(log_text))
        return;
    log_length += (size_t)snprintf(log_text + log_length, sizeof(log_text) - log_length, "%s\n", line);
}

/* expect_assert_failure() catches it; anywhere else it fails the test. */
_Noreturn void hyp_panic(const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    mock_assert(0, text, __FILE__, __LINE__);
    abort();
}

void log_forget(void)
{
    log_length = 0;
    log_text[0] = 0;
}

bool log_has(const char *text)
{
    return strstr(log_text, text) != NULL;
}

const char *log_all(void)
{
    return log_text;
}

void *bytes_copy(const void *data, size_t size)
{
    void *copy = malloc(size ? size : 1);

    if (!copy)
        abort();
    memcpy(copy, data, size);
    return copy;
}

void *file_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    long length;

    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    length = ftell(f);
    rewind(f);
    void *data = malloc(length > 0 ? (size_t)length : 1);
    *size = data ? fread(data, 1, (size_t)length, f) : 0;
    fclose(f);
    return data;
}

void *tree_compile(const char *source, size_t *size)
{
    char in[] = "/tmp/armature-dts-XXXXXX", out[sizeof(in) + 4], command[160];
    int fd = mkstemp(in);

    if (fd < 0 || write(fd, source, strlen(source)) != (ssize_t)strlen(source))
        abort();
    close(fd);
    snprintf(out, sizeof(out), "%s.dtb", in);
    snprintf(command, sizeof(command), "dtc -f -q -I dts -O dtb -o %s %s", out, in);
    int status = system(command);
    void *tree = status ? NULL : file_read(out, size);
    unlink(in);
    unlink(out);
    if (!tree) {
        fprintf(stderr, "dtc refuses this source:\n%s\n", source);
        abort();
    }
    return tree;
}

uint32_t random_next(uint32_t *state)
{
    /* xorshift, never 0 */
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

void bytes_damage(uint8_t *data, size_t size, uint32_t *state)
{
    static const uint8_t favourites[] = { 0, 1, 2, 3, 4, 9, 0x7f, 0x80, 0xff };

    for (unsigned n = 1 + random_next(state) % 4; n && size; n--) {
        size_t at = random_next(state) % size;
        switch (random_next(state) % 4) {
        case 0: data[at] ^= (uint8_t)(1u << random_next(state) % 8); break;
        case 1: data[at] = favourites[random_next(state) % sizeof(favourites)]; break;
        case 2: data[at] = (uint8_t)random_next(state); break;
        case 3: memmove(data + at, data + at / 2, size - at > 16 ? 16 : size - at); break;
        }
    }
}
