/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Lines typed on the PL011, received by interrupts. */
#include "hyp/base/bits.h"

#define CONSOLE_LINE 256

void console_start(void);
/* Called by the interrupt handler for the UART's INTID. */
void console_handle(void);
/* Takes received bytes, echoes them; true when `line` holds a finished line. Never waits. */
bool console_poll(char line[CONSOLE_LINE]);
/* Bytes that arrived while the ring was full, and overruns that the UART reported. */
uint64_t console_lost(void);
