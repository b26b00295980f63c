/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A bounded queue of bytes. The size is a power of two; the counters run freely. The owner names the lock. */
#include "bits.h"

struct ring {
    uint8_t *data;
    uint32_t size;
    uint32_t head; /* bytes ever put */
    uint32_t tail; /* bytes ever taken */
};

static inline void ring_init(struct ring *r, uint8_t *data, uint32_t size)
{
    *r = (struct ring){ .data = data, .size = size };
}

static inline uint32_t ring_used(const struct ring *r)
{
    return r->head - r->tail;
}

static inline uint32_t ring_room(const struct ring *r)
{
    return r->size - ring_used(r);
}

static inline bool ring_empty(const struct ring *r)
{
    return r->head == r->tail;
}

/* The caller knows that there is room. */
static inline void ring_put(struct ring *r, uint8_t byte)
{
    r->data[r->head++ & (r->size - 1)] = byte;
}

/* The oldest byte; the caller knows that there is one. */
static inline uint8_t ring_peek(const struct ring *r)
{
    return r->data[r->tail & (r->size - 1)];
}

static inline void ring_pop(struct ring *r)
{
    r->tail++;
}

/* Puts what fits, answers how many. */
static inline size_t ring_push(struct ring *r, const uint8_t *data, size_t n)
{
    size_t i = 0;
    for (; i < n && ring_room(r); i++)
        ring_put(r, data[i]);
    return i;
}

/* Puts all, at the cost of the oldest; answers how many of those were lost. */
static inline size_t ring_push_over(struct ring *r, const uint8_t *data, size_t n)
{
    size_t lost = 0;
    for (size_t i = 0; i < n; i++) {
        if (!ring_room(r)) {
            ring_pop(r);
            lost++;
        }
        ring_put(r, data[i]);
    }
    return lost;
}

/* Takes up to n, answers how many. */
static inline size_t ring_pull(struct ring *r, uint8_t *data, size_t n)
{
    size_t i = 0;
    for (; i < n && !ring_empty(r); i++) {
        data[i] = ring_peek(r);
        ring_pop(r);
    }
    return i;
}
