/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Registers of the BCM2835's and its successors' mini-UART (BCM2835 ARM Peripherals 2.2): an 8250 with 32-bit registers and its line in the core clock. */
#include "hyp/base/bits.h"

#define AUX_MU_IO 0x00
#define AUX_MU_IER 0x04
#define AUX_MU_IIR 0x08
#define AUX_MU_LCR 0x0c
#define AUX_MU_LSR 0x14
#define AUX_MU_CNTL 0x20
/* 0 and 1 stand the other way round in the manual; 2 and 3 have to be set for any of them to come. */
#define AUX_MU_IER_RX BIT(0)
#define AUX_MU_IER_TX BIT(1)
#define AUX_MU_IER_ON FIELD(3, 2)
#define AUX_MU_LCR_8_BITS 3
#define AUX_MU_LSR_DATA_READY BIT(0)
#define AUX_MU_LSR_OVERRUN BIT(1)
#define AUX_MU_LSR_TX_ROOM BIT(5)
#define AUX_MU_LSR_TX_IDLE BIT(6)
#define AUX_MU_CNTL_RX BIT(0)
#define AUX_MU_CNTL_TX BIT(1)
