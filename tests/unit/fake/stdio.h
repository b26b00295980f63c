/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The host's stdio.h, with newlib's integer-only printf family under its own names. */
#include_next <stdio.h>

#define sniprintf snprintf
#define vsniprintf vsnprintf
