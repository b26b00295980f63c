/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* CRC-32 (IEEE 802.3) with the CPU's instructions; optional in ARMv8.0, so ask first. Any phase, any core. */
#include "hyp/base/bits.h"

/* ID_AA64ISAR0_EL1.CRC32 */
bool crc32_insn_present(void);
/* The raw remainder over the data, bit-reflected, without the inversions before and after. */
uint32_t crc32_insn(uint32_t remainder, const uint8_t *data, size_t length);
