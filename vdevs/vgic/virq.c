/* SPDX-License-Identifier: Apache-2.0 */
#include "vdevs/vgic/virq.h"
#include "vdevs/vgic/vgic.h"

void virq_reset(struct virq *v, struct vgic_cpu *home)
{
    v->sources = 0;
    v->route = v->word = 0;
    v->priority = 0;
    v->lr = -1;
    v->latch = v->again = v->sender = 0;
    v->active = v->phys_active = v->nowhere = v->done = v->moving = false;
    __atomic_store_n(&v->any, false, __ATOMIC_RELAXED);
    list_init(&v->node);
    /* Never another one in between: who looks for the lock reads it at any time. */
    __atomic_store_n(&v->home, home, __ATOMIC_RELEASE);
}

/* By priority, then by INTID: the order in which they would be taken. */
void virq_enqueue(struct virq *v)
{
    struct list *queue = &v->home->queue, *at = queue->next;
    for (; at != queue; at = at->next) {
        const struct virq *other = container_of(at, struct virq, node);
        if (other->priority > v->priority || (other->priority == v->priority && other->intid > v->intid))
            break;
    }
    list_insert_before(at, &v->node);
    v->home->queued++;
}

void virq_dequeue(struct virq *v)
{
    list_remove(&v->node);
    v->home->queued--;
}

bool virq_requeue(struct virq *v)
{
    v->word = 0;
    if (!list_empty(&v->node))
        virq_dequeue(v);
    return virq_update(v);
}

bool virq_line(struct virq *v, uint32_t source, bool high)
{
    bool was = v->sources;
    v->sources = high ? v->sources | source : v->sources & ~source;
    bool is = v->sources;
    if (was == is)
        return false;
    if (!virq_edge(v))
        return virq_update(v);
    return is && virq_latch(v);
}

/* The next in turn behind whom the list register stood for. Not while that one is being served: its number is in the guest's hands. */
static __attribute__((noinline)) void sender_next(struct virq *v)
{
    unsigned behind = v->latch & ~((2u << v->sender) - 1);
    v->sender = (uint8_t)__builtin_ctz(behind ? behind : v->latch);
    v->word = 0;
}

static void sender_choose(struct virq *v)
{
    if (!v->active && virq_others(v))
        sender_next(v);
}

bool virq_latch_from(struct virq *v, unsigned senders)
{
    if (IS_ENABLED(CONFIG_TEST_FAULTS) && test_fault_drops())
        return false;
    bool first = !v->latch;
    v->latch |= (uint8_t)senders;
    v->again = v->lr < 0 ? 0 : (uint8_t)(v->again | senders);
    if (first)
        sender_choose(v);
    return virq_update(v);
}

bool virq_unlatch_from(struct virq *v, unsigned senders)
{
    v->latch &= (uint8_t)~senders;
    v->again &= (uint8_t)~senders;
    if (!(v->latch & BIT(v->sender)))
        sender_choose(v);
    return virq_update(v);
}

bool virq_unlatch(struct virq *v)
{
    return virq_unlatch_from(v, 0xff);
}

bool virq_set_active(struct virq *v, bool active)
{
    v->done |= v->watched && v->active && !active;
    v->active = active;
    if (v->hw && !active)
        v->sources = 0; /* the physical interrupt is deactivated with it, and fires if the line is high */
    sender_choose(v);
    return virq_update(v);
}

void virq_fold(struct virq *v, unsigned was, unsigned now)
{
    bool acknowledged = (was & LR_PENDING) && !(now & LR_PENDING);
    if (acknowledged)
        v->latch = (uint8_t)virq_others(v) | v->again;
    v->again = 0;
    v->active = now & LR_ACTIVE;
    /* Taken and ended: all of it between two looks, or what was active. */
    v->done |= v->watched && ((was & LR_ACTIVE && !v->active) || (was != LR_INVALID && now == LR_INVALID));
    if (now == LR_INVALID)
        sender_choose(v);
    if (!v->hw)
        return;
    /* The line of the device behind it shows again when the physical interrupt is deactivated, which the guest does with the virtual one. */
    if (acknowledged || now == LR_INVALID)
        v->sources = 0;
}

/* Is it what the list register stands for that is pending, not only another sender's? While it is active and others wait it is their turn then. */
static bool virq_sender_pending(const struct virq *v)
{
    bool latched = v->latch & BIT(v->sender) && !(v->active && virq_others(v));
    return latched || (v->sources && !virq_edge(v));
}

struct lr virq_lr(const struct virq *v, bool deliver)
{
    /* A list register that is linked to hardware cannot be pending and active: then the link is ours to keep. */
    bool linked = v->link && !(v->active && v->latch);
    /* While one that stands for the machine's is active its line is the machine's to see: the interrupt fires again if it is high then. */
    bool pending = deliver && !((v->hw || v->watched) && v->active && !v->latch) && virq_sender_pending(v);
    bool level = v->sources && !virq_edge(v);
    return (struct lr){
        .vintid = v->intid,
        .pintid = v->pintid,
        .priority = v->priority,
        .source = v->sender,
        .state = (uint8_t)((pending ? LR_PENDING : 0) | (v->active ? LR_ACTIVE : 0)),
        .group1 = virq_group1(v),
        .hw = linked,
        /* When the guest is done with it: the line is high still, or the link, the route, its owner or another sender wait for that. */
        .eoi_maint = !linked && (v->hw || v->moving || v->watched || (deliver && (level || virq_others(v)))),
    };
}
