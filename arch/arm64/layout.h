/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* EL2's address map and stack geometry as plain numbers: C, assembly and the linker script read them. */

#define HYP_VA_IMAGE 0x0000f00000000000
#define HYP_VA_STACKS 0x0000f00040000000
#define HYP_VA_THREADS 0x0000f0007fe00000
#define HYP_VA_DEVICES 0x0000f00080000000
#define HYP_VA_WINDOWS 0x0000f000c0000000
#define HYP_VA_VIEWS 0x0000f000e0000000
#define HYP_VIEWS_SIZE 0x200000
#define HYP_VA_DIRECT 0x0000800000000000

/* A core's slot: a guard as large as the stack, the stack, a guard page, the emergency stack, and unmapped up to the next. */
#define STACK_SLOT_SIZE 0x40000
#define EMERGENCY_STACK_SIZE 0x1000
