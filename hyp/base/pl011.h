/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Registers of Arm's PL011 UART (DDI 0183G chapter 3): EL2 drives one and shows guests others. */
#include "bits.h"

#define UARTDR 0x000
#define UARTDR_DATA FIELD(7, 0)
#define UARTDR_BE BIT(10)
#define UARTDR_OE BIT(11)
#define UARTRSR 0x004 /* written: UARTECR */
#define UARTRSR_OE BIT(3)
#define UARTFR 0x018
#define UARTFR_CTS BIT(0)
#define UARTFR_DSR BIT(1)
#define UARTFR_DCD BIT(2)
#define UARTFR_BUSY BIT(3)
#define UARTFR_RXFE BIT(4)
#define UARTFR_TXFF BIT(5)
#define UARTFR_RXFF BIT(6)
#define UARTFR_TXFE BIT(7)
#define UARTFR_RI BIT(8)
#define UARTILPR 0x020
#define UARTIBRD 0x024
#define UARTFBRD 0x028
#define UARTLCR_H 0x02c
#define UARTLCR_H_BRK BIT(0)
#define UARTLCR_H_FEN BIT(4)
#define UARTLCR_H_WLEN_8 FIELD(6, 5)
#define UARTCR 0x030
#define UARTCR_UARTEN BIT(0)
#define UARTCR_LBE BIT(7)
#define UARTCR_TXE BIT(8)
#define UARTCR_RXE BIT(9)
#define UARTCR_DTR BIT(10)
#define UARTCR_RTS BIT(11)
#define UARTCR_OUT1 BIT(12)
#define UARTCR_OUT2 BIT(13)
#define UARTCR_BITS (FIELD(15, 7) | FIELD(2, 0))
#define UARTCR_RESET (UARTCR_TXE | UARTCR_RXE)
#define UARTIFLS 0x034
#define UARTIFLS_TX FIELD(2, 0)
#define UARTIFLS_TX_EIGHTH 0
#define UARTIFLS_RX FIELD(5, 3)
#define UARTIFLS_RX_QUARTER (1 << 3)
#define UARTIFLS_RESET 0x12
#define UARTIMSC 0x038
#define UARTRIS 0x03c
#define UARTMIS 0x040
#define UARTICR 0x044
#define UARTDMACR 0x048
#define UARTPERIPHID0 0xfe0 /* to UARTPeriphID3, UARTPCellID0-3 behind it */
/* Bits of UARTIMSC, UARTRIS, UARTMIS, UARTICR alike. */
#define UARTINT_RI BIT(0)
#define UARTINT_CTS BIT(1)
#define UARTINT_DCD BIT(2)
#define UARTINT_DSR BIT(3)
#define UARTINT_RX BIT(4)
#define UARTINT_TX BIT(5)
#define UARTINT_RT BIT(6)
#define UARTINT_FE BIT(7)
#define UARTINT_PE BIT(8)
#define UARTINT_BE BIT(9)
#define UARTINT_OE BIT(10)
#define UARTINT_ALL FIELD(10, 0)
