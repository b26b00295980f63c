/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the boot loader handed over: the host's tree and the bundle, found, mapped, and read. */
#include "arch/arm64/core_arch.h"
#include "hyp/bundle.h"
#include "hyp/platform.h"

/* Maps and parses the host's tree. On failure (traced) p->uart is the board's own, so that the reason can be shown. */
int boot_platform(const struct hyp_boot_info *info, struct platform *p) __startup __must_check;
/* The bundle from `go`'s argument, /chosen's initrd, or the one that is linked in. -ENOENT, traced: there is none. */
int boot_bundle(const struct platform *p, const struct hyp_boot_info *info, struct bundle *b) __startup __must_check;
