/* SPDX-License-Identifier: Apache-2.0 */
/* sources: vdevs/pass/ranges.c */
/* Pass-through: what it asks the machine and the guest's address space for, and an interrupt's way to the guest and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "vdevs/pass/pass.c"

static struct pass state;
static vdev_t vdev;
static char log_text[200];
/* The node: ranges and interrupts of the guest. */
static uint64_t ranges[PLACES_MAX + 1][2];
static unsigned range_count, intr_count;
/* What was asked for. */
static struct gasp_region regions[PLACES_MAX];
static unsigned region_count;
static uint64_t claimed[PLACES_MAX];
static unsigned claim_count;
static struct {
    uint32_t intid;
    bool edge, on, active, level, guest_line;
    host_intr_fired fired;
    guest_intr_told told;
    void *data, *told_data;
    unsigned watched;
} host[PLACES_MAX];
static unsigned host_count;

void log_line(enum log_severity sev, const char *fmt, ...)
{
    va_list ap;
    (void)sev;
    va_start(ap, fmt);
    vsnprintf(log_text, sizeof(log_text), fmt, ap);
    va_end(ap);
}

int qvm_report(const vdev_t *v, const char *fmt, ...)
{
    va_list ap;
    (void)v;
    va_start(ap, fmt);
    vsnprintf(log_text, sizeof(log_text), fmt, ap);
    va_end(ap);
    return EOK;
}

bool vdev_reg(const struct vdev_builder *b, unsigned index, uint64_t *base, uint64_t *size)
{
    (void)b;
    if (index >= range_count)
        return false;
    *base = ranges[index][0];
    *size = ranges[index][1];
    return true;
}

int vdev_interrupt(const struct vdev_builder *b, unsigned index, struct guest_intr *out)
{
    (void)b;
    *out = (struct guest_intr){ .param = 40 + index, .src_id = 1 };
    return index < intr_count ? EOK : ENOENT;
}

int vdev_fdt_string(struct vdev_fdt *f, const char *name, const char *value)
{
    (void)f;
    snprintf(log_text, sizeof(log_text), "%s=%s", name, value);
    return EOK;
}

int gasp_region_set(struct vdev_builder *b, unsigned n, const struct gasp_region *rgn)
{
    (void)b;
    assert_int_equal(n, 1);
    regions[region_count++] = *rgn;
    return EOK;
}

int host_device_claim(const struct vdev_builder *b, uint64_t location, uint64_t length)
{
    (void)b;
    (void)length;
    claimed[claim_count++] = location;
    return location == 0xbad000 ? EBUSY : EOK;
}

/* Registers that EL2 accesses for the guest. */
static uint64_t regs_location, regs_offset, regs_value;
static unsigned regs_size;
static bool regs_fail;

int host_regs_claim(const struct vdev_builder *b, uint64_t location, uint64_t length, struct host_regs *out)
{
    (void)b;
    regs_location = location;
    *out = (struct host_regs){ .at = &regs_value, .length = length };
    return location == 0xbad200 ? EBUSY : EOK;
}

int host_regs_read(const struct host_regs *r, uint64_t offset, unsigned size, uint64_t *value)
{
    assert_ptr_equal(r->at, &regs_value);
    regs_offset = offset;
    regs_size = size;
    *value = regs_value;
    return regs_fail ? EFAULT : EOK;
}

int host_regs_write(const struct host_regs *r, uint64_t offset, unsigned size, uint64_t value)
{
    assert_ptr_equal(r->at, &regs_value);
    regs_offset = offset;
    regs_size = size;
    regs_value = value;
    return regs_fail ? EFAULT : EOK;
}

static uint64_t guest_register;

int guest_cpu_read(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, void *data, size_t len)
{
    (void)gcp, (void)flags, (void)blk, (void)n;
    memcpy(data, &guest_register, len);
    return EOK;
}

int guest_cpu_write(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, const void *data,
                    size_t len)
{
    (void)gcp, (void)flags, (void)blk, (void)n;
    guest_register = 0;
    memcpy(&guest_register, data, len);
    return EOK;
}

void vdev_logf(enum log_severity sev, const vdev_t *v, const char *fmt, ...)
{
    va_list ap;
    (void)sev, (void)v;
    va_start(ap, fmt);
    vsnprintf(log_text, sizeof(log_text), fmt, ap);
    va_end(ap);
}

int vdev_option_string(const struct vdev_builder *b, const struct vdev_option *o, const char **out)
{
    (void)b;
    *out = o->data;
    return EOK;
}

int vdev_option_flag(const struct vdev_builder *b, const struct vdev_option *o, bool *out)
{
    (void)b, (void)o;
    *out = true;
    return EOK;
}

/* The machine's tree: what was asked, and what it says. */
static int node_says, range_says, interrupt_says, dma_says;
static unsigned dma_asked, ranges_asked, interrupts_asked;

int host_node_find(const struct vdev_builder *b, const char *path, struct host_node *out)
{
    (void)b;
    *out = (struct host_node){ path, 4 };
    return node_says;
}

int host_node_range(const struct vdev_builder *b, const struct host_node *n, uint64_t location, uint64_t length)
{
    (void)b, (void)n, (void)location, (void)length;
    ranges_asked++;
    return range_says;
}

int host_node_interrupt(const struct vdev_builder *b, const struct host_node *n, uint32_t intid)
{
    (void)b, (void)n, (void)intid;
    interrupts_asked++;
    return interrupt_says;
}

int host_node_dma(const struct vdev_builder *b, const struct host_node *n)
{
    (void)b, (void)n;
    dma_asked++;
    return dma_says;
}

int host_intr_claim(const struct vdev_builder *b, uint32_t intid, bool edge, host_intr_fired fired, void *data)
{
    (void)b;
    host[host_count].intid = intid;
    host[host_count].edge = edge;
    host[host_count].fired = fired;
    host[host_count++].data = data;
    return EOK;
}

int guest_intr_watch(const struct vdev_builder *b, const struct guest_intr *gip, unsigned which, guest_intr_told told,
                     void *data)
{
    (void)b;
    assert_int_equal(gip->param, 40 + host_count);
    host[host_count].told = told;
    host[host_count].told_data = data;
    host[host_count].watched = which;
    return EOK;
}

static unsigned index_of(uint32_t intid)
{
    unsigned i = 0;
    while (host[i].intid != intid)
        i++;
    return i;
}

void host_intr_enable(uint32_t intid, bool on)
{
    host[index_of(intid)].on = on;
}

bool host_intr_pends(uint32_t intid)
{
    return host[index_of(intid)].level;
}

/* A core takes it: what the hypervisor does. */
static void host_run(unsigned i)
{
    while (host[i].on && host[i].level && !host[i].active) {
        host[i].active = true;
        if (!host[i].fired(host[i].data))
            host[i].active = false;
        assert_int_equal(vdev.v_mtx.next, vdev.v_mtx.owner);
        if (!host[i].active)
            return;
    }
}

void host_intr_done(uint32_t intid)
{
    host[index_of(intid)].active = false;
}

int guest_intr_signal(const struct guest_intr *gip, enum guest_intr_state s)
{
    unsigned i = gip->param - 40;
    assert_true(host[i].guest_line != (s == GIS_ON));
    host[i].guest_line = s == GIS_ON;
    return EOK;
}

static void tell(unsigned i, enum guest_intr_notification which)
{
    host[i].told(host[i].told_data, which);
    host_run(i);
}

static int setup(void **unused)
{
    (void)unused;
    memset(&state, 0, sizeof(state));
    memset(host, 0, sizeof(host));
    vdev = (vdev_t){ .v_device = &state, .v_factory = &pass_factory, .v_name = "rtc" };
    range_count = 1;
    ranges[0][0] = 0x9010000;
    ranges[0][1] = 0x1000;
    intr_count = region_count = claim_count = host_count = 0;
    node_says = range_says = interrupt_says = dma_says = EOK;
    dma_asked = ranges_asked = interrupts_asked = 0;
    regs_fail = false;
    return 0;
}

static int step(unsigned ctrl, const void *arg)
{
    struct vdev_builder b = { .vdev = &vdev, .path = "/vm/rtc" };
    return pass_factory.startup(&b, ctrl, arg);
}

static int assign(void)
{
    region_count = claim_count = host_count = 0;
    return step(VDEV_CTRL_ASSIGN, NULL);
}

static int option(enum pass_option which, unsigned index, const void *data, size_t size)
{
    struct vdev_option o = { .name = pass_options[which], .data = data, .size = (uint32_t)size, .index = index };
    return step(VDEV_CTRL_FIRST_OPTIDX + which, &o);
}

static int attributes(const char *text)
{
    assert_int_equal(option(OPTION_ATTRIBUTES, 0, text, strlen(text) + 1), EOK);
    return assign();
}

static void identity_by_default(void **unused)
{
    (void)unused;
    assert_int_equal(assign(), EOK);
    assert_int_equal(claimed[0], 0x9010000);
    assert_int_equal(regions[0].host_location, 0x9010000);
    assert_int_equal(regions[0].guest.location, 0x9010000);
    assert_int_equal(regions[0].flags, GRF_ACTIVE | GRF_PASSTHRU | GRF_PASS_RD | GRF_PASS_WR);
    assert_int_equal(step(VDEV_CTRL_GEN_FDT, NULL), EOK);
}

static void attributes_to_flags(void **unused)
{
    static const struct {
        const char *text;
        uint32_t flags;
    } rows[] = {
        { "r", GRF_PASSTHRU | GRF_PASS_RD },
        { "w", GRF_PASSTHRU | GRF_PASS_WR },
        { "wr", GRF_PASSTHRU | GRF_PASS_RD | GRF_PASS_WR },
        { "rc", GRF_PASSTHRU | GRF_MEMORY | GRF_PASS_RD },
        { "rwxc", GRF_PASSTHRU | GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR | GRF_PASS_EX },
        { "rwxm", GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR | GRF_PASS_EX },
    };
    static const char *const bad[] = { "", "c", "x", "rx", "wc", "rwe", "d", "rn", "rs", "rt", "r+", "rw c" };
    (void)unused;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(attributes(rows[i].text), EOK);
        assert_int_equal(regions[0].flags, GRF_ACTIVE | rows[i].flags);
    }
    assert_int_equal(step(VDEV_CTRL_GEN_FDT, NULL), EOK);
    assert_string_equal(log_text, "device_type=memory");
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(attributes(bad[i]), EINVAL);
        assert_int_equal(region_count + claim_count, 0);
        assert_non_null(strstr(log_text, "/vm/rtc: armature,attributes: "));
    }
}

static void elsewhere(void **unused)
{
    static const uint8_t host_reg[] = { 0, 0, 0, 1, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0 };
    static const uint8_t host_intr[] = { 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1 };
    (void)unused;
    intr_count = 1;
    assert_int_equal(option(OPTION_HOST_REG, 0, host_reg, sizeof(host_reg)), EOK);
    assert_int_equal(option(OPTION_HOST_INTR, 0, host_intr, sizeof(host_intr)), EOK);
    assert_int_equal(assign(), EOK);
    assert_true(regions[0].host_location == UINT64_C(0x10a000000) && regions[0].guest.location == 0x9010000);
    assert_true(host[0].intid == 39 && host[0].edge);
    /* Fewer of them than of the guest's; of another size; none that can be passed. */
    intr_count = 2;
    assert_int_equal(assign(), EINVAL);
    intr_count = 1;
    range_count = 2;
    assert_int_equal(assign(), EINVAL);
    range_count = 1;
    ranges[0][1] = 0x2000;
    assert_int_equal(assign(), EINVAL);
    assert_non_null(strstr(log_text, "another size than in reg"));
    ranges[0][1] = 0x1000;
    static const uint8_t ppi[] = { 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 4 }, far[] = { 0, 0, 0, 0, 0, 0, 4, 7, 0, 0, 0, 4 };
    option(OPTION_HOST_INTR, 0, ppi, sizeof(ppi));
    assert_int_equal(assign(), EINVAL);
    option(OPTION_HOST_INTR, 0, far, sizeof(far));
    assert_int_equal(assign(), EINVAL);
}

static void another_owner(void **unused)
{
    (void)unused;
    ranges[0][0] = 0xbad000;
    assert_int_equal(assign(), EBUSY);
    assert_int_equal(region_count, 0);
    range_count = PLACES_MAX + 1;
    for (unsigned i = 0; i <= PLACES_MAX; i++)
        ranges[i][0] = 0x100000 * i;
    assert_int_equal(assign(), E2BIG);
}

/* Two level-sensitive interrupts of SPI 2 and 3. */
static void lines_make(void)
{
    static const uint8_t intr[] = { 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4 };
    intr_count = 2;
    assert_int_equal(option(OPTION_INTR, 0, intr, sizeof(intr)), EOK);
    assert_int_equal(assign(), EOK);
    assert_true(host[0].intid == 34 && host[1].intid == 35 && !host[0].edge && !host[0].on);
    assert_int_equal(host[0].watched, GIN_ACK | GIN_UNMASK);
}

static void an_interrupt_there_and_back(void **unused)
{
    (void)unused;
    lines_make();
    assert_int_equal(pass_factory.control(&vdev, VDEV_CTRL_GUEST_STARTING, NULL), EOK);
    assert_true(host[0].on && host[1].on);
    host[0].level = true;
    host_run(0);
    assert_true(host[0].guest_line && host[0].active && !host[1].guest_line);
    /* The guest ends it without having silenced the device: again, at once. */
    tell(0, GIN_ACK);
    assert_true(host[0].guest_line && host[0].active);
    host[0].level = false;
    tell(0, GIN_ACK);
    assert_true(!host[0].guest_line && !host[0].active);
    /* One of its own making. */
    tell(1, GIN_ACK);
    assert_false(host[1].guest_line || host[1].active);
    assert_int_equal(pass_factory.control(&vdev, VDEV_CTRL_STATUS, NULL), EOK);
    assert_string_equal(log_text, "2 interrupts of the machine, on, taken 2 times");
}

static void a_line_that_fell_before_it_was_enabled(void **unused)
{
    (void)unused;
    lines_make();
    pass_factory.control(&vdev, VDEV_CTRL_GUEST_STARTING, NULL);
    host[0].level = true;
    host_run(0);
    tell(0, GIN_UNMASK);
    assert_true(host[0].guest_line && host[0].active);
    host[0].level = false;
    tell(0, GIN_UNMASK);
    assert_false(host[0].guest_line || host[0].active);
}

static void the_vm_ends_and_starts_again(void **unused)
{
    (void)unused;
    lines_make();
    pass_factory.control(&vdev, VDEV_CTRL_GUEST_STARTING, NULL);
    host[0].level = true;
    host_run(0);
    assert_int_equal(pass_factory.control(&vdev, VDEV_CTRL_TERMINATE, NULL), EOK);
    assert_false(host[0].on || host[1].on || host[0].guest_line || host[0].active);
    /* One that a core had taken just before. */
    assert_false(host[1].fired(host[1].data));
    assert_false(host[1].guest_line);
    host_run(0);
    assert_false(host[0].guest_line);
    pass_factory.control(&vdev, VDEV_CTRL_RESET, NULL);
    pass_factory.control(&vdev, VDEV_CTRL_GUEST_STARTING, NULL);
    host_run(0);
    assert_true(host[0].guest_line && host[0].active);
}

static enum vdev_ref_status access_at(uint64_t location, unsigned size, bool write)
{
    qvm_state_block place = { .type = QST_MEMORY, .location = location, .length = size };
    qvm_state_block operand = { .type = QST_CPUREGS, .length = size };
    const struct gasp_region *r = &regions[0];
    return write ? pass_factory.vwrite(&vdev, r->cookie, &place, &operand, NULL)
                 : pass_factory.vread(&vdev, r->cookie, &place, &operand, NULL);
}

/* A slot of 0x200 bytes: its page is others' too, so each access is made for the guest, with its own size. */
static void a_part_of_a_page(void **unused)
{
    static const uint8_t host_reg[] = { 0, 0, 0, 0, 0x0a, 0, 0x3e, 0, 0, 0, 0, 0, 0, 0, 2, 0 };
    (void)unused;
    ranges[0][0] = 0xc000400;
    ranges[0][1] = 0x200;
    assert_int_equal(option(OPTION_HOST_REG, 0, host_reg, sizeof(host_reg)), EOK);
    assert_int_equal(assign(), EOK);
    assert_true(claim_count == 0 && regs_location == 0xa003e00 && region_count == 1);
    assert_int_equal(regions[0].flags, GRF_ACTIVE | GRF_VIRT_RD | GRF_VIRT_WR);
    assert_true(regions[0].guest.location == 0xc000400 && regions[0].guest.length == 0x200);
    regs_value = 0x74726976;
    assert_int_equal(access_at(0xc000404, 4, false), VRS_NORMAL);
    assert_true(regs_offset == 4 && regs_size == 4 && guest_register == 0x74726976);
    guest_register = 0x11223344aabbccdd;
    assert_int_equal(access_at(0xc0005fe, 2, true), VRS_NORMAL);
    assert_true(regs_offset == 0x1fe && regs_size == 2 && regs_value == 0xccdd);
    /* What the machine refuses is the guest's abort, not ours. */
    regs_fail = true;
    assert_int_equal(access_at(0xc000404, 4, false), VRS_BUS_ERROR);
    assert_int_equal(access_at(0xc000404, 4, true), VRS_BUS_ERROR);
    /* Read only; memory, which must be pages; another owner; at another place within 8 bytes. */
    assert_int_equal(attributes("r"), EOK);
    assert_int_equal(regions[0].flags, GRF_ACTIVE | GRF_VIRT_RD);
    assert_int_equal(attributes("rwc"), EINVAL);
    assert_int_equal(attributes("rw"), EOK);
    ranges[0][0] = 0xc000404;
    assert_int_equal(assign(), EINVAL);
    state.host_reg.name = NULL;
    ranges[0][0] = 0xbad200;
    assert_int_equal(assign(), EBUSY);
}

static void by_its_path(void **unused)
{
    static const uint8_t dma_ranges[24] = { 0 };
    (void)unused;
    assert_int_equal(option(OPTION_HOST_PATH, 0, "/rtc", 5), EOK);
    lines_make();
    assert_true(ranges_asked == 1 && interrupts_asked == 2 && dma_asked == 1);
    pass_factory.control(&vdev, VDEV_CTRL_GUEST_CONFIGURED, NULL);
    assert_non_null(strstr(log_text, "/rtc reaches memory by itself and is not contained"));
    pass_factory.control(&vdev, VDEV_CTRL_TERMINATE, NULL);
    assert_non_null(strstr(log_text, "its DMA may go on"));
    range_says = EINVAL;
    assert_int_equal(assign(), EINVAL);
    assert_int_equal(claim_count, 0);
    range_says = EOK;
    interrupt_says = EINVAL;
    assert_int_equal(assign(), EINVAL);
    interrupt_says = EOK;
    dma_says = EFAULT;
    assert_int_equal(assign(), EFAULT);
    assert_int_equal(region_count, 0);
    /* One that reaches no memory needs none of that. */
    assert_int_equal(option(OPTION_NO_DMA, 0, NULL, 0), EOK);
    assert_int_equal(assign(), EOK);
    log_text[0] = 0;
    pass_factory.control(&vdev, VDEV_CTRL_GUEST_CONFIGURED, NULL);
    assert_string_equal(log_text, "");
    assert_int_equal(option(OPTION_DMA_RANGES, 0, dma_ranges, 24), EOK);
    assert_int_equal(option(OPTION_DMA_RANGES, 0, dma_ranges, 20), EINVAL);
    node_says = ENOENT;
    assert_int_equal(option(OPTION_HOST_PATH, 0, "/none", 6), ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(identity_by_default, setup),
        cmocka_unit_test_setup(attributes_to_flags, setup),
        cmocka_unit_test_setup(elsewhere, setup),
        cmocka_unit_test_setup(another_owner, setup),
        cmocka_unit_test_setup(an_interrupt_there_and_back, setup),
        cmocka_unit_test_setup(a_line_that_fell_before_it_was_enabled, setup),
        cmocka_unit_test_setup(the_vm_ends_and_starts_again, setup),
        cmocka_unit_test_setup(a_part_of_a_page, setup),
        cmocka_unit_test_setup(by_its_path, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
