/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Devices of the machine that vdevs have claimed, and its tree as long as startup lasts. */
#include "hyp/base/phase.h"

/* The tree as the boot loader left it, checked; its seeds are gone. */
const void *host_tree(void) __startup;

/* How many there are, and back to so many: of a VM that was refused nothing remains claimed. */
unsigned host_claims(void) __startup;
void host_claims_forget(unsigned before) __startup;
