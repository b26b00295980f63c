/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* For tests that read trees: a log that can be searched, trees from source text, random damage. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was logged since the last log_forget(). */
void log_forget(void);
bool log_has(const char *text);
const char *log_all(void);

/* Compiles with dtc into exactly as many bytes as the tree has, so that the address sanitizer sees a byte too far. */
void *tree_compile(const char *source, size_t *size);
/* A file's bytes, NULL if it cannot be read. */
void *file_read(const char *path, size_t *size);
/* A copy of exactly `size` bytes at a multiple of 16. */
void *bytes_copy(const void *data, size_t size);

/* Numbers that are the same in every run. */
uint32_t random_next(uint32_t *state);
/* Damages a few bytes, as a bad cable or a bad mind would. */
void bytes_damage(uint8_t *data, size_t size, uint32_t *state);
