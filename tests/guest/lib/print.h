/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A polled PL011 and a small printf: %s %c %d %u %x with l, zero padding and width. */
#include "hyp/base/bits.h"

#define UART_BASE UINT64_C(0x09000000)
#define UART_SPI 1

void uart_putc(char c);
/* The next received byte, or -1. */
int uart_getc(void);
/* "\n" is sent as "\r\n". One core at a time. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

size_t string_length(const char *s);
bool string_equal(const char *a, const char *b);
/* Is `word` one of the comma-separated words of `list`? */
bool list_has(const char *list, const char *word);
