/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "hyp/api/utils.h"
#include "tests/unit/shmem_support.h"
#include "vdevs/shmem/shmem.c" /* its factory is its own */

#define SPACE_MAX 64

struct guest_system {
    struct gasp_region space[SPACE_MAX];
    unsigned count;
    bool locked;
};

static struct guest_system vms[TEST_VDEVS];
static struct shmem states[TEST_VDEVS];
vdev_t test_vdevs[TEST_VDEVS];
bool test_lines[TEST_VDEVS];
unsigned test_edges[TEST_VDEVS];
char test_log[256];
uint8_t test_memory[TEST_HOST_SIZE];
unsigned test_zeroed_most;
int test_soft_error;
unsigned test_soft_left;
static uint64_t reserved, operand;
static unsigned operand_size;

/* ---- What hyp offers ---- */

void log_line(enum log_severity sev, const char *fmt, ...)
{
    va_list ap;
    (void)sev;
    va_start(ap, fmt);
    vsnprintf(test_log, sizeof(test_log), fmt, ap);
    va_end(ap);
}

void vdev_logf(enum log_severity sev, const vdev_t *v, const char *fmt, ...)
{
    (void)sev;
    (void)v;
    fail_msg("logged: %s", fmt);
}

int qvm_report(const vdev_t *v, const char *fmt, ...)
{
    va_list ap;
    (void)v;
    va_start(ap, fmt);
    vsnprintf(test_log, sizeof(test_log), fmt, ap);
    va_end(ap);
    return EOK;
}

void hyp_panic(const char *fmt, ...)
{
    fail_msg("%s", fmt);
    abort();
}

int gasp_lock(guest_system *gsp, unsigned type)
{
    assert_int_equal(type, QST_MEMORY);
    assert_false(gsp->locked);
    assert_int_equal(shmem_set_lock.next, shmem_set_lock.owner); /* the order of locks */
    gsp->locked = true;
    return EOK;
}

void gasp_unlock(guest_system *gsp, unsigned type)
{
    (void)type;
    assert_true(gsp->locked);
    gsp->locked = false;
}

static int space_find(const struct guest_system *vm, uint64_t at)
{
    for (unsigned i = 0; i < vm->count; i++)
        if (at - vm->space[i].guest.location < vm->space[i].guest.length)
            return (int)i;
    return -1;
}

static int space_change(struct guest_system *vm, const struct gasp_region *r)
{
    int there = space_find(vm, r->guest.location);
    assert_true(r->guest.location >= TEST_WINDOW);
    assert_true(r->guest.location + r->guest.length <= TEST_WINDOW + TEST_WINDOW_SIZE);
    if (r->flags == GRF_NONE) {
        assert_true(there >= 0 && vm->space[there].guest.length == r->guest.length && vm->space[there].vdev == r->vdev);
        vm->space[there] = vm->space[--vm->count];
        return EOK;
    }
    if (test_soft_error && !test_soft_left--)
        return test_soft_error;
    for (unsigned i = 0; i < vm->count; i++)
        assert_false(
            ranges_overlap(vm->space[i].guest.location, vm->space[i].guest.length, r->guest.location, r->guest.length));
    assert_true(vm->count < SPACE_MAX);
    vm->space[vm->count++] = *r;
    return EOK;
}

unsigned gasp_region_set_soft(guest_system *gsp, unsigned n, const struct gasp_region *rgn, int *err)
{
    assert_true(gsp->locked);
    assert_int_equal(shmem_set_lock.next, shmem_set_lock.owner);
    for (unsigned i = 0; i < n; i++) {
        *err = space_change(gsp, &rgn[i]);
        if (*err)
            return i;
    }
    return n;
}

int gasp_regs_prepare(struct vdev_builder *b, const struct reg_table *regs)
{
    (void)b;
    return reg_table_check(regs, "control");
}

int gasp_window_prepare(struct vdev_builder *b, const qvm_state_block *window, unsigned regions)
{
    (void)b;
    assert_true(window->location == TEST_WINDOW && window->length == TEST_WINDOW_SIZE);
    assert_int_equal(regions, 2 * shmem_of(b->vdev)->attachment_count);
    return EOK;
}

uint64_t guest_space_find_free(const struct vdev_builder *b, uint64_t size, uint64_t align)
{
    (void)b;
    assert_true(size == MIB(16) && align == MIB(2));
    return QSL_NO_LOCATION;
}

bool vdev_reg(const struct vdev_builder *b, unsigned index, uint64_t *base, uint64_t *size)
{
    assert_int_equal(index, 1);
    *base = TEST_WINDOW;
    *size = TEST_WINDOW_SIZE;
    return b->node >= 0;
}

int vdev_fdt_u32s(struct vdev_fdt *f, const char *name, const uint32_t *cells, unsigned n)
{
    (void)f;
    assert_string_equal(name, "reg");
    assert_int_equal(n, 8);
    assert_true(cells[1] == TEST_AT && cells[3] == 0x1000 && cells[5] == TEST_WINDOW && cells[7] == TEST_WINDOW_SIZE);
    return EOK;
}

int vdev_option_u64(const struct vdev_builder *b, const struct vdev_option *o, uint64_t *out)
{
    (void)b;
    *out = strtoull(o->data, NULL, 0);
    return EOK;
}

int vdev_option_u32(const struct vdev_builder *b, const struct vdev_option *o, uint32_t *out)
{
    (void)b;
    *out = (uint32_t)strtoul(o->data, NULL, 0);
    return EOK;
}

int qvm_parse_num(const struct vdev_builder *b, const char *text, uint64_t *out)
{
    char *end;
    (void)b;
    *out = strtoull(text, &end, 0);
    return *end || end == text ? error_at(EINVAL, "\"%s\" is no number", text) : EOK;
}

int host_memory_reserve(const struct vdev_builder *b, uint64_t size, struct host_memory *out)
{
    (void)b;
    if (size > TEST_HOST_SIZE - reserved)
        return ENOMEM;
    *out = (struct host_memory){ TEST_HOST + reserved, size };
    memset(test_memory + reserved, 0xa5, size);
    reserved += size;
    return EOK;
}

void host_memory_zero(const struct host_memory *m, uint64_t offset, uint64_t length)
{
    assert_int_equal(shmem_set_lock.next, shmem_set_lock.owner); /* not while others wait */
    assert_true(length <= m->length && offset <= m->length - length);
    memset(test_memory + (m->location - TEST_HOST) + offset, 0, length);
    test_zeroed_most = length > test_zeroed_most ? (unsigned)length : test_zeroed_most;
}

int guest_intr_signal(const struct guest_intr *gip, enum guest_intr_state state)
{
    unsigned n = gip->param - 100;
    assert_true(test_lines[n] != (state == GIS_ON));
    test_lines[n] = state == GIS_ON;
    test_edges[n] += state == GIS_ON;
    return EOK;
}

int guest_cpu_read(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, void *data, size_t len)
{
    (void)gcp, (void)flags, (void)blk, (void)n;
    memcpy(data, &operand, len);
    return EOK;
}

int guest_cpu_write(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, const void *data,
                    size_t len)
{
    (void)gcp, (void)flags, (void)blk, (void)n;
    assert_int_equal(len, operand_size);
    operand = 0;
    memcpy(&operand, data, len);
    return EOK;
}

/* ---- The guests' side ---- */

void shmem_test_begin(void)
{
    memset(vms, 0, sizeof(vms));
    memset(states, 0, sizeof(states));
    memset(test_lines, 0, sizeof(test_lines));
    memset(test_edges, 0, sizeof(test_edges));
    for (unsigned i = 0; region_at(i); i++)
        memset(region_at(i), 0, sizeof(struct shmem_region));
    reserved = test_zeroed_most = test_soft_left = 0;
    test_soft_error = 0;
    test_log[0] = 0;
}

static int option_give(struct vdev_builder *b, const char *name, const char *value)
{
    unsigned i = 0;
    while (strcmp(shmem_options[i], name))
        i++;
    struct vdev_option o = { .name = name, .data = value, .size = (uint32_t)strlen(value) + 1 };
    return shmem_factory.startup(b, VDEV_CTRL_FIRST_OPTIDX + i, &o);
}

int shmem_make(unsigned n, const char *const *options)
{
    static char names[TEST_VDEVS][8];
    vdev_t *v = &test_vdevs[n];
    struct vdev_builder b = { .vdev = v, .gsp = &vms[n], .path = "/vm/shmem" };
    snprintf(names[n], sizeof(names[n]), "v%u", n);
    *v = (vdev_t){ .v_device = &states[n], .v_factory = &shmem_factory, .v_gsp = &vms[n], .v_name = names[n] };
    v->v_block = (qvm_state_block){ .type = QST_MEMORY, .location = TEST_AT, .length = 0x1000 };
    v->v_intr.param = 100 + n;
    int err = shmem_factory.startup(&b, VDEV_CTRL_OPTIONS_START, NULL);
    for (; !err && options && *options; options += 2)
        err = option_give(&b, options[0], options[1]);
    if (!err)
        err = shmem_factory.startup(&b, VDEV_CTRL_OPTIONS_END, NULL);
    if (!err)
        err = shmem_factory.startup(&b, VDEV_CTRL_ASSIGN, NULL);
    return err ? err : shmem_factory.startup(&b, VDEV_CTRL_GEN_FDT, NULL);
}

static enum vdev_ref_status factory_access(unsigned n, uint64_t offset, unsigned size, bool write)
{
    qvm_state_block place = { .type = QST_MEMORY, .location = TEST_AT + offset, .length = size }, reg = { 0 };
    vdev_t *v = &test_vdevs[n];
    operand_size = size;
    enum vdev_ref_status s =
        write ? v->v_factory->vwrite(v, 0, &place, &reg, NULL) : v->v_factory->vread(v, 0, &place, &reg, NULL);
    assert_false(vms[n].locked);
    assert_int_equal(shmem_set_lock.next, shmem_set_lock.owner);
    return s;
}

enum vdev_ref_status factory_read(unsigned n, uint64_t offset, unsigned size, uint64_t *value)
{
    enum vdev_ref_status s = factory_access(n, offset, size, false);
    *value = operand;
    return s;
}

enum vdev_ref_status factory_write(unsigned n, uint64_t offset, unsigned size, uint64_t value)
{
    operand = value;
    return factory_access(n, offset, size, true);
}

static const struct reg *control_register(unsigned n, uint64_t at, uint32_t offset, struct reg_access *a)
{
    int there = space_find(&vms[n], at);
    assert_true(there >= 0);
    const struct gasp_region *r = &vms[n].space[there];
    assert_ptr_equal(r->regs, &shmem_control_regs);
    *a = (struct reg_access){ .vdev = r->vdev, .cookie = r->cookie, .offset = offset, .size = 4 };
    const struct reg *row = reg_find(r->regs, offset);
    assert_true(row && reg_takes(row, offset, 4));
    return row;
}

uint32_t control_read(unsigned n, uint64_t at, uint32_t offset)
{
    struct reg_access a;
    const struct reg *row = control_register(n, at, offset, &a);
    return row->read ? (uint32_t)row->read(&a) : (uint32_t)row->value;
}

void control_write(unsigned n, uint64_t at, uint32_t offset, uint32_t value)
{
    struct reg_access a;
    const struct reg *row = control_register(n, at, offset, &a);
    if (row->write)
        row->write(&a, value);
    assert_false(vms[n].locked);
}

uint8_t *guest_memory(unsigned n, uint64_t at)
{
    int there = space_find(&vms[n], at);
    if (there < 0 || !(vms[n].space[there].flags & GRF_PASSTHRU))
        return NULL;
    const struct gasp_region *r = &vms[n].space[there];
    return test_memory + (r->host_location - TEST_HOST) + (at - r->guest.location);
}

uint32_t shmem_attach(unsigned n, const char *name, uint32_t pages, uint64_t *at)
{
    enum vdev_ref_status s;
    uint64_t status;
    for (unsigned i = 0; i < SHMEM_NAME; i++, name += *name != 0)
        assert_int_equal(factory_write(n, FACTORY_NAME + i, 1, (uint8_t)*name), VRS_NORMAL);
    while ((s = factory_write(n, FACTORY_SIZE, 4, pages)) == VRS_NO_ADVANCE)
        ;
    assert_int_equal(s, VRS_NORMAL);
    factory_read(n, FACTORY_STATUS, 4, &status);
    factory_read(n, FACTORY_SHMEM, 8, at);
    assert_true((status == GSS_OK) == (*at != 0));
    return (uint32_t)status;
}

unsigned guest_regions(unsigned n)
{
    return vms[n].count;
}

void shmem_control_code(unsigned n, unsigned code)
{
    test_vdevs[n].v_reporting = code == VDEV_CTRL_STATUS;
    assert_int_equal(shmem_factory.control(&test_vdevs[n], code, NULL), EOK);
}
