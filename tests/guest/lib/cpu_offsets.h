/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Offsets that assembly needs; asserted against the C structures where those are defined. */
#define CPU_ENTRY 0
#define CPU_SPSEL 248
#define CPU_DAIF 256
#define CPU_EL 264
#define CPU_SP 272
#define CPU_SIZE 4096
#define STACK_SHIFT 14
#define FRAME_SIZE 288
