/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* EL2's own memory on the host: each object by itself, so that the address sanitizer sees a byte too far. */

/* Gives everything back, as the end of a test does. */
void alloc_forget(void);
/* So many allocations succeed, the ones behind them fail; -1: none does. */
extern int alloc_left;
