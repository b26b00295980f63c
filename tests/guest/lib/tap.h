/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * TAP: `ok N - name [manual section]`, got/want after a failure, the plan at the end. Subjects register themselves and are
 * chosen by bootargs subjects=a,b. Checks are counted on the boot core only: other cores compute, the boot core checks.
 */
#include "hyp/base/bits.h"

struct subject {
    const char *name;
    void (*run)(void);
};

/* `order` (three digits) fixes the sequence. */
#define SUBJECT(order, label, fn) \
    static const struct subject subject_##fn __attribute__((used, section(".subjects." #order))) = { label, fn }

void tap_check(bool good, const char *section, const char *name);
void tap_equal(uint64_t got, uint64_t want, const char *section, const char *name);
void tap_skip(const char *section, const char *name, const char *reason);

/* The section is the manual's: "DDI0487 D1.3 ..." */
#define check(cond, section, name) tap_check(cond, section, name)
#define check_eq(got, want, section, name) tap_equal((uint64_t)(got), (uint64_t)(want), section, name)
#define check_skip(section, name, reason) tap_skip(section, name, reason)
/* A check that only makes sense under a condition of this machine. */
#define check_eq_if(cond, reason, got, want, section, name) \
    do { \
        if (cond) \
            tap_equal((uint64_t)(got), (uint64_t)(want), section, name); \
        else \
            tap_skip(section, name, reason); \
    } while (0)
#define check_if(cond, reason, good, section, name) \
    do { \
        if (cond) \
            tap_check(good, section, name); \
        else \
            tap_skip(section, name, reason); \
    } while (0)

/* Bootarg hyp=1: under the hypervisor, so that what only it promises is checked too. */
bool tap_under_hypervisor(void);
void tap_run_subjects(void);
