/* SPDX-License-Identifier: Apache-2.0 */
/* The controller as other vdevs see it: lines, and the three cells <type number flags> of an `interrupts` property. */
#include "vdevs/vgic/vgic.h"
#include <errno.h>
#include <stdio.h>

#define CELLS 3
enum { CELL_SPI = 0, CELL_PPI = 1 };
#define FLAG_EDGE_RISING 1
#define FLAG_EDGE_FALLING 2
#define FLAG_LEVEL_HIGH 4
#define FLAG_LEVEL_LOW 8
#define FLAG_TYPE 15
#define PPI_COUNT 16

static void line_set(struct virq *v, uint32_t source, bool high)
{
    struct vgic_cpu *home = virq_lock(v);
    /* When it falls only a copy that may still be taken has to be called back. */
    bool changed = virq_line(v, source, high) && (high || v->lr >= 0);
    virq_unlock_after(v, home, changed, NULL);
}

static int pic_signal(const struct guest_intr *gip, enum guest_intr_state state)
{
    struct vgic *g = gip->pic->v_device;
    if (gip->param < VGIC_PRIVATE || gip->param - VGIC_PRIVATE >= VGIC_SPIS)
        return EINVAL;
    struct virq *v = &g->spi[gip->param - VGIC_PRIVATE];
    switch ((unsigned)state & ~(unsigned)GIS_ISR) { /* in an interrupt handler are all that signal */
    case GIS_NOP: return EOK;
    case GIS_ON: line_set(v, gip->src_id, true); return EOK;
    case GIS_OFF: line_set(v, gip->src_id, false); return EOK;
    default: return EINVAL;
    }
}

static int __startup parse_spi(const struct vdev_builder *b, uint32_t number)
{
    if (number < VGIC_SPIS)
        return EOK;
    if (number - VGIC_PRIVATE < VGIC_SPIS)
        return error_at(EINVAL,
                        "%s: interrupts: SPI %u does not exist (0 to %u); an INTID was meant? INTID %u is SPI %u",
                        b->path, number, VGIC_SPIS - 1, number, number - VGIC_PRIVATE);
    return error_at(EINVAL, "%s: interrupts: SPI %u does not exist (0 to %u)", b->path, number, VGIC_SPIS - 1);
}

static int __startup parse_ppi(const struct vdev_builder *b, uint32_t number)
{
    if (number < PPI_COUNT)
        return EOK;
    if (number < VGIC_PRIVATE)
        return error_at(EINVAL,
                        "%s: interrupts: PPI %u does not exist (0 to 15); an INTID was meant? INTID %u is PPI %u",
                        b->path, number, number, number - VGIC_SGIS);
    return error_at(EINVAL, "%s: interrupts: PPI %u does not exist (0 to 15)", b->path, number);
}

static bool flags_are_sound(uint32_t flags)
{
    uint32_t type = flags & FLAG_TYPE;
    return type == FLAG_EDGE_RISING || type == FLAG_EDGE_FALLING || type == FLAG_LEVEL_HIGH || type == FLAG_LEVEL_LOW;
}

static int __startup pic_parse(const struct vdev_builder *b, const uint32_t *cells, unsigned n, struct guest_intr *out)
{
    phase_assume_startup();
    if (n != CELLS)
        return error_at(EINVAL, "%s: interrupts: %u cells, an interrupt has 3: <type number flags>", b->path, n);
    if (cells[0] != CELL_SPI && cells[0] != CELL_PPI)
        return error_at(EINVAL, "%s: interrupts: type %u is neither 0 (SPI) nor 1 (PPI)", b->path, cells[0]);
    if (!flags_are_sound(cells[2]))
        return error_at(EINVAL, "%s: interrupts: flags %u are none of 1, 2 (edge), 4, 8 (level)", b->path, cells[2]);
    int err = cells[0] == CELL_SPI ? parse_spi(b, cells[1]) : parse_ppi(b, cells[1]);
    if (err)
        return err;
    out->pic = vintc_vdev(b->gsp);
    out->param = cells[1] + (cells[0] == CELL_SPI ? VGIC_PRIVATE : VGIC_SGIS);
    return EOK;
}

static int pic_string(const struct guest_intr *gip, char *buf, size_t n)
{
    bool spi = gip->param >= VGIC_PRIVATE;
    return sniprintf(buf, n, "%s %u", spi ? "SPI" : "PPI", (unsigned)(gip->param - (spi ? VGIC_PRIVATE : VGIC_SGIS)));
}

static int pic_table_spec(const struct guest_intr *gip, uint32_t cells[4])
{
    bool spi = gip->param >= VGIC_PRIVATE;
    cells[0] = spi ? CELL_SPI : CELL_PPI;
    cells[1] = gip->param - (spi ? VGIC_PRIVATE : VGIC_SGIS);
    cells[2] = FLAG_LEVEL_HIGH;
    return CELLS;
}

/* The free line behind the one that `out` names already, from SPI 0 on. */
static int __startup pic_assign(const struct vdev_builder *b, struct guest_intr *out)
{
    phase_assume_startup();
    uint32_t next = out->param < VGIC_PRIVATE ? VGIC_PRIVATE : out->param + 1;
    for (; next - VGIC_PRIVATE < VGIC_SPIS; next++) {
        if (vdev_pin_taken(b, next))
            continue;
        *out = (struct guest_intr){ .pic = vintc_vdev(b->gsp), .param = next, .src_id = 1 };
        return EOK;
    }
    return ENOSPC;
}

static int __startup pic_notify(const struct guest_intr *gip, unsigned which)
{
    phase_assume_startup();
    if (which & ~(unsigned)(GIN_ACK | GIN_UNMASK) || gip->param < VGIC_PRIVATE ||
        gip->param - VGIC_PRIVATE >= VGIC_SPIS)
        return EINVAL;
    return vgic_watch(gip->pic->v_device, gip->param);
}

const struct vdev_pic_functions vgic_pic __startup_table = {
    .pnum_mask = 0x3ff,
    .first_pin = VGIC_SGIS,
    .num_pins = VGIC_PRIVATE + VGIC_SPIS,
    .signal = pic_signal,
    .parse = pic_parse,
    .string = pic_string,
    .table_spec = pic_table_spec,
    .assign = pic_assign,
    .notify = pic_notify,
};
