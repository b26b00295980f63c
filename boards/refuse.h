/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>
/* Called by start-up assembly with the MMU off; say on the board's early UART why we stop. */
void boot_wrong_el(uint64_t el);
void boot_vhe_only(void);
