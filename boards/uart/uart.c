/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "boards/uart/uart.h"

static const struct uart_driver *const uart_drivers[] = {
    &uart_pl011,
    &uart_aux,
};

const struct uart_driver *uart_driver_find(const char *compatible)
{
    for (unsigned i = 0; i < ARRAY_LEN(uart_drivers); i++)
        if (!strcmp(uart_drivers[i]->compatible, compatible))
            return uart_drivers[i];
    return NULL;
}
