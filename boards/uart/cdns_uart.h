/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Registers of the Cadence UART of Zynq-7000 and Zynq UltraScale+ (UG1085 chapter 21, UG1087 "UART Module"). All are 32 bits. */
#include "hyp/base/bits.h"

#define CDNS_CR 0x00
#define CDNS_MR 0x04
#define CDNS_IER 0x08 /* writing 1 enables, */
#define CDNS_IDR 0x0c /* disables; */
#define CDNS_IMR 0x10 /* what is enabled */
#define CDNS_ISR 0x14 /* latched until written with 1 */
#define CDNS_BAUDGEN 0x18
#define CDNS_RXTOUT 0x1c
#define CDNS_RXWM 0x20
#define CDNS_SR 0x2c
#define CDNS_FIFO 0x30
#define CDNS_BAUDDIV 0x34
#define CDNS_RXBS 0x48 /* of the next byte, and of three behind it */

#define CDNS_CR_RXRST BIT(0)
#define CDNS_CR_TXRST BIT(1)
#define CDNS_CR_RXEN BIT(2)
#define CDNS_CR_RXDIS BIT(3)
#define CDNS_CR_TXEN BIT(4)
#define CDNS_CR_TXDIS BIT(5)
#define CDNS_CR_STPBRK BIT(8)
#define CDNS_MR_CLKSEL BIT(0)      /* the reference clock divided by 8 */
#define CDNS_MR_8N1 UINT64_C(0x20) /* PAR = 1xx: none; CHRL = 0x: 8 bits; NBSTOP = 0: one; normal mode */
#define CDNS_INT_RTRIG BIT(0)
#define CDNS_INT_TEMPTY BIT(3)
#define CDNS_INT_ROVR BIT(5)
#define CDNS_INT_RBRK BIT(13)
#define CDNS_INT_ALL FIELD(13, 0)
#define CDNS_SR_REMPTY BIT(1)
#define CDNS_SR_TEMPTY BIT(3)
#define CDNS_SR_TFUL BIT(4)
#define CDNS_SR_TACTIVE BIT(11)
#define CDNS_RXBS_BREAK BIT(2)
/* CD and BDIV: the least that the divider takes (21.3 "Baud rate generator"). */
#define CDNS_BAUDGEN_MAX 0xffff
#define CDNS_BAUDDIV_MIN 4
#define CDNS_BAUDDIV_MAX 255
