/* SPDX-License-Identifier: Apache-2.0 */
/* One queue for the machine, by falling priority, by tickets among equals. */
#include "hyp/sched.h"
#include "arch/arm64/timer.h"
#include "hyp/core.h"

#define NEVER (~UINT64_C(0))
#define NOBODY (-1)

struct spinlock sched_lock = LOCK_RANKED(LOCK_SCHED);
static struct list queue; /* under sched_lock, as: */
static uint64_t tickets;

static uint64_t turn_ticks(void)
{
    return timer_ms(SCHED_TURN_MS);
}

void sched_init(void)
{
    list_init(&queue);
}

void sched_core_init(struct core_sched *s)
{
    *s = (struct core_sched){ .target_priority = NOBODY, .waiting_priority = NOBODY, .turn_end = NEVER };
}

/* Its budget is spent and it has no priority for that. */
static bool barred(const struct context *x)
{
    return x->budget.spent && x->background < 0 && !x->lent;
}

static unsigned priority_of(const struct context *x)
{
    unsigned own = !x->budget.spent ? x->base : x->background < 0 ? 0 : (unsigned)x->background;
    return own > x->lent ? own : x->lent;
}

static struct turn *turn_of(struct context *x)
{
    return &x->turns[x->budget.spent];
}

static void turn_begin(struct turn *t) REQUIRES(sched_lock)
{
    *t = (struct turn){ .left = turn_ticks(), .ticket = ++tickets };
}

static void turns_begin(struct context *x) REQUIRES(sched_lock)
{
    turn_begin(&x->turns[false]);
    turn_begin(&x->turns[true]);
}

/* Is x, of two with the same priority, the first? */
static bool is_before(struct context *x, struct context *other)
{
    return turn_of(x)->ticket < turn_of(other)->ticket;
}

static void enqueue(struct context *x) REQUIRES(sched_lock)
{
    struct list *at = queue.next;
    for (; at != &queue; at = at->next) {
        struct context *other = container_of(at, struct context, node);
        if (other->priority < x->priority || (other->priority == x->priority && is_before(x, other)))
            break;
    }
    list_insert_before(at, &x->node);
}

/* A bit for each core that it may run on now. */
static uint64_t cores_of(const struct context *x)
{
    return x->held ? x->cores & BIT(x->held->arch.index) : x->cores;
}

static bool eligible(const struct context *x, const struct core *c)
{
    return cores_of(x) & BIT(c->arch.index) && (!x->target || x->target == c);
}

static struct context *first_eligible(const struct core *c) REQUIRES(sched_lock)
{
    list_each(at, &queue) {
        struct context *x = container_of(at, struct context, node);
        if (eligible(x, c))
            return x;
    }
    return NULL;
}

/* What a core runs, or was told to take. */
static int core_priority(const struct core *c) REQUIRES(sched_lock)
{
    int running = c->sched.current ? (int)c->sched.current->priority : NOBODY;
    return running > c->sched.target_priority ? running : c->sched.target_priority;
}

/* Somebody waits: who runs there gets a turn's length, and WFI has to be seen. */
static void contend(const struct context *x) REQUIRES(sched_lock)
{
    for (uint64_t left = cores_of(x); left; left &= left - 1) {
        struct core *c = cores[bit_first(left)];
        if (!c || c->sched.waiting_priority >= (int)x->priority)
            continue;
        c->sched.waiting_priority = x->priority;
        core_kick(c);
    }
}

/* Tells the core that does the least important thing to take it, if that is less important; else it waits for its turn. */
static void place(struct context *x) REQUIRES(sched_lock)
{
    struct core *best = NULL;
    int least = SCHED_URGENT + 1;
    for (uint64_t left = cores_of(x); left; left &= left - 1) {
        struct core *c = cores[bit_first(left)];
        if (!c || __atomic_load_n(&c->state, __ATOMIC_RELAXED) != CORE_UP)
            continue;
        int p = core_priority(c);
        if (p < least || (p == least && c == x->core)) {
            least = p;
            best = c;
        }
    }
    x->target = NULL;
    if (best && least < (int)x->priority) {
        x->target = best;
        best->sched.target_priority = x->priority;
        core_kick(best);
    } else {
        contend(x);
    }
}

static void make_ready(struct context *x, uint64_t now) REQUIRES(sched_lock)
{
    __atomic_store_n(&x->state, CONTEXT_READY, __ATOMIC_SEQ_CST);
    x->ready_since = now;
    x->target = NULL;
    if (barred(x))
        return;
    enqueue(x);
    place(x);
}

/* Its priority as it counts has changed. */
static void reprioritise(struct context *x) REQUIRES(sched_lock)
{
    bool queued = !list_empty(&x->node);
    if (x->state == CONTEXT_READY && x->priority == SCHED_URGENT)
        return; /* until it had its core */
    x->priority = (uint16_t)priority_of(x);
    turn_of(x)->ticket = ++tickets;
    if (x->state == CONTEXT_RUNNING)
        core_kick(x->core);
    if (x->state != CONTEXT_READY)
        return;
    if (queued)
        list_remove(&x->node);
    x->target = NULL;
    if (barred(x))
        return;
    enqueue(x);
    place(x);
}

/* The account of one that runs, up to now. Is its budget spent by that? */
static bool charge(struct context *x, uint64_t now) REQUIRES(sched_lock)
{
    struct turn *turn = turn_of(x);
    uint64_t ran = now - x->since;
    x->since = now;
    x->ran += ran;
    turn->left = ran < turn->left ? turn->left - ran : 0;
    if (!budget_charge(&x->budget, ran, now))
        return false;
    phase_assume_running();
    x->priority = (uint16_t)priority_of(x);
    alarm_set(&x->refill, budget_next(&x->budget));
    return true;
}

/* Its budget gave it another priority: whoever it waits for is to know. */
static void tell_blocked(struct context *x) REQUIRES(sched_lock)
{
    if (x->state == CONTEXT_BLOCKED && x->kind == CONTEXT_THREAD)
        thread_reprioritised(x);
}

static void refill_on_alarm(struct alarm *a)
{
    struct context *x = container_of(a, struct context, refill);
    phase_assume_running();
    lock_acquire(&sched_lock);
    uint64_t now = timer_now();
    if (x->state == CONTEXT_RUNNING)
        (void)charge(x, now); /* what it ran in the background is not of its budget */
    if (budget_refill(&x->budget, now)) {
        budget_begin(&x->budget, now); /* for one that runs; another's begins when it comes to a core */
        turn_begin(turn_of(x));
        reprioritise(x);
        tell_blocked(x);
    } else if (x->budget.spent) {
        alarm_set(a, budget_next(&x->budget));
    }
    lock_release(&sched_lock);
}

int context_init(struct context *x, enum context_kind kind, struct core *home)
{
    *x = (struct context){ .kind = kind, .background = NOBODY };
    list_init(&x->node);
    return alarm_init(&x->refill, home, refill_on_alarm);
}

void context_set(struct context *x, unsigned priority, uint64_t on)
{
    x->cores = on & (~UINT64_C(0) >> (64 - CONFIG_MAX_CORES));
    x->base = x->priority = (uint16_t)priority;
    x->lent = 0;
    x->ran = x->waited = 0;
    context_budget(x, 0, 0, NOBODY);
}

void context_budget(struct context *x, uint64_t capacity, uint64_t period, int background)
{
    budget_init(&x->budget, capacity, period);
    x->background = background;
}

void sched_wake_locked(struct context *x)
{
    if (x->state != CONTEXT_BLOCKED)
        return;
    uint64_t now = timer_now();
    turns_begin(x);
    x->priority = (uint16_t)priority_of(x);
    make_ready(x, now);
}

void sched_wake(struct context *x)
{
    lock_acquire(&sched_lock);
    sched_wake_locked(x);
    lock_release(&sched_lock);
}

void sched_wake_urgent(struct context *x)
{
    lock_acquire(&sched_lock);
    if (x->state == CONTEXT_RUNNING) {
        core_kick(x->core);
    } else {
        list_remove(&x->node);
        if (x->state == CONTEXT_BLOCKED) {
            turns_begin(x);
            x->ready_since = timer_now();
        }
        x->target = NULL;
        x->priority = SCHED_URGENT;
        __atomic_store_n(&x->state, CONTEXT_READY, __ATOMIC_SEQ_CST);
        enqueue(x);
        place(x);
    }
    lock_release(&sched_lock);
}

void sched_block_locked(struct core *c)
{
    struct context *x = c->sched.current;
    bool fell = charge(x, timer_now());
    budget_end(&x->budget);
    c->sched.current = NULL;
    __atomic_store_n(&x->state, CONTEXT_BLOCKED, __ATOMIC_SEQ_CST);
    if (fell)
        tell_blocked(x);
    core_kick(c);
}

void sched_block(struct core *c)
{
    lock_acquire(&sched_lock);
    sched_block_locked(c);
    lock_release(&sched_lock);
}

void sched_released(struct context *x)
{
    lock_acquire(&sched_lock);
    x->held = NULL;
    if (!list_empty(&x->node))
        place(x);
    lock_release(&sched_lock);
}

void sched_turn_over(struct core *c)
{
    lock_acquire(&sched_lock);
    (void)charge(c->sched.current, timer_now());
    turn_of(c->sched.current)->left = 0;
    lock_release(&sched_lock);
    core_kick(c);
}

void sched_lend_locked(struct context *x, unsigned priority)
{
    if (x->lent == priority)
        return;
    x->lent = (uint16_t)priority;
    reprioritise(x);
}

void sched_base_locked(struct context *x, unsigned priority)
{
    if (x->base == priority)
        return;
    x->base = (uint16_t)priority;
    reprioritise(x);
}

static void take(struct core *c, struct context *x, uint64_t now) REQUIRES(sched_lock)
{
    list_remove(&x->node);
    if (x->priority == SCHED_URGENT)
        core_kick(c); /* it gets one turn of the loop */
    x->priority = (uint16_t)priority_of(x);
    x->target = NULL;
    x->core = x->held = c;
    x->since = now;
    budget_begin(&x->budget, now);
    x->waited += now - x->ready_since;
    c->sched.current = x;
    __atomic_store_n(&x->state, CONTEXT_RUNNING, __ATOMIC_SEQ_CST);
}

/* Who was told to come here and does not get the core may go elsewhere. */
static void place_others(const struct core *c) REQUIRES(sched_lock)
{
    list_each(at, &queue) {
        struct context *x = container_of(at, struct context, node);
        if (x->target == c)
            place(x);
    }
}

/* Who fell back to its background priority takes its place there, which may be behind others. */
static bool gives_way(struct context *x, struct context *to, bool fell)
{
    if (barred(x))
        return true;
    if (!to || to->priority != x->priority)
        return to && to->priority > x->priority;
    return !turn_of(x)->left || (fell && is_before(to, x));
}

/* Until when the choice holds without anything happening. */
static uint64_t choice_end(struct context *x, const struct context *next) REQUIRES(sched_lock)
{
    uint64_t end = NEVER;
    if (next && next->priority == x->priority)
        end = x->since + turn_of(x)->left;
    if (x->budget.capacity && !x->budget.spent && x->budget.left < end - x->since)
        end = x->since + x->budget.left;
    return end;
}

void sched_pick(struct core *c)
{
    struct core_sched *s = &c->sched;
    lock_acquire(&sched_lock);
    uint64_t now = timer_now();
    struct context *was = s->current;
    s->target_priority = NOBODY;
    bool fell = was && charge(was, now);
    struct context *best = first_eligible(c);
    bool out = was && gives_way(was, best, fell);
    if (out)
        s->current = NULL;
    if (!s->current && best)
        take(c, best, now);
    if (out) {
        budget_end(&was->budget);
        if (!turn_of(was)->left)
            turn_begin(turn_of(was));
        if (was->kind == CONTEXT_THREAD)
            was->held = NULL; /* a vCPU's registers stay until somebody needs their place */
        make_ready(was, now);
    }
    place_others(c);
    struct context *next = first_eligible(c);
    s->waiting_priority = next ? next->priority : NOBODY;
    s->turn_end = s->current ? choice_end(s->current, next) : NEVER;
    lock_release(&sched_lock);
}

void sched_times(const struct context *x, uint64_t *ran, uint64_t *waited)
{
    lock_acquire(&sched_lock);
    uint64_t now = timer_now();
    *ran = x->ran + (x->state == CONTEXT_RUNNING ? now - x->since : 0);
    *waited = x->waited + (x->state == CONTEXT_READY ? now - x->ready_since : 0);
    lock_release(&sched_lock);
}
