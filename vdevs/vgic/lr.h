/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Which virqs go into list registers when there may be more than fit. Pure. */
#include "vdevs/vgic/virq.h"

struct lr_choice {
    struct virq *virq[GIC_MAX_LRS];
    uint16_t deliver; /* bit n: virq[n] is to be signalled (else it is active only) */
    uint8_t count;
    bool active_out;  /* an active one found no place: its EOI or deactivation must come to EL2 */
    bool pending_out; /* one that could be signalled found no place */
    uint8_t
        closed_out; /* groups, as in `groups`, of which one is kept back because the CPU interface has closed its group */
};

/*
 * Chooses from a queue in priority order. groups: enabled in the distributor (bit 0: group 0, bit 1: group 1); open: enabled in the virtual CPU
 * interface as well: what is closed is kept back while there are too many. What is chosen is the first of the queue, so that active ones
 * which found no place are of lower priority than those that did, and holds at least one to be signalled if there is any.
 */
void lr_choose(const struct list *queue, unsigned lr_count, unsigned groups, unsigned open, struct lr_choice *out);
