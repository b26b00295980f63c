/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What newlib's integer printf family refers to but never needs here: it allocates only for asprintf() and for positional
 * arguments. There is no heap at EL2, so every such request is refused, and the call answers -1.
 */
#include <reent.h>
#include <stddef.h>

void *_malloc_r(struct _reent *reent, size_t size);
void *_calloc_r(struct _reent *reent, size_t count, size_t size);
void *_realloc_r(struct _reent *reent, void *old, size_t size);
void _free_r(struct _reent *reent, void *old);

void *_malloc_r(struct _reent *reent, size_t size)
{
    (void)reent;
    (void)size;
    return NULL;
}

void *_calloc_r(struct _reent *reent, size_t count, size_t size)
{
    (void)reent;
    (void)count;
    (void)size;
    return NULL;
}

void *_realloc_r(struct _reent *reent, void *old, size_t size)
{
    (void)reent;
    (void)old;
    (void)size;
    return NULL;
}

void _free_r(struct _reent *reent, void *old)
{
    (void)reent;
    (void)old;
}
