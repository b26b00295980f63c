/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The VM descriptions of the bundle, checked and decoded; const after startup. docs/DESCRIPTION.md is the binding. */
#include "hyp/base/addr.h"
#include "hyp/base/bits.h"
#include "hyp/base/config.h"
#include "hyp/base/phase.h"
#include "hyp/bundle.h"

#define CONFIG_MAX_RAM_RANGES 8
#define CONFIG_MAX_RESERVES 8
#define CONFIG_NAME 32
#define CONFIG_PATH 96

enum unsupported_policy { UNSUPPORTED_FAIL, UNSUPPORTED_IGNORE, UNSUPPORTED_ABORT };
enum end_policy { END_STOP, END_RESTART };
enum safety_policy { SAFETY_NONE, SAFETY_WARN, SAFETY_REQUIRED };
enum counter_policy { COUNTER_HOST, COUNTER_OWN };

struct config_ram {
    ipa_t base;
    uint64_t size;
    bool read_only;
    const char *image; /* preloaded; NULL: none */
};

/* A vdev node: matched to its factory by the vdev core, which reads the options from the node while startup lasts. */
struct config_vdev {
    int node; /* offset in the description */
    const struct vdev_factory *factory;
    char path[CONFIG_PATH];
};

struct config_vm {
    char name[CONFIG_NAME];
    char path[CONFIG_PATH];
    const void *fdt; /* the description, for offsets of nodes; read while startup lasts */
    int node;
    const char *refused; /* NULL, or why the description makes no VM; traced already */
    unsigned cpus;
    uint64_t runmask[CONFIG_MAX_VCPUS]; /* the host cores of each vCPU, a bit each; 0: one is assigned */
    uint32_t budget_us, period_us;      /* of each vCPU; budget 0: no limit */
    int background;                     /* priority of a vCPU whose budget is spent; -1: it does not run */
    uint8_t priority;
    enum unsupported_policy on_reference, on_instruction, on_register;
    enum end_policy on_reset, on_crash;
    enum counter_policy counter;
    enum safety_policy safety; /* what is done about vdevs that are not VDEV_SAFETY_SELECTED */
    bool identity, dry_run, pmu;
    struct config_ram ram[CONFIG_MAX_RAM_RANGES];
    unsigned ram_count;
    struct {
        uint64_t base, size;
    } reserve[CONFIG_MAX_RESERVES];
    unsigned reserve_count;
    uint32_t reserve_intid[CONFIG_MAX_RESERVES];
    unsigned reserve_intid_count;
    const char *bootargs; /* NULL: none */
    const char *kernel, *ramdisk, *dtb;
    bool has_kernel_load, has_entry, has_dtb_address, no_dtb;
    uint64_t kernel_load, entry, dtb_address;
    struct config_vdev vdevs[CONFIG_MAX_VDEVS];
    unsigned vdev_count;
};

struct config {
    const void *vms_fdt; /* in the bundle */
    struct bundle bundle;
    struct config_vm vms[CONFIG_MAX_VMS];
    unsigned vm_count;
};

/*
 * Decodes the description. A VM whose node is wrong is marked refused (traced with path and reason) and the others go on;
 * -EINVAL only if the description as a whole is none. Vdev nodes are matched against the factory table:
 * unknown ones refuse the VM, naming the node and the nearest known compatible; one that exists but is not built in names its Kconfig option.
 */
int config_parse(const struct bundle *bundle, struct config *c) __startup __must_check;
