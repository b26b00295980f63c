/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Devices of the machine that vdevs have claimed. */
#include "hyp/base/phase.h"

/* How many there are, and back to so many: of a VM that was refused nothing remains claimed. */
unsigned host_claims(void) __startup;
void host_claims_forget(unsigned before) __startup;
