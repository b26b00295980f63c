/* SPDX-License-Identifier: Apache-2.0 */
/* Boot options: words of the host tree's /chosen/bootargs. Both quotes and no quotes: name="two words". */
#include <string.h>
#include "hyp/platform_parts.h"
#include "hyp/text.h"

#define OPTION_WORD 128

struct option_value {
    const char *name;
    uint32_t value;
};

static const struct option_value option_severities[] = {
    { "fatal", LOG_FATAL }, { "internal", LOG_INTERNAL }, { "error", LOG_ERROR },     { "warn", LOG_WARN },
    { "info", LOG_INFO },   { "debug", LOG_DEBUG },       { "verbose", LOG_VERBOSE },
};

static __startup const struct option_value *option_find(const struct option_value *values, size_t count,
                                                        const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(values[i].name) == length && memcmp(values[i].name, name, length) == 0)
            return &values[i];
    return NULL;
}

/* One severity stands for itself and all that are worse; several (with commas) for exactly themselves; "off" for none. */
static __startup bool option_log(const char *list, uint32_t *filter)
{
    bool several = strchr(list, ',') != NULL;
    uint32_t bits = 0;

    if (strcmp(list, "off") == 0) {
        *filter = 0;
        return true;
    }
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        const struct option_value *s = option_find(option_severities, ARRAY_LEN(option_severities), at, length);
        if (!s)
            return false;
        bits |= several ? s->value : s->value | (s->value - 1);
        at += length;
        if (!*at)
            break;
    }
    *filter = bits;
    return true;
}

/* A word's value among the names that it may have. */
static __startup bool option_choice(const struct option_value *values, size_t count, const char *name, uint32_t *out)
{
    const struct option_value *v = option_find(values, count, name, strlen(name));

    if (v)
        *out = v->value;
    return v != NULL;
}

enum option_id {
    OPTION_LOG,
    OPTION_LOG_TO,
    OPTION_RESULTS,
    OPTION_CONSOLE,
    OPTION_MARKER,
    OPTION_PANIC,
    OPTION_ON_END,
    OPTION_ON_RESET,
    OPTION_GIC_LINKS,
    OPTION_TEST_FAULT
};

/* False: the value is none that the option can have. */
static __startup bool option_set(enum option_id id, const char *value, struct boot_options *o)
{
    static const struct option_value log_to[] = { { "uart", LOG_TO_UART },
                                                  { "results", LOG_TO_RESULTS },
                                                  { "ring", LOG_TO_RING } };
    static const struct option_value results[] = { { "uart", RESULTS_TO_UART }, { "log", RESULTS_TO_LOG } };
    static const struct option_value console[] = { { "mux", CONSOLE_MUX }, { "raw", CONSOLE_RAW } };
    static const struct option_value panic[] = { { "reset", PANIC_RESET }, { "park", PANIC_PARK } };
    static const struct option_value on_end[] = { { "off", ON_END_OFF }, { "stay", ON_END_STAY } };
    static const struct option_value fault[] = {
        { "wild-pointer", TEST_FAULT_WILD_POINTER },
        { "stack-overflow", TEST_FAULT_STACK_OVERFLOW },
        { "assert", TEST_FAULT_ASSERT },
        { "serror", TEST_FAULT_SERROR },
        { "write-text", TEST_FAULT_WRITE_TEXT },
        { "exec-data", TEST_FAULT_EXEC_DATA },
        { "stack-protector", TEST_FAULT_STACK_PROTECTOR },
        { "lock-order", TEST_FAULT_LOCK_ORDER },
        { "lock-twice", TEST_FAULT_LOCK_TWICE },
        { "dropped-interrupt", TEST_FAULT_DROPPED_INTERRUPT },
        { "stuck-core", TEST_FAULT_STUCK_CORE },
        { "timer-offset", TEST_FAULT_TIMER_OFFSET },
    };
    static const struct option_value on_reset[] = { { "stop", ON_RESET_STOP }, { "restart", ON_RESET_RESTART } };
    static const struct option_value links[] = { { "auto", GIC_LINKS_AUTO },
                                                 { "on", GIC_LINKS_ON },
                                                 { "off", GIC_LINKS_OFF } };
    struct text marker;
    uint32_t v = 0;
    bool good = false;

    switch (id) {
    case OPTION_LOG: return option_log(value, &o->log_filter);
    case OPTION_LOG_TO:
        good = option_choice(log_to, ARRAY_LEN(log_to), value, &v);
        o->log_to = good ? v : o->log_to;
        return good;
    case OPTION_RESULTS:
        good = option_choice(results, ARRAY_LEN(results), value, &v);
        o->results = good ? v : o->results;
        return good;
    case OPTION_CONSOLE:
        good = option_choice(console, ARRAY_LEN(console), value, &v);
        o->console = good ? v : o->console;
        return good;
    case OPTION_MARKER:
        marker = text_in(o->marker, sizeof(o->marker));
        text_string(&marker, value);
        if (marker.cut)
            o->marker[0] = 0;
        return !marker.cut;
    case OPTION_PANIC:
        good = option_choice(panic, ARRAY_LEN(panic), value, &v);
        o->panic = good ? v : o->panic;
        return good;
    case OPTION_ON_END:
        good = option_choice(on_end, ARRAY_LEN(on_end), value, &v);
        o->on_end = good ? v : o->on_end;
        return good;
    case OPTION_ON_RESET:
        good = option_choice(on_reset, ARRAY_LEN(on_reset), value, &v);
        o->on_reset = good ? v : o->on_reset;
        return good;
    case OPTION_GIC_LINKS:
        good = option_choice(links, ARRAY_LEN(links), value, &v);
        o->gic_links = good ? v : o->gic_links;
        return good;
    case OPTION_TEST_FAULT:
        good = option_choice(fault, ARRAY_LEN(fault), value, &v);
        o->test_fault = good ? v : o->test_fault;
        return good;
    }
    return false;
}

static __startup void option_word(const char *word, struct boot_options *o)
{
    static const struct option_value names[] = {
        { "log", OPTION_LOG },
        { "log-to", OPTION_LOG_TO },
        { "results", OPTION_RESULTS },
        { "console", OPTION_CONSOLE },
        { "console-marker", OPTION_MARKER },
        { "panic", OPTION_PANIC },
        { "on-end", OPTION_ON_END },
        { "on-reset", OPTION_ON_RESET },
        { "test-fault", OPTION_TEST_FAULT },
        { "gic-links", OPTION_GIC_LINKS },
    };
    size_t length = strcspn(word, "=");
    const struct option_value *name = option_find(names, ARRAY_LEN(names), word, length);

    bool hidden = name && name->value == OPTION_TEST_FAULT && !IS_ENABLED(CONFIG_TEST_FAULTS);

    if (!name || hidden || word[length] != '=')
        log_warn("/chosen: bootargs: unknown word \"%s\"", word);
    else if (!option_set(name->value, word + length + 1, o))
        log_warn("/chosen: bootargs: \"%s\": %s cannot be that", word, name->name);
}

/* Copies the next word without its quotes; answers what is behind it, NULL at the end. */
static __startup const char *option_next(const char *at, char *word, size_t size, bool *cut)
{
    struct text t = text_in(word, size);
    bool quoted = false;

    while (*at == ' ' || *at == '\t' || *at == '\n')
        at++;
    if (!*at)
        return NULL;
    for (; *at && (quoted || (*at != ' ' && *at != '\t' && *at != '\n')); at++) {
        if (*at == '"')
            quoted = !quoted;
        else
            text_char(&t, *at >= ' ' && *at <= '~' ? *at : '?');
    }
    *cut = t.cut;
    return at;
}

static __startup uint32_t option_severities_default(void)
{
    uint32_t filter = LOG_FATAL | LOG_INTERNAL | LOG_ERROR;

    if (!IS_ENABLED(CONFIG_LOG_LEVEL_ERROR))
        filter |= LOG_WARN;
    if (IS_ENABLED(CONFIG_LOG_LEVEL_INFO) || IS_ENABLED(CONFIG_LOG_LEVEL_DEBUG))
        filter |= LOG_INFO;
    return filter | (IS_ENABLED(CONFIG_LOG_LEVEL_DEBUG) ? LOG_DEBUG : 0);
}

void platform_options(const char *bootargs, struct boot_options *o)
{
    char word[OPTION_WORD];
    bool cut = false;

    *o = (struct boot_options){
        .log_filter = option_severities_default(),
        .panic = IS_ENABLED(CONFIG_PANIC_RESET) ? PANIC_RESET : PANIC_PARK,
    };
    while ((bootargs = option_next(bootargs, word, sizeof(word), &cut)) != NULL) {
        if (cut)
            log_warn("/chosen: bootargs: the word that begins with \"%.32s\" is too long", word);
        else
            option_word(word, o);
    }
}
