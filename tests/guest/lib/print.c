/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/regs.h"

#define UARTDR 0x00
#define UARTFR 0x18
#define FR_RXFE BIT(4)
#define FR_TXFF BIT(5)

void uart_putc(char c)
{
    while (read32(UART_BASE + UARTFR) & FR_TXFF)
        ;
    write32(UART_BASE + UARTDR, (unsigned char)c);
}

int uart_getc(void)
{
    if (read32(UART_BASE + UARTFR) & FR_RXFE)
        return -1;
    return (int)(read32(UART_BASE + UARTDR) & 0xff);
}

static void put(char c)
{
    if (c == '\n')
        uart_putc('\r');
    uart_putc(c);
}

static void put_number(uint64_t v, unsigned int base, unsigned int width, char pad, bool negative)
{
    char digits[24];
    unsigned int n = 0;
    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    if (negative)
        digits[n++] = '-';
    for (unsigned int i = n; i < width; i++)
        put(pad);
    while (n)
        put(digits[--n]);
}

static void put_string(const char *s, unsigned int width)
{
    unsigned int n = 0;
    for (; *s; s++, n++)
        put(*s);
    for (; n < width; n++)
        put(' ');
}

static void put_signed(int64_t v, unsigned int width, char pad)
{
    put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10, width, pad, v < 0);
}

void print(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(*fmt);
            continue;
        }
        unsigned int width = 0;
        bool is_long = false;
        char pad = *++fmt == '0' ? '0' : ' ';
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = width * 10 + (unsigned int)(*fmt - '0');
        for (; *fmt == 'l'; fmt++)
            is_long = true;
        if (*fmt == 's')
            put_string(va_arg(ap, const char *), width);
        else if (*fmt == 'c')
            put((char)va_arg(ap, int));
        else if (*fmt == 'd')
            put_signed(is_long ? va_arg(ap, int64_t) : va_arg(ap, int), width, pad);
        else if (*fmt == 'u' || *fmt == 'x')
            put_number(is_long ? va_arg(ap, uint64_t) : va_arg(ap, unsigned int), *fmt == 'u' ? 10 : 16, width, pad,
                       false);
        else
            put(*fmt);
    }
    va_end(ap);
}

size_t string_length(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

bool string_equal(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

bool list_has(const char *list, const char *word)
{
    size_t n = string_length(word);
    while (*list) {
        size_t i = 0;
        while (i < n && list[i] == word[i])
            i++;
        if (i == n && (list[n] == ',' || list[n] == '\0' || list[n] == ' '))
            return true;
        while (*list && *list != ',')
            list++;
        if (*list)
            list++;
    }
    return false;
}
