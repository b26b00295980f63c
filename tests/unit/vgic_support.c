/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arm64/exit.h"
#include "arch/arm64/gicv2_lr.h"
#include "arch/arm64/gicv3_lr.h"
#include "hyp/api/gasp.h"
#include "tests/unit/vgic_support.h"
/* Their startup entries are their own. */
#include "vdevs/vgic/vgic_v3.c"
#undef GICD_SIZE
#include "vdevs/vgic/vgic_v2.c"

int qvm_report(const vdev_t *v, const char *fmt, ...)
{
    (void)v;
    (void)fmt;
    return EOK;
}

struct test_core cores[TEST_CPUS];
struct guest_cpu test_cpus[TEST_CPUS];
unsigned here;
const char *test_log;
vdev_t test_gic;
struct gic_info test_gic_info;
bool test_links = true;
unsigned test_version = 3;

static unsigned cpu_count;
static const struct vintc_ops *intc;
static char log_text[256];
static struct vdev_factory gic_factory = { .name = "gic", .pic = &vgic_pic };

/* What hyp offers. */
void log_line(enum log_severity sev, const char *fmt, ...)
{
    va_list ap;
    (void)sev;
    va_start(ap, fmt);
    vsnprintf(log_text, sizeof(log_text), fmt, ap);
    va_end(ap);
    test_log = log_text;
}

unsigned guest_cpu_count(const guest_system *gsp)
{
    (void)gsp;
    return cpu_count;
}

guest_cpu *guest_cpu_get(guest_system *gsp, unsigned index)
{
    (void)gsp;
    return &test_cpus[index];
}

uint64_t guest_cpu_mpidr(const guest_cpu *gcp)
{
    return gcp->mpidr;
}

vdev_t *vintc_vdev(const guest_system *gsp)
{
    (void)gsp;
    return &test_gic;
}

void *vintc_cpu_alloc(guest_cpu *gcp, size_t bytes)
{
    gcp->intc = calloc(1, bytes);
    return gcp->intc;
}

int vintc_register(struct vdev_builder *b, const struct vintc_ops *ops)
{
    (void)b;
    intc = ops;
    return EOK;
}

int gasp_region_set(struct vdev_builder *b, unsigned n, const struct gasp_region *rgn)
{
    (void)b;
    for (unsigned i = 0; i < n; i++)
        if (rgn[i].flags & GRF_VIRT_RD)
            assert_int_equal(reg_table_check(rgn[i].regs, "gic"), 0);
        else
            assert_int_equal(rgn[i].host_location, TEST_GICV);
    return EOK;
}

bool vdev_reg(const struct vdev_builder *b, unsigned index, uint64_t *base, uint64_t *size)
{
    (void)b, (void)index, (void)base, (void)size;
    return false;
}

bool vdev_pin_taken(const struct vdev_builder *b, uint32_t pin)
{
    (void)b;
    return pin == 33;
}

int vdev_fdt_u32s(struct vdev_fdt *f, const char *name, const uint32_t *cells, unsigned n)
{
    (void)f, (void)name, (void)cells, (void)n;
    return EOK;
}

int vdev_fdt_prop(struct vdev_fdt *f, const char *name, const void *data, uint32_t size)
{
    (void)f, (void)name, (void)data, (void)size;
    return EOK;
}

unsigned test_told[2]; /* by GIN_UNMASK and GIN_ACK */
uint32_t test_told_param;

void guest_intr_notify(const vdev_t *pic, uint32_t param, enum guest_intr_notification which)
{
    assert_ptr_equal(pic, &test_gic);
    test_told[which == GIN_ACK]++;
    test_told_param = param;
}

bool guest_cpu_in_guest(const guest_cpu *gcp)
{
    return gcp->in_guest;
}

void guest_cpu_kick(guest_cpu *gcp)
{
    gcp->kicks++;
}

void guest_cpu_pause(guest_cpu *gcp)
{
    assert_true(gcp->index != here);
    gcp->pauses++;
    guest_leave(gcp->index);
}

void guest_cpu_resume(guest_cpu *gcp)
{
    assert_true(gcp->pauses);
    gcp->pauses--;
    gcp->kicks++;
}

/* What arch offers: the words of the version under test, and registers of the core that runs. */
const struct gic_info *gic_info(void)
{
    return &test_gic_info;
}

const void *gic_core_key(void)
{
    return &cores[here];
}

static unsigned link_index(uint32_t intid)
{
    assert_true(intid == GIC_PPI_VTIMER || intid == GIC_PPI_PTIMER);
    return intid == GIC_PPI_PTIMER;
}

void gic_deactivate(uint32_t intid)
{
    cores[here].phys_active[link_index(intid)] = false;
}

void gic_irq_set_active(uint32_t intid, bool active)
{
    cores[here].phys_active[link_index(intid)] = active;
}

uint64_t gic_lr_encode(struct lr lr)
{
    return test_gic_info.version == 2 ? gicv2_lr_encode(lr) : gicv3_lr_encode(lr);
}

struct lr gic_lr_decode(uint64_t raw)
{
    return test_gic_info.version == 2 ? gicv2_lr_decode(raw) : gicv3_lr_decode(raw);
}

uint64_t gic_lr_read(unsigned n)
{
    assert_true(n < test_gic_info.lr_count);
    return cores[here].lr[n];
}

void gic_lr_write(unsigned n, uint64_t raw)
{
    assert_true(n < test_gic_info.lr_count);
    cores[here].lr[n] = raw;
    cores[here].lr_writes++;
}

uint64_t gic_elrsr_read(void)
{
    uint64_t empty = 0;
    for (unsigned n = 0; n < test_gic_info.lr_count; n++) {
        struct lr lr = gic_lr_decode(cores[here].lr[n]);
        empty |= (uint64_t)(lr.state == LR_INVALID && !lr.eoi_maint) << n;
    }
    return empty;
}

void gic_lr_settle(void)
{
}

uint64_t gic_vhcr_read(void)
{
    return cores[here].hcr;
}

void gic_vhcr_write(uint64_t v)
{
    cores[here].hcr = v;
}

uint64_t gic_vmcr_read(void)
{
    return cores[here].vmcr;
}

void gic_vmcr_write(uint64_t v)
{
    cores[here].vmcr = v;
}

uint8_t gic_vrpr_read(void)
{
    const struct test_core *c = &cores[here];
    return c->depth ? c->running[c->depth - 1] : 0xff;
}

uint64_t gic_vctlr_read(void)
{
    return cores[here].vmcr & VGIC_VMCR_EOIM ? 2 : 0;
}

static bool virt_asserted(void)
{
    return cores[here].line[0];
}

static bool phys_asserted(void)
{
    return cores[here].line[1];
}

/* The machine. */
void machine_make_reset(unsigned cpus, unsigned lr_count)
{
    struct vdev_builder b = { .vdev = &test_gic, .path = "/vm/intc" };
    int (*startup)(struct vdev_builder *, unsigned, const void *) = test_version == 2 ? v2_startup : v3_startup;
    memset(cores, 0, sizeof(cores));
    memset(test_cpus, 0, sizeof(test_cpus));
    cpu_count = cpus;
    here = 0;
    test_log = NULL;
    test_gic_info = (struct gic_info){
        .version = (uint8_t)test_version,
        .lr_count = (uint8_t)lr_count,
        .vpri_bits = 5,
        .vpre_bits = 5,
        .links = test_links,
        .vhcr_trap_dir = test_version == 3 ? VGIC_HCR_TDIR : 0,
        .gicv = { TEST_GICV },
    };
    for (unsigned i = 0; i < cpus; i++) {
        test_cpus[i].index = i;
        test_cpus[i].mpidr = BIT(31) | i;
    }
    test_gic = (vdev_t){ .v_factory = &gic_factory, .v_name = "intc", .v_device = calloc(1, sizeof(struct vgic)) };
    test_gic.v_block.location = QSL_NO_LOCATION;
    assert_int_equal(startup(&b, VDEV_CTRL_OPTIONS_START, NULL), EOK);
    assert_int_equal(startup(&b, VDEV_CTRL_OPTIONS_END, NULL), EOK);
    assert_int_equal(startup(&b, VDEV_CTRL_ASSIGN, NULL), EOK);
    assert_int_equal(vgic_link_private(&b, &test_gic, 27, GIC_PPI_VTIMER, virt_asserted), EOK);
    assert_int_equal(vgic_link_private(&b, &test_gic, 30, GIC_PPI_PTIMER, phys_asserted), EOK);
    intc->reset(NULL);
}

void machine_make(unsigned cpus, unsigned lr_count)
{
    machine_make_reset(cpus, lr_count);
    for (unsigned i = 0; i < cpus; i++) {
        here = i;
        cores[i].vmcr = VGIC_VMCR_ENG0 | VGIC_VMCR_ENG1 | field_make(VGIC_VMCR_PMR, 0xf8);
        cores[i].hcr = VGIC_HCR_EN;
        intc->load(&test_cpus[i]);
        if (test_version == 3)
            reg_write(i, (int)i, 0x14, 4, 0);
        reg_write(i, test_version == 3 ? (int)i : GICD, test_version == 3 ? 0x10080 : 0x80, 4, ~UINT32_C(0));
    }
    for (unsigned n = 1; n <= VGIC_SPIS / 32; n++)
        reg_write(0, GICD, 0x80 + 4 * n, 4, ~UINT32_C(0));
    reg_write(0, GICD, 0, 4, 3);
    machine_settle();
}

void machine_free(void)
{
    for (unsigned i = 0; i < cpu_count; i++)
        free(test_cpus[i].intc);
    free(test_gic.v_device);
}

struct vgic *machine_gic(void)
{
    return test_gic.v_device;
}

struct virq *machine_virq(unsigned cpu, uint32_t intid)
{
    return vgic_virq(test_cpus[cpu].intc, intid);
}

/* An access as the dispatcher makes it, from a vCPU that is out for it. */
static const struct reg *row_of(unsigned cpu, int frame, uint32_t offset, unsigned size, struct reg_access *a)
{
    const struct reg_table *dist = test_gic_info.version == 2 ? &vgic_dist_v2_regs : &vgic_dist_v3_regs;
    const struct reg_table *t = frame == GICD ? dist : frame == GICC_DIR_PAGE ? &dir_regs : &vgic_redist_regs;
    const struct reg *row = reg_find(t, offset);
    assert_true(t->other == REG_RAZ_WI);
    if (!row || !(row->sizes & BIT(size)) || offset % size)
        return NULL;
    *a = (struct reg_access){ .vdev = &test_gic,
                              .gcp = &test_cpus[cpu],
                              .cookie = (uint32_t)frame,
                              .offset = offset,
                              .index = (offset - row->offset) / row->stride,
                              .size = (uint8_t)size };
    return row;
}

uint64_t reg_read(unsigned cpu, int frame, uint32_t offset, unsigned size)
{
    struct reg_access a;
    const struct reg *row = row_of(cpu, frame, offset, size, &a);
    guest_leave(cpu);
    here = cpu;
    uint64_t value = !row ? 0 : row->read ? row->read(&a) : row->value;
    return size == 8 ? value : value & (BIT(8 * size) - 1);
}

void reg_write(unsigned cpu, int frame, uint32_t offset, unsigned size, uint64_t value)
{
    struct reg_access a;
    const struct reg *row = row_of(cpu, frame, offset, size, &a);
    guest_leave(cpu);
    here = cpu;
    if (row && row->write)
        row->write(&a, value);
}

/* An exit that is served at once: the guest's context stays, folded and filled only if something changed. */
static void settle_at_once(unsigned cpu)
{
    const uint32_t *dirty = test_cpus[cpu].intc;
    if (!*dirty && !test_cpus[cpu].kicks)
        return;
    test_cpus[cpu].kicks = 0;
    intc->refresh(&test_cpus[cpu]);
}

/* Every second time as such an exit. */
static bool at_once(unsigned cpu)
{
    static unsigned turn;
    return test_cpus[cpu].in_guest && turn++ & 1;
}

uint64_t icc(unsigned cpu, bool write, uint32_t reg, uint64_t value)
{
    struct sysreg_access a = { .reg = reg, .write = write, .value = value };
    bool quick = at_once(cpu);
    if (!quick)
        guest_leave(cpu);
    here = cpu;
    if (!quick || !write || reg != SYSREG_ISS(3, 0, 12, 11, 5) || !intc->sgi(&test_cpus[cpu], value))
        assert_int_equal(intc->sysreg(&test_cpus[cpu], &a), SYSREG_DONE);
    if (quick)
        settle_at_once(cpu);
    return a.value;
}

/* The virtual CPU interface. */
static bool maintenance(const struct test_core *c)
{
    unsigned valid = 0, pending = 0;
    bool eoi = false;
    for (unsigned n = 0; n < test_gic_info.lr_count; n++) {
        struct lr lr = gic_lr_decode(c->lr[n]);
        valid += lr.state != LR_INVALID;
        pending += lr.state == LR_PENDING;
        eoi |= lr.state == LR_INVALID && lr.eoi_maint;
    }
    if (!(c->hcr & VGIC_HCR_EN))
        return false;
    return eoi || (c->hcr & VGIC_HCR_UIE && valid < 2) || (c->hcr & VGIC_HCR_NPIE && !pending) ||
           (c->hcr & VGIC_HCR_LRENPIE && c->hcr & VGIC_HCR_EOICOUNT) ||
           (c->hcr & VGIC_HCR_GRP0_EIE && c->vmcr & VGIC_VMCR_ENG0) ||
           (c->hcr & VGIC_HCR_GRP0_DIE && !(c->vmcr & VGIC_VMCR_ENG0)) ||
           (c->hcr & VGIC_HCR_GRP1_EIE && c->vmcr & VGIC_VMCR_ENG1) ||
           (c->hcr & VGIC_HCR_GRP1_DIE && !(c->vmcr & VGIC_VMCR_ENG1));
}

void guest_leave(unsigned cpu)
{
    unsigned was = here;
    if (!test_cpus[cpu].in_guest)
        return;
    here = cpu;
    intc->sync(&test_cpus[cpu]);
    test_cpus[cpu].in_guest = false;
    assert_false(maintenance(&cores[cpu])); /* nothing is left that would bring it out at once */
    here = was;
}

void guest_between(unsigned cpu, void (*happens)(void))
{
    unsigned was = here;
    here = cpu;
    intc->sync(&test_cpus[cpu]);
    happens();
    here = cpu;
    intc->flush(&test_cpus[cpu]);
    here = was;
}

static int timer_fires(const struct test_core *c)
{
    for (int k = 0; k < VGIC_LINKS; k++)
        if (c->line[k] && !c->phys_active[k])
            return k;
    return -1;
}

void guest_enter(unsigned cpu)
{
    struct test_core *c = &cores[cpu];
    unsigned was = here;
    here = cpu;
    for (unsigned i = 0;; i++) {
        assert_true(i < 100); /* no storm */
        if (test_cpus[cpu].in_guest && !test_cpus[cpu].kicks && !maintenance(c) && timer_fires(c) < 0)
            break;
        int k = timer_fires(c);
        if (k >= 0 && at_once(cpu)) {
            c->phys_active[k] = true;
            if (!intc->hw_fired(&test_cpus[cpu], k ? GIC_PPI_PTIMER : GIC_PPI_VTIMER))
                settle_at_once(cpu);
            continue;
        }
        if (k < 0 && test_cpus[cpu].kicks && at_once(cpu)) {
            settle_at_once(cpu);
            continue;
        }
        guest_leave(cpu);
        k = timer_fires(c);
        if (k >= 0) {
            c->phys_active[k] = true;
            intc->hw_fired(&test_cpus[cpu], k ? GIC_PPI_PTIMER : GIC_PPI_VTIMER);
        }
        test_cpus[cpu].kicks = 0;
        intc->flush(&test_cpus[cpu]);
        test_cpus[cpu].in_guest = true;
    }
    here = was;
}

void machine_settle(void)
{
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = 0; i < cpu_count; i++) {
            guest_enter(i);
            for (unsigned j = 0; j < i; j++)
                again |= test_cpus[j].kicks != 0;
        }
    }
}

static int best_lr(const struct test_core *c)
{
    int best = -1;
    unsigned limit = c->depth ? c->running[c->depth - 1] : 0x100;
    unsigned pmr = (unsigned)field_get(VGIC_VMCR_PMR, c->vmcr);
    limit = pmr < limit ? pmr : limit;
    for (unsigned n = 0; n < test_gic_info.lr_count; n++) {
        struct lr lr = gic_lr_decode(c->lr[n]);
        if (lr.state != LR_PENDING || lr.priority >= limit ||
            !(c->vmcr & (lr.group1 ? VGIC_VMCR_ENG1 : VGIC_VMCR_ENG0)))
            continue;
        limit = lr.priority;
        best = (int)n;
    }
    return best;
}

uint32_t guest_sees(unsigned cpu)
{
    guest_enter(cpu);
    int n = best_lr(&cores[cpu]);
    return n < 0 ? TEST_SPURIOUS : gic_lr_decode(cores[cpu].lr[n]).vintid;
}

uint32_t guest_ack(unsigned cpu)
{
    struct test_core *c = &cores[cpu];
    guest_enter(cpu);
    int n = best_lr(c);
    if (n < 0)
        return TEST_SPURIOUS;
    struct lr lr = gic_lr_decode(c->lr[n]);
    uint8_t priority = lr.priority;
    lr.state = LR_ACTIVE;
    c->lr[n] = gic_lr_encode(lr);
    assert_true(c->depth < ARRAY_LEN(c->running));
    c->running[c->depth++] = priority;
    machine_settle();
    return lr.vintid | (uint32_t)lr.source << 10;
}

static int active_lr(const struct test_core *c, uint32_t intid)
{
    for (unsigned n = 0; n < test_gic_info.lr_count; n++) {
        struct lr lr = gic_lr_decode(c->lr[n]);
        if (lr.vintid == (intid & 0x3ff) && lr.state & LR_ACTIVE)
            return (int)n;
    }
    return -1;
}

static void lr_deactivate(struct test_core *c, uint32_t intid)
{
    int n = active_lr(c, intid);
    if (n < 0) {
        c->hcr = field_set(VGIC_HCR_EOICOUNT, c->hcr, field_get(VGIC_HCR_EOICOUNT, c->hcr) + 1);
        return;
    }
    struct lr lr = gic_lr_decode(c->lr[n]);
    lr.state &= (uint8_t)~LR_ACTIVE;
    c->lr[n] = gic_lr_encode(lr);
    if (lr.hw)
        c->phys_active[link_index(lr.pintid)] = false;
}

void guest_eoi(unsigned cpu, uint32_t intid)
{
    struct test_core *c = &cores[cpu];
    guest_enter(cpu);
    assert_true(c->depth);
    c->depth--;
    if (!(c->vmcr & VGIC_VMCR_EOIM))
        lr_deactivate(c, intid);
    machine_settle();
}

void guest_dir(unsigned cpu, uint32_t intid)
{
    struct test_core *c = &cores[cpu];
    guest_enter(cpu);
    if (test_gic_info.version == 2)
        reg_write(cpu, GICC_DIR_PAGE, 0, 4, intid);
    else if (c->hcr & VGIC_HCR_TDIR)
        icc(cpu, true, SYSREG_ISS(3, 0, 12, 11, 1), intid);
    else
        lr_deactivate(c, intid);
    machine_settle();
}

void timer_line(unsigned cpu, unsigned k, bool high)
{
    cores[cpu].line[k] = high;
}

void device_line(uint32_t intid, uint32_t source, bool high)
{
    struct guest_intr line = { .pic = &test_gic, .param = intid, .src_id = source };
    assert_int_equal(vgic_pic.signal(&line, high ? GIS_ON : GIS_OFF), EOK);
}
