/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "boards/uart/uart.h"
#include "hyp/base/config.h"

/* A driver's option decides whether its file is linked. */
const struct uart_driver *const uart_drivers[] = {
    IS_ENABLED(CONFIG_UART_PL011) ? &uart_pl011 : NULL,
    IS_ENABLED(CONFIG_UART_AUX) ? &uart_aux : NULL,
    IS_ENABLED(CONFIG_UART_CDNS) ? &uart_cdns : NULL,
};
const unsigned uart_driver_count = ARRAY_LEN(uart_drivers);

const struct uart_driver *uart_driver_find(const char *compatible)
{
    for (unsigned i = 0; i < ARRAY_LEN(uart_drivers); i++)
        if (uart_drivers[i] && !strcmp(uart_drivers[i]->compatible, compatible))
            return uart_drivers[i];
    return NULL;
}

const char *uart_driver_missing(const char *compatible)
{
    static const struct {
        const char *compatible, *option;
    } options[] = {
        { "arm,pl011", "CONFIG_UART_PL011" },
        { "brcm,bcm2835-aux-uart", "CONFIG_UART_AUX" },
        { "cdns,uart-r1p12", "CONFIG_UART_CDNS" },
    };
    for (unsigned i = 0; i < ARRAY_LEN(options); i++)
        if (!strcmp(options[i].compatible, compatible) && !uart_driver_find(compatible))
            return options[i].option;
    return NULL;
}
