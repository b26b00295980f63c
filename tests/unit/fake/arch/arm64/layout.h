/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* On the host a physical address is the host's own. */
#define HYP_VA_IMAGE 0
#define HYP_VA_STACKS 0
#define HYP_VA_DEVICES 0
#define HYP_VA_WINDOWS 0
#define HYP_VA_VIEWS 0x700000000000
#define HYP_VIEWS_SIZE 0x200000
#define HYP_VA_DIRECT 0
#define STACK_SLOT_SIZE 0x20000
#define EMERGENCY_STACK_SIZE 0x1000
