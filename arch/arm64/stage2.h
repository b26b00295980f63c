/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Stage 2 translation of a VM: how its registers and root are laid out, and the steps of its pt_ops that have register names.
 * Where table pages come from is hyp's.
 */
#include "arch/arm64/pgtable.h"

#define VTTBR_VMID_SHIFT 48
/* More pages than this are not invalidated one by one. */
#define STAGE2_TLBI_PAGES 64

struct stage2_config {
    uint64_t vtcr;
    uint8_t ipa_bits;
    uint8_t start_level;
    uint8_t root_pages; /* concatenated, aligned to their size */
};

/* The physical address size in bits of ID_AA64MMFR0_EL1.PARange, at most the 48 that our descriptors reach. Pure. */
unsigned stage2_pa_bits(unsigned parange);
/* VTCR_EL2, start level and root of an IPA space of ipa_bits on a core with that PARange. Pure. -EINVAL: fewer than 25 bits;
 * -ERANGE: more than the core has. */
int stage2_config(unsigned ipa_bits, unsigned parange, struct stage2_config *out) __must_check;
/* This core's ID_AA64MMFR0_EL1.PARange. */
unsigned stage2_parange(void);
/* Does this core translate with 4 KiB granules at stage 2 (ID_AA64MMFR0_EL1.TGran4_2, TGran4)? Pure. */
bool stage2_granule_ok(uint64_t mmfr0);
uint64_t stage2_vttbr(pa_t root, uint16_t vmid);

/* For struct pt_ops. */
void stage2_store(struct pt *pt, uint64_t *entry, uint64_t value);
void stage2_publish(struct pt *pt);
void stage2_invalidate(struct pt *pt, uint64_t ia, uint64_t size);
