/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines in memory, each ended by a newline: for a debugger, for a panic, and for whoever shows them later. */
#include "hyp/base/config.h"
#include "hyp/base/lock.h"
#include "hyp/log.h"

/* log_text[log_end % size] is where the next byte goes. */
static char log_text[CONFIG_LOG_BUFFER_SIZE];
static uint64_t log_end;
static struct spinlock log_lock = LOCK_RANKED(LOCK_LOG);

static void ring_byte(char c) REQUIRES(log_lock)
{
    log_text[log_end % CONFIG_LOG_BUFFER_SIZE] = c;
    __atomic_store_n(&log_end, log_end + 1, __ATOMIC_RELAXED);
}

void log_ring_add(const char *line, size_t n)
{
    if (n >= LOG_LINE)
        n = LOG_LINE - 1;
    lock_acquire(&log_lock);
    for (size_t i = 0; i < n; i++)
        ring_byte(line[i]);
    ring_byte('\n');
    lock_release(&log_lock);
}

uint64_t log_ring_end(void)
{
    return __atomic_load_n(&log_end, __ATOMIC_RELAXED);
}

/* A position that was overwritten moves to the first whole line there is. */
static void position_catch_up(uint64_t *position, uint64_t *lost) REQUIRES(log_lock)
{
    if (log_end - *position <= CONFIG_LOG_BUFFER_SIZE)
        return;
    uint64_t at = log_end - CONFIG_LOG_BUFFER_SIZE;
    while (at < log_end && log_text[at++ % CONFIG_LOG_BUFFER_SIZE] != '\n')
        ;
    *lost += at - *position;
    *position = at;
}

int log_ring_next(uint64_t *position, char line[LOG_LINE], uint64_t *lost)
{
    int n = -1;
    lock_acquire(&log_lock);
    position_catch_up(position, lost);
    if (*position < log_end) {
        for (n = 0; n < LOG_LINE - 1; n++) {
            line[n] = log_text[(*position)++ % CONFIG_LOG_BUFFER_SIZE];
            if (line[n] == '\n')
                break;
        }
        /* The longest line ends exactly at the bound. */
        if (n == LOG_LINE - 1)
            (*position)++;
        line[n] = '\0';
    }
    lock_release(&log_lock);
    return n;
}
