/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arm PL011 UART, r1p1 with FIFOs of 16 (DDI 0183G). The line has no speed: a byte is on it as soon as the back end took it, and
 * what the back end has is received as soon as there is room. So no byte is ever lost on the way in (RXFF holds the sender), the
 * transmit FIFO fills only when the back end does, and the receive time-out has always passed once the back end has no more.
 *
 * Settled where the manual leaves it open or the machine this stands in for differs:
 *  - A byte that passes through the empty FIFO counts as a transition through the transmit trigger level.
 *  - UARTEN, TXE and RXE are kept but hold nothing back, as on the machine this one stands in for: a kernel's early console goes on
 *    writing while its driver has the UART switched off, and firmware that would have enabled it never ran.
 *  - The modem inputs are not asserted, and UARTCR.CTSEN waits for nothing.
 */
#include "hyp/api/cdev.h"
#include "hyp/api/guest.h"
#include "hyp/base/pl011.h"

#define FIFO_DEPTH 16
#define REGION_SIZE 0x1000

#define RSR_OF_DR 8 /* DR's error bits are RSR's, shifted by this */

struct fifo {
    uint16_t entry[FIFO_DEPTH];
    uint8_t first, count;
};

struct pl011 {
    struct cdev_state cdev;
    /* under v_mtx; single words are also read without it: */
    union {
        uint32_t word[UARTDMACR / 4 + 1];
        struct {
            uint32_t dr, rsr, none_08[4], fr, none_1c, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, mis, icr, dmacr;
        };
    };
    /* under v_mtx: */
    struct fifo rx, tx;
    bool overrun; /* DR.OE: a byte was lost and none was received since */
    bool line;    /* the interrupt line as last driven */
    /* bytes since the reset: */
    uint64_t received, sent, lost_in, lost_out;
};

_Static_assert(offsetof(struct pl011, dmacr) - offsetof(struct pl011, word) == UARTDMACR, "words are registers");

static struct pl011 *pl011_of(const vdev_t *v)
{
    return v->v_device;
}

static void fifo_put(struct fifo *f, uint32_t entry)
{
    f->entry[(f->first + f->count++) % FIFO_DEPTH] = (uint16_t)entry;
}

static uint32_t fifo_first(const struct fifo *f)
{
    return f->entry[f->first];
}

static void fifo_drop(struct fifo *f)
{
    f->first = (f->first + 1) % FIFO_DEPTH;
    f->count--;
}

/* 3.3.8 UARTLCR_H.FEN: without it the FIFOs are holding registers of one byte. */
static unsigned depth(const struct pl011 *u)
{
    return u->lcr_h & UARTLCR_H_FEN ? FIFO_DEPTH : 1;
}

/* 3.3.9 UARTIFLS: 1/8, 1/4, 1/2, 3/4, 7/8 full; the other values are reserved and taken as the last. Pure. */
static unsigned trigger_level(uint64_t selected)
{
    static const uint8_t sixteenths[] = { 2, 4, 8, 12, 14 };
    return sixteenths[selected < ARRAY_LEN(sixteenths) ? selected : ARRAY_LEN(sixteenths) - 1];
}

static unsigned rx_level(const struct pl011 *u)
{
    return depth(u) == 1 ? 1 : trigger_level(field_get(UARTIFLS_RX, u->ifls));
}

static unsigned tx_level(const struct pl011 *u)
{
    return depth(u) == 1 ? 0 : trigger_level(field_get(UARTIFLS_TX, u->ifls));
}

/* The modem inputs: in loopback the outputs lead back to them (3.3.8 UARTCR.LBE). */
static uint32_t modem_inputs(const struct pl011 *u)
{
    if (!(u->cr & UARTCR_LBE))
        return 0;
    return (u->cr & UARTCR_RTS ? UARTFR_CTS : 0) | (u->cr & UARTCR_DTR ? UARTFR_DSR : 0) |
           (u->cr & UARTCR_OUT1 ? UARTFR_DCD : 0) | (u->cr & UARTCR_OUT2 ? UARTFR_RI : 0);
}

static uint32_t flags_now(const struct pl011 *u)
{
    uint32_t fr = modem_inputs(u);
    fr |= u->tx.count ? UARTFR_BUSY : UARTFR_TXFE;
    fr |= u->tx.count >= depth(u) ? UARTFR_TXFF : 0;
    fr |= u->rx.count ? 0 : UARTFR_RXFE;
    fr |= u->rx.count >= depth(u) ? UARTFR_RXFF : 0;
    return fr;
}

/* What any change ends with: flags and interrupt line follow the state. */
static __running void state_settle(vdev_t *v, struct pl011 *u) REQUIRES(v->v_mtx)
{
    u->fr = flags_now(u);
    u->mis = u->ris & u->imsc;
    bool line = u->mis;
    if (line == u->line)
        return;
    u->line = line;
    guest_intr_signal(&v->v_intr, line ? GIS_ON : GIS_OFF);
}

/* A character came in, with its error bits as in DR. */
static void rx_receive(struct pl011 *u, uint32_t data)
{
    if (u->rx.count >= depth(u)) {
        u->overrun = true;
        u->rsr |= UARTRSR_OE;
        u->ris |= UARTINT_OE;
        u->lost_in++;
        return;
    }
    u->overrun = false;
    fifo_put(&u->rx, data);
    u->received++;
    if (data & UARTDR_BE)
        u->ris |= UARTINT_BE;
    if (u->rx.count >= rx_level(u))
        u->ris |= UARTINT_RX;
}

/* Nothing more comes in for now, so what lies in the FIFO has waited for the time-out. */
static void rx_time_out(struct pl011 *u)
{
    if (u->rx.count)
        u->ris |= UARTINT_RT;
}

/* Takes what the back end has and the FIFO has room for; the rest waits there. */
static __running void rx_fill(struct pl011 *u)
{
    uint8_t byte;
    if (u->cr & UARTCR_LBE)
        return;
    while (u->rx.count < depth(u) && cdev_read(&u->cdev, &byte, 1))
        rx_receive(u, byte);
    rx_time_out(u);
}

/* Sends what the back end takes; in loopback to the own receiver. */
static __running void tx_drain(struct pl011 *u)
{
    bool sent = false;
    while (u->tx.count) {
        uint8_t byte = (uint8_t)fifo_first(&u->tx);
        if (u->cr & UARTCR_LBE)
            rx_receive(u, byte);
        else if (!cdev_write(&u->cdev, &byte, 1))
            break;
        fifo_drop(&u->tx);
        u->sent++;
        sent = true;
    }
    if (sent && u->tx.count <= tx_level(u))
        u->ris |= UARTINT_TX;
    if (sent && u->cr & UARTCR_LBE)
        rx_time_out(u);
}

static __running uint64_t dr_take(struct pl011 *u)
{
    if (!u->rx.count)
        return 0;
    uint64_t data = fifo_first(&u->rx) | (u->overrun ? UARTDR_OE : 0);
    fifo_drop(&u->rx);
    u->rsr = (u->rsr & UARTRSR_OE) | (data >> RSR_OF_DR);
    if (u->rx.count < rx_level(u))
        u->ris &= ~UARTINT_RX;
    if (!u->rx.count)
        u->ris &= ~UARTINT_RT;
    rx_fill(u);
    return data;
}

/* Into a full FIFO it is lost, as in the hardware. */
static __running void tx_queue(struct pl011 *u, uint8_t byte)
{
    if (u->tx.count >= depth(u)) {
        u->lost_out++;
        return;
    }
    fifo_put(&u->tx, byte);
    if (u->tx.count > tx_level(u))
        u->ris &= ~UARTINT_TX;
    tx_drain(u);
}

/* The way of nearly every byte: past an empty FIFO. Only the transmit interrupt can change by it. */
static __running bool tx_pass(struct pl011 *u, uint8_t byte)
{
    if (u->tx.count || u->cr & UARTCR_LBE || !cdev_write(&u->cdev, &byte, 1))
        return false;
    u->sent++;
    u->ris |= UARTINT_TX;
    return true;
}

/* 3.3.8: clearing FEN flushes the transmit FIFO; what was received stays readable. */
static void lcr_h_write(struct pl011 *u, uint64_t value)
{
    uint64_t was = u->lcr_h;
    u->lcr_h = value & FIELD(7, 0);
    if (was & ~value & UARTLCR_H_FEN)
        u->tx.count = 0;
    if (~was & value & UARTLCR_H_BRK && u->cr & UARTCR_LBE) {
        rx_receive(u, UARTDR_BE);
        rx_time_out(u);
    }
}

static __running void cr_write(struct pl011 *u, uint64_t value)
{
    uint32_t was = modem_inputs(u);
    u->cr = value & UARTCR_BITS;
    uint32_t changed = was ^ modem_inputs(u);
    u->ris |= (changed & UARTFR_RI ? UARTINT_RI : 0) | (changed & UARTFR_CTS ? UARTINT_CTS : 0) |
              (changed & UARTFR_DCD ? UARTINT_DCD : 0) | (changed & UARTFR_DSR ? UARTINT_DSR : 0);
    tx_drain(u);
    rx_fill(u);
}

static __running void register_write(struct pl011 *u, uint32_t offset, uint64_t value)
{
    switch (offset) {
    case UARTRSR: u->rsr = u->overrun = 0; break;
    case UARTILPR: u->ilpr = value & FIELD(7, 0); break;
    case UARTIBRD: u->ibrd = value & FIELD(15, 0); break;
    case UARTFBRD: u->fbrd = value & FIELD(5, 0); break;
    case UARTLCR_H: lcr_h_write(u, value); break;
    case UARTCR: cr_write(u, value); break;
    case UARTIFLS: u->ifls = value & (UARTIFLS_RX | UARTIFLS_TX); break;
    case UARTIMSC: u->imsc = value & UARTINT_ALL; break;
    case UARTICR: u->ris &= ~value; break;
    }
}

/* The bus gives a register whole words: a narrow write beside its low bits does not reach it. */
static __running void pl011_write(const struct reg_access *a, uint64_t value)
{
    struct pl011 *u = pl011_of(a->vdev);
    if (a->offset & 3)
        return;
    lock_acquire(&a->vdev->v_mtx);
    register_write(u, a->offset, value);
    state_settle(a->vdev, u);
    lock_release(&a->vdev->v_mtx);
}

/* The bytes of the register that a narrow read asked for; the dispatcher cuts off what is above them. */
static uint64_t lane(const struct reg_access *a, uint64_t value)
{
    return value >> 8 * (a->offset & 3);
}

static __running void dr_write(const struct reg_access *a, uint64_t value)
{
    struct pl011 *u = pl011_of(a->vdev);
    if (a->offset)
        return;
    lock_acquire(&a->vdev->v_mtx);
    bool settled = u->ris & UARTINT_TX;
    if (!tx_pass(u, (uint8_t)value)) {
        tx_queue(u, (uint8_t)value);
        settled = false;
    }
    if (!settled)
        state_settle(a->vdev, u);
    lock_release(&a->vdev->v_mtx);
}

static __running uint64_t dr_read(const struct reg_access *a)
{
    struct pl011 *u = pl011_of(a->vdev);
    lock_acquire(&a->vdev->v_mtx);
    uint64_t data = dr_take(u);
    state_settle(a->vdev, u);
    lock_release(&a->vdev->v_mtx);
    return lane(a, data);
}

/* All others show what is there: no lock, so that polling costs little. */
static uint64_t pl011_read(const struct reg_access *a)
{
    return lane(a, __atomic_load_n(&pl011_of(a->vdev)->word[a->offset / 4], __ATOMIC_RELAXED));
}

/* UARTPeriphID0-3: PL011, designed by Arm, r1p1 (FIFOs of 16); UARTPCellID0-3. */
static uint64_t id_read(const struct reg_access *a)
{
    static const uint8_t id[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    return lane(a, id[a->index]);
}

#define SIZES (REG_SIZE_1 | REG_SIZE_2 | REG_SIZE_4)
/* The second row has all that reads as it is held; what is none there, or has no effect (no DMA: UARTDMACR), is never written. */
static const struct reg pl011_rows[] = {
    { UARTDR, 4, 4, true, SIZES, 0, dr_read, dr_write },
    { UARTRSR, UARTDMACR - UARTRSR + 4, 4, true, SIZES, 0, pl011_read, pl011_write },
    { UARTPERIPHID0, 32, 4, true, SIZES, 0, id_read, NULL },
};

static const struct reg_table pl011_regs = { pl011_rows, ARRAY_LEN(pl011_rows), REG_RAZ_WI };

static void state_reset(struct pl011 *u)
{
    struct cdev_state cdev = u->cdev;
    bool line = u->line;
    *u = (struct pl011){ .cdev = cdev, .line = line };
    u->cr = UARTCR_RESET;
    u->ifls = UARTIFLS_RESET;
    u->fr = flags_now(u);
}

/* What the guest had not read yet when it was reset stays in the back end, what the FIFOs held is gone. */
static __running void pl011_reset(vdev_t *v)
{
    struct pl011 *u = pl011_of(v);
    lock_acquire(&v->v_mtx);
    state_reset(u);
    rx_fill(u);
    state_settle(v, u);
    lock_release(&v->v_mtx);
}

static __running void pl011_notify(vdev_t *v, unsigned events)
{
    struct pl011 *u = pl011_of(v);
    lock_acquire(&v->v_mtx);
    if (events & CDEV_EVENT_BREAK) {
        rx_receive(u, UARTDR_BE);
        rx_time_out(u);
    }
    if (events & CDEV_EVENT_INPUT)
        rx_fill(u);
    if (events & CDEV_EVENT_OUTPUT)
        tx_drain(u);
    state_settle(v, u);
    lock_release(&v->v_mtx);
}

static __startup int pl011_create(struct vdev_builder *b)
{
    vdev_t *v = b->vdev;
    v->v_block = (qvm_state_block){ .type = QST_MEMORY, .location = QSL_NO_LOCATION, .length = REGION_SIZE };
    state_reset(pl011_of(v));
    return cdev_setup(b, &pl011_of(v)->cdev, pl011_notify);
}

/* The guest's node needs nothing that the description does not give: compatible, reg, interrupts, clocks. */
static __startup int pl011_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        return pl011_create(b);
    return cdev_startup(b, &pl011_of(b->vdev)->cdev, ctrl, arg);
}

static __running int pl011_report(vdev_t *v)
{
    struct pl011 *u = pl011_of(v);
    lock_acquire(&v->v_mtx);
    int err = qvm_report(
        v, "received %llu, lost %llu, in FIFO %u; sent %llu, lost %llu, in FIFO %u; interrupts 0x%x of 0x%x",
        (unsigned long long)u->received, (unsigned long long)u->lost_in, u->rx.count, (unsigned long long)u->sent,
        (unsigned long long)u->lost_out, u->tx.count, (unsigned)u->ris, (unsigned)u->imsc);
    lock_release(&v->v_mtx);
    return err;
}

static __running int pl011_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    int err = EOK;
    if (ctrl == VDEV_CTRL_RESET)
        pl011_reset(v);
    else if (ctrl == VDEV_CTRL_STATUS)
        err = pl011_report(v);
    return err ? err : cdev_control(&pl011_of(v)->cdev, ctrl, arg);
}

static const char *const pl011_compatible[] = { "arm,pl011", NULL };
static const char *const pl011_options[] = { CDEV_OPTION_NAMES, NULL };

VDEV_FACTORY(pl011_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM | VFF_MUTEX,
    .safety = VDEV_SAFETY_SELECTED,
    .name = "pl011",
    .compatible = pl011_compatible,
    .option_list = pl011_options,
    .extra_space = sizeof(struct pl011),
    .startup = pl011_startup,
    .control = pl011_control,
    .regs = &pl011_regs,
};
