/* SPDX-License-Identifier: Apache-2.0 */
/* Arm PL031 (DDI 0224C). */
#include "hyp/base/pl031.h"
#include "arch/arm64/mmio.h"
#include "boards/rtc/rtc.h"

static uint64_t pl031_read(volatile void *regs)
{
    return mmio_read32(regs, RTCCR) & RTCCR_START ? mmio_read32(regs, RTCDR) : 0;
}

const struct rtc_driver rtc_pl031 = { "arm,pl031", pl031_read };
