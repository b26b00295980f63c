/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "hyp/base/phase.h"

/* The boundary: configuration is const, the startup allocator sealed, startup code unmapped; from here everything is concurrent. */
void startup_end(void) RELEASE(STARTUP) ACQUIRE_SHARED(RUNNING);
