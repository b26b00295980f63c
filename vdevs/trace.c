/* SPDX-License-Identifier: Apache-2.0 */
/* The teaching example: one 32-bit word of guest memory. What the guest writes it reads back, a thread counts it up each second, and the log can be told. */
#include "hyp/api/guest.h"
#include "hyp/api/thread.h"
#include "hyp/api/vdev.h"

#include <errno.h>

#define WORD_SIZE 4
#define SECOND_NS UINT64_C(1000000000)

struct trace {
    /* set at startup, then const: */
    bool emit_logger;
    bool emit_trace;
    uint32_t trace_code;
    /* control() only, one call at a time: */
    vdev_thread_t *counter; /* NULL: it could not be made */
    /* under v_mtx: */
    uint32_t word;
    struct log_limit limit; /* guests cause the lines */
};

static struct trace *trace_of(const vdev_t *v)
{
    return v->v_device;
}

/* `reg` may be longer than the word; behind it is nothing. */
static bool is_word(const vdev_t *v, const qvm_state_block *vopnd)
{
    return vopnd->location == v->v_block.location;
}

/* guest_cpu_read() and guest_cpu_write() move data between the vdev and the vCPU's register: EOK, or the guest's fault. */
static enum vdev_ref_status status_of(int err)
{
    return err == EOK ? VRS_NORMAL : VRS_BUS_ERROR;
}

static __running enum vdev_ref_status trace_vread(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                                  const qvm_state_block *oopnd, guest_cpu *gcp)
{
    (void)cookie;
    if (!is_word(v, vopnd))
        return VRS_BUS_ERROR;
    lock_acquire(&v->v_mtx);
    uint32_t word = trace_of(v)->word;
    lock_release(&v->v_mtx);
    return status_of(guest_cpu_write(gcp, GXF_NONE, oopnd, 1, &word, sizeof(word)));
}

static __running enum vdev_ref_status trace_vwrite(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                                   const qvm_state_block *oopnd, guest_cpu *gcp)
{
    struct trace *t = trace_of(v);
    uint32_t word;
    (void)cookie;
    if (!is_word(v, vopnd))
        return VRS_BUS_ERROR;
    int err = guest_cpu_read(gcp, GXF_NONE, oopnd, 1, &word, sizeof(word));
    if (err)
        return status_of(err);
    lock_acquire(&v->v_mtx);
    t->word = word;
    if (t->emit_logger && log_allowed(&t->limit))
        vdev_logf(LOG_INFO, v, "the word is 0x%x", word);
    lock_release(&v->v_mtx);
    return VRS_NORMAL;
}

enum trace_option { OPTION_EMIT_LOGGER, OPTION_EMIT_TRACE };
static const char *const trace_options[] = { "armature,emit-logger", "armature,emit-trace", NULL };

static __startup int trace_option(struct vdev_builder *b, enum trace_option which, const struct vdev_option *option)
{
    struct trace *t = trace_of(b->vdev);
    switch (which) {
    case OPTION_EMIT_LOGGER:
        t->emit_logger = true;
        return option->size == 0 ? EOK : error_at(EINVAL, "%s: %s takes no value", b->path, option->name);
    case OPTION_EMIT_TRACE: t->emit_trace = true; return vdev_option_u32(b, option, &t->trace_code);
    }
    return EOK;
}

static __startup int trace_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        b->vdev->v_block.length = WORD_SIZE;
    if (ctrl >= VDEV_CTRL_FIRST_OPTIDX)
        return trace_option(b, (enum trace_option)(ctrl - VDEV_CTRL_FIRST_OPTIDX), arg);
    return EOK;
}

static void word_count(vdev_t *v)
{
    struct trace *t = trace_of(v);
    lock_acquire(&v->v_mtx);
    t->word++;
    if (t->emit_logger && log_allowed(&t->limit))
        vdev_logf(LOG_INFO, v, "counted to 0x%x", t->word);
    lock_release(&v->v_mtx);
}

/* Seconds are counted from the thread's beginning, however long each turn takes. */
static void *trace_thread(void *arg)
{
    thread_assume();
    uint64_t next = vdev_clock_ns() + SECOND_NS;
    while (vdev_thread_sleep_until(next) == EOK) {
        word_count(arg);
        next += SECOND_NS;
    }
    return NULL;
}

static __running int trace_begin(vdev_t *v)
{
    struct trace *t = trace_of(v);
    t->counter = NULL;
    return vdev_thread_create(v, "counter", &t->counter, NULL, trace_thread, v);
}

static __running int trace_end(vdev_t *v)
{
    struct trace *t = trace_of(v);
    if (!t->counter)
        return EOK;
    thread_assume(); /* TERMINATE is told by a thread */
    vdev_thread_cancel(t->counter);
    return vdev_thread_join(t->counter, NULL);
}

static __running void trace_status(vdev_t *v)
{
    const struct trace *t = trace_of(v);
    lock_acquire(&v->v_mtx);
    uint32_t word = t->word;
    lock_release(&v->v_mtx);
    if (t->emit_trace)
        vdev_logf(LOG_INFO, v, "the word is 0x%x; trace code %u", word, t->trace_code);
    else
        vdev_logf(LOG_INFO, v, "the word is 0x%x", word);
}

static __running void trace_reset(vdev_t *v)
{
    lock_acquire(&v->v_mtx);
    trace_of(v)->word = 0;
    lock_release(&v->v_mtx);
}

static __running int trace_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    switch (ctrl) {
    case VDEV_CTRL_GUEST_STARTING: return trace_begin(v);
    case VDEV_CTRL_TERMINATE: return trace_end(v);
    case VDEV_CTRL_RESET: trace_reset(v); return EOK;
    case VDEV_CTRL_STATUS: trace_status(v); return EOK;
    }
    return EOK;
}

static const char *const trace_compatible[] = { "armature,trace", NULL };

VDEV_FACTORY(trace_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM | VFF_INTR_NO | VFF_MUTEX,
    .name = "trace",
    .compatible = trace_compatible,
    .option_list = trace_options,
    .extra_space = sizeof(struct trace),
    .acc_sizes = BIT(WORD_SIZE),
    .threads = 1,
    .startup = trace_startup,
    .control = trace_control,
    .vread = trace_vread,
    .vwrite = trace_vwrite,
};
