/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The virtual device API's core: factory, instance, lifecycle. Two entries replace QNX's single control function (decision 29):
 * startup() for everything before GUEST_CONFIGURED, control() from then on.
 */
#include "hyp/api/regs.h"
#include "hyp/api/types.h"
#include "hyp/base/lock.h"
#include "hyp/base/log.h"
#include "hyp/base/phase.h"

#define QVM_VDEV_ABI 2026113001u

/* Control codes; values where QNX documents them. */
enum vdev_ctrl {
    VDEV_CTRL_OPTIONS_START = 0,
    VDEV_CTRL_OPTIONS_END = 1,
    VDEV_CTRL_GUEST_CONFIGURED = 2,
    VDEV_CTRL_TERMINATE = 3,
    VDEV_CTRL_STATUS = 4,
    VDEV_CTRL_GEN_ACPI = 5,
    VDEV_CTRL_GEN_FDT = 6,
    VDEV_CTRL_BUTTON = 7,
    VDEV_CTRL_ASSIGN = 8,
    VDEV_CTRL_PCI_BARS = 9,
    VDEV_CTRL_GUEST_STARTING = 10,
    VDEV_CTRL_RESET = 11, /* ours: the VM restarts; come out as from startup */
    VDEV_CTRL_FIRST_OPTIDX = 0x100,
};
#define VDEV_CTRL_BOOTUP VDEV_CTRL_GUEST_CONFIGURED

enum vdev_factory_flags {
    VFF_NONE = 0,
    VFF_INTR_NO = 0x002,
    VFF_INTR_REQ = 0x004,
    VFF_INTR_NONPCI = 0x008,
    VFF_LOC_NO = 0x010,
    VFF_VDEV_MEM = 0x020,
    VFF_MUTEX = 0x100,
    VFF_MANUAL_REGION = 0x800,
    VFF_INTR_SHARED = 0x1000, /* ours: the line may be shared with other vdevs that say so */
};

enum vdev_ref_status {
    VRS_NORMAL = 0, /* done; the guest goes on behind the instruction */
    VRS_NO_ADVANCE = 1,
    VRS_ABORT = 2,
    VRS_BUS_ERROR = 3, /* inject a synchronous external abort */
    VRS_CONTINUE = 4,
    VRS_TERMINATE = 5, /* end the VM */
    VRS_ERRNO = 0x100, /* + errno: emulation error */
};

/* How much may be entrusted to a vdev: a VM with armature,safety = "required" is made of SELECTED ones only. */
enum vdev_safety {
    VDEV_SAFETY_NONE,
    VDEV_SAFETY_SELECTED, /* written for it: bounded, no memory of its own at run time, all its states tested */
};

/* What vread and vwrite answer after guest_cpu_read(), guest_cpu_write(): done, a bus error, or an emulation error. */
static inline enum vdev_ref_status guest_cpu_to_vrs(int err)
{
    if (err == EOK)
        return VRS_NORMAL;
    return err == -1 ? VRS_BUS_ERROR : (enum vdev_ref_status)(VRS_ERRNO + err);
}

struct vdev_builder;
struct vdev_pic_functions;
struct guest_timer_data;

/* Static, const, one a vdev type, found through the linker's table: VDEV_FACTORY(name) = { ... }; */
struct vdev_factory {
    uint32_t abi;                   /* QVM_VDEV_ABI */
    uint32_t factory_flags;         /* VFF_* */
    const char *name;               /* the type's name */
    const char *const *compatible;  /* NULL-terminated: nodes with one of these are ours; with `device`, "*" is any */
    const char *device;             /* and with this armature,device, if not NULL */
    const char *const *option_list; /* NULL-terminated property names, passed as VDEV_CTRL_FIRST_OPTIDX + i */
    /* Repeatable options, BIT(i): each string, or each cell, of the property is an occurrence; the others have one, the whole. */
    uint32_t option_strings, option_cells;
    enum vdev_safety safety;
    uint32_t extra_space; /* zeroed bytes behind v_device */
    uint32_t acc_sizes;   /* BIT(n): n-byte accesses allowed; for vread/vwrite */
    /* Phase startup: OPTIONS_START, options, OPTIONS_END, ASSIGN, GEN_FDT. `arg`: option: const struct vdev_option *; GEN_FDT: struct
     * vdev_fdt *. Answers EOK or a positive errno, which refuses the VM. */
    int (*startup)(struct vdev_builder *b, unsigned ctrl, const void *arg);
    /* Phase running: GUEST_CONFIGURED, GUEST_STARTING, RESET, STATUS, BUTTON, TERMINATE. Unknown codes: EOK. An error of the first three ends the VM
     * before its first vCPU is on, for good; of the others it is logged. `arg`: BUTTON: struct vdev_button *. STATUS and BUTTON come on any core while vCPUs run; STATUS answers with qvm_report(). */
    int (*control)(vdev_t *vdev, unsigned ctrl, const void *arg);
    /* Accesses to the vdev's region, on the vCPU that makes them; NULL: the VM's `unsupported` policy. Not called if `regs` is set. */
    enum vdev_ref_status (*vread)(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                  const qvm_state_block *oopnd, guest_cpu *gcp);
    enum vdev_ref_status (*vwrite)(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                   const qvm_state_block *oopnd, guest_cpu *gcp);
    const struct reg_table *regs; /* instead of vread/vwrite */
    /* Phase running, on the vdev's pulse thread, may block: a vdev_event of the vdev was delivered. */
    int (*pulse)(vdev_t *v, int8_t code);
    uint32_t threads; /* how many threads of its own one vdev may have at once; a stack is kept for each */
    /* A timer of the vdev's, made with `data`, has come to its deadline: guest_timer_notify(). Needed by who calls that. On the timer's core, running,
     * no lock held; must not wait. The VM may have been paused since; it has not ended. */
    void (*timer)(vdev_t *v, void *data, const struct guest_timer_data *tdp, guest_cpu *gcp);
    const struct vdev_pic_functions *pic;
};

/* How the vdev's threads run, unless they are made otherwise: armature,sched and its like in the node; else as the VM's vCPUs. */
struct vdev_sched {
    uint8_t priority;
    uint64_t cores;          /* a bit for each host core */
    uint64_t budget, period; /* ticks in each period; budget 0: no limit */
    int background;          /* the priority while the budget is spent; -1: not at all */
};

struct vdev_s {
    void *v_device; /* extra_space bytes, zeroed at the start */
    const struct vdev_factory *v_factory;
    guest_system *v_gsp;
    qvm_state_block v_block;  /* where the device sits in the guest; location QSL_NO_LOCATION: not placed */
    struct guest_intr v_intr; /* the line it raises */
    struct spinlock v_mtx;    /* for the vdev's own use (VFF_MUTEX) */
    const char *v_name;       /* `label`, or the node's name: for the log */
    uint32_t v_muted;         /* severities that vdev_logf() leaves out: all that armature,log does not name */
    bool v_reporting;         /* STATUS is being answered; atomic */
    struct vdev_sched v_sched;
    struct thread *v_threads; /* factory->threads of them, and one for pulses */
};

/* BUTTON's argument. */
struct vdev_button {
    bool taken; /* set by who passes the request on to the guest */
};

#define VDEV_FACTORY(sym) \
    static const struct vdev_factory sym __attribute__((section(".vdev_factories"), used, aligned(8)))

/* What startup() works on; only exists while startup lasts, so that startup-only calls cannot be made later. */
struct vdev_builder {
    vdev_t *vdev;
    guest_system *gsp;
    const char *path; /* the node's path, for error messages */
    const void *fdt;  /* the description; owned by the framework */
    int node;
};

/* One occurrence of an option: numbered from 0 by `index` if the option is repeatable. The value is the property's bytes as in the tree (big-endian cells, strings with their NUL). */
struct vdev_option {
    const char *name;
    const void *data;
    uint32_t size;
    uint32_t index;
};
/* Typed views of an option; EOK or EINVAL (traced with path and property; *out is as it was). Startup. */
int vdev_option_u32(const struct vdev_builder *b, const struct vdev_option *o, uint32_t *out) __startup __must_check;
int vdev_option_u64(const struct vdev_builder *b, const struct vdev_option *o, uint64_t *out) __startup __must_check;
int vdev_option_string(const struct vdev_builder *b, const struct vdev_option *o,
                       const char **out) __startup __must_check;

/*
 * The value as text, as QNX's vdevs parse it (qvm_parse_num() and its like): a string as it is, a number of 4 or 8 bytes as "0x..." in buf, no value as
 * NULL. Repeatable options are what the factory says they are; of the others text is what reads as text. EINVAL: neither; ERANGE: buf is too small.
 */
int vdev_option_text(const struct vdev_builder *b, const struct vdev_option *o, char *buf, size_t n,
                     const char **out) __startup __must_check;
/* A property without a value: true by being there. */
int vdev_option_flag(const struct vdev_builder *b, const struct vdev_option *o, bool *out) __startup __must_check;
/* Bytes, in one cell or two: not 0, a multiple of `unit` (1: any). */
int vdev_option_size(const struct vdev_builder *b, const struct vdev_option *o, uint64_t unit,
                     uint64_t *out) __startup __must_check;

/* The builder of a vdev, for code that was not handed one; good until the next call. NULL, traced, once the machine runs. */
struct vdev_builder *vdev_builder_of(vdev_t *v) __startup;
/* Entry `index` of the node's `reg`. False: there is none, or no node (a vdev that the framework added). Entry 0 is in v_block after OPTIONS_START. */
bool vdev_reg(const struct vdev_builder *b, unsigned index, uint64_t *base, uint64_t *size) __startup;
/* Interrupt `index` of the node's `interrupts` as a line. EOK; ENOENT: there is none; EINVAL: traced. At ASSIGN, when v_intr has number 0. */
int vdev_interrupt(const struct vdev_builder *b, unsigned index, struct guest_intr *out) __startup __must_check;

/* The rate of the node's clock `index`, in Hz, from the fixed-clock that the description has for it. EOK; ENOENT: the node has no such; EINVAL, traced: it is of another kind. Startup. */
int vdev_clock_rate(const struct vdev_builder *b, unsigned index, uint32_t *hz) __startup __must_check;

/* The guest's tree while it is made: GEN_FDT's argument. Thin over libfdt's sequential writer; the framework opens the vdev's node (from the
 * description's node name) and copies its un-prefixed properties, `reg` and `interrupts`; a vdev adds what is missing. */
struct vdev_fdt {
    void *fdt; /* libfdt, sequential write */
    const guest_system *gsp;
    uint32_t gic_phandle;
};
/* Adds a property to the vdev's node in the guest's tree: bytes, cells, a string. EOK; ENOSPC: the tree is full. At GEN_FDT. */
int vdev_fdt_prop(struct vdev_fdt *f, const char *name, const void *data, uint32_t size) __startup __must_check;
int vdev_fdt_u32s(struct vdev_fdt *f, const char *name, const uint32_t *cells, unsigned n) __startup __must_check;
int vdev_fdt_string(struct vdev_fdt *f, const char *name, const char *value) __startup __must_check;
struct vdev_clock {
    const char *name; /* in clock-names */
    uint32_t hz;
};
/* Gives the vdev's node `clocks` and `clock-names`, with fixed clocks of these rates in the guest's tree, unless the description gives `clocks`: up to 8 rates
 * in one VM. EOK; ENOSPC: more than that, or the tree is full. At GEN_FDT. */
int vdev_fdt_clocks(struct vdev_fdt *f, const struct vdev_clock *clocks, unsigned n) __startup __must_check;

/* "name@location" for messages; snprintf-like. Any phase. */
int vdev_string(char *buf, size_t n, const vdev_t *v);
/* "/VM/NODE": the vdev's node in the description, for messages and tools. snprintf-like. Any phase. */
int vdev_path(char *buf, size_t n, const vdev_t *v);
/* A line of the log, if armature,log of the vdev's node and the log's own filter let its severity pass. Any phase, any core, never blocks. A line
 * that a guest can cause is the caller's to limit. */
void vdev_logf(enum log_severity sev, const vdev_t *v, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A line of the vdev's status, past the vdev's own filter: within control()'s VDEV_CTRL_STATUS only. EOK; EPERM, traced: at another time.
 * Any core, any lock of the vdev's may be held; never blocks. */
int qvm_report(const vdev_t *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Interrupt-controller vdevs. */
struct vdev_pic_functions {
    uint32_t pnum_mask;
    uint32_t first_pin, num_pins; /* lines that exist: first_pin <= param < num_pins */
    /* Drive the line: gip->src_id is the source's bit; level. Any core, takes the controller's lock. */
    int (*signal)(const struct guest_intr *gip, enum guest_intr_state state);
    /* The cells of one interrupt of a node (in the CPU's byte order) to a line, and back. EOK or a positive errno, traced. */
    int (*parse)(const struct vdev_builder *b, const uint32_t *cells, unsigned n, struct guest_intr *out);
    int (*string)(const struct guest_intr *gip, char *buf, size_t n);
    /* The interrupt's cells for the guest's tree; answers how many (GIC: 3). */
    int (*table_spec)(const struct guest_intr *gip, uint32_t cells[4]);
    /* A free line for automatic assignment: one that vdev_pin_taken() (vintc.h) does not know. Or ENOSPC. */
    int (*assign)(const struct vdev_builder *b, struct guest_intr *out);
    /* From now on guest_intr_notify() is told of the line's `which` (GIN_*, guest.h). At startup. EOK, EINVAL (not of this line), ENOSPC. */
    int (*notify)(const struct guest_intr *gip, unsigned which);
};
