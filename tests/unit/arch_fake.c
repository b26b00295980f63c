/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arm64/cache.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/vcpu_arch.h"
#include "tests/unit/arch_fake.h"

struct fake_event fake_events[FAKE_EVENTS];
unsigned fake_event_count;
unsigned fake_windows_open, fake_windows_opened;

void fake_event(const char *what, uint64_t value)
{
    if (fake_event_count < FAKE_EVENTS)
        fake_events[fake_event_count] = (struct fake_event){ what, value };
    fake_event_count++;
}

bool fake_events_are(unsigned first, const char *const *names)
{
    unsigned n = 0;
    for (; names[n]; n++)
        if (first + n >= fake_event_count || strcmp(fake_events[first + n].what, names[n]))
            return false;
    return first + n == fake_event_count;
}

uint64_t *fake_sysreg(const char *name)
{
    static struct {
        const char *name;
        uint64_t value;
    } regs[64];
    unsigned i = 0;
    while (regs[i].name && strcmp(regs[i].name, name))
        i++;
    assert_true(i + 1 < ARRAY_LEN(regs));
    regs[i].name = name;
    return &regs[i].value;
}

void fake_sysreg_write(const char *name, uint64_t value)
{
    *fake_sysreg(name) = value;
    fake_event(name, value);
}

void bulk_zero(void *dst, size_t len)
{
    memset(dst, 0, len);
}

void bulk_copy(void *dst, const void *src, size_t len)
{
    memcpy(dst, src, len);
}

void cache_clean_inval_poc(const void *p, size_t len)
{
    fake_event("clean", va_of(p).raw);
    fake_event("bytes", len);
}

void *mmu_map_direct(pa_t pa, uint64_t size, uint64_t attrs)
{
    (void)size;
    (void)attrs;
    return direct_ptr(pa);
}

void *window_map(pa_t pa, uint64_t size, bool writable)
{
    uint64_t last = pa.raw + size - 1;
    (void)writable;
    assert_int_equal(fake_windows_open, 0);
    assert_true(size && size <= HYP_WINDOW_SIZE && pa.raw / HYP_WINDOW_SIZE == last / HYP_WINDOW_SIZE);
    fake_windows_open++;
    fake_windows_opened++;
    return direct_ptr(pa);
}

bool (*fake_translate)(uint64_t va, bool el0, bool write, uint64_t *ipa);

bool vcpu_translate(uint64_t va, bool el0, bool write, ipa_t *out)
{
    return fake_translate && fake_translate(va, el0, write, &out->raw);
}

uint64_t fake_views[FAKE_VIEWS];
bool fake_views_writable[FAKE_VIEWS];

int view_map(unsigned page, pa_t pa, uint64_t size, bool writable)
{
    for (uint64_t done = 0; done < size; done += PAGE_SIZE, page++) {
        assert_true(page < FAKE_VIEWS && !fake_views[page]);
        fake_views[page] = pa.raw + done;
        fake_views_writable[page] = writable;
    }
    return 0;
}

void view_unmap(unsigned page, unsigned pages)
{
    for (; pages; pages--, page++) {
        assert_true(page < FAKE_VIEWS);
        fake_views[page] = 0;
    }
}

void window_unmap(void)
{
    assert_int_equal(fake_windows_open, 1);
    fake_windows_open--;
}
