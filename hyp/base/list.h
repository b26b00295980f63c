/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Circular doubly linked lists with the node inside the element. The list's owner names the lock. */
#include "bits.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_before(struct list *at, struct list *n)
{
    n->prev = at->prev;
    n->next = at;
    at->prev->next = n;
    at->prev = n;
}

static inline void list_append(struct list *l, struct list *n)
{
    list_insert_before(l, n);
}

/* Leaves the node empty, so that it may be removed twice and tested with list_empty(). */
static inline void list_remove(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

#define list_each(pos, l) for (struct list *pos = (l)->next; pos != (l); pos = pos->next)
#define list_each_safe(pos, l) \
    for (struct list *pos = (l)->next, *pos##_next = pos->next; pos != (l); pos = pos##_next, pos##_next = pos->next)
