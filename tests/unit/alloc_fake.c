/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "hyp/base/log.h"
#include "hyp/pool.h"
#include "tests/unit/alloc_fake.h"

int alloc_left = -1;
static void *objects[4096];
static unsigned count;

void *hyp_alloc(size_t bytes, size_t align)
{
    void *p = NULL;
    if (!alloc_left || count == ARRAY_LEN(objects) ||
        posix_memalign(&p, align < sizeof(p) ? sizeof(p) : align, bytes)) {
        log_error("memory: none left");
        return NULL;
    }
    alloc_left -= alloc_left > 0;
    objects[count++] = p;
    return memset(p, 0, bytes);
}

void *hyp_alloc_pages(unsigned pages)
{
    return hyp_alloc(pages * PAGE_SIZE, PAGE_SIZE);
}

void alloc_forget(void)
{
    while (count)
        free(objects[--count]);
    alloc_left = -1;
}
