/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Registers of Arm's PL031 real-time clock (DDI 0224C chapter 3): EL2 reads one and shows guests others. */
#include "bits.h"

#define RTCDR 0x000
#define RTCMR 0x004
#define RTCLR 0x008
#define RTCCR 0x00c
#define RTCCR_START BIT(0)
#define RTCIMSC 0x010
#define RTCRIS 0x014
#define RTCMIS 0x018
#define RTCICR 0x01c
#define RTCINT BIT(0) /* of the four above */
#define RTCPERIPHID0 0xfe0
