/* SPDX-License-Identifier: Apache-2.0 */
/* What the client does; each command tells what came of it in a line. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/exception.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/regs.h"
#include "tests/guest/lib/timer.h"
#include "tests/guest/shmem/client.h"

#define SIGNATURE 0x00
#define SHMEM 0x08
#define VECTOR 0x10
#define RESULT 0x14
#define SIZE 0x18
#define NAME 0x1c
#define NAME_BYTES 32
#define FIND 0x3c
#define STATUS 0x0
#define IDX 0x4
#define NOTIFY 0x8
#define DETACH 0xc
#define DATA 0x1000
#define WAIT_MS 2000

static uint64_t first, intid0, factory;
static unsigned int chosen;
/* What each factory is attached to, and what its interrupts said. */
static struct client {
    uint64_t control;
    volatile uint32_t interrupts, from;
} clients[FACTORY_MAX];

static void on_irq(uint32_t intid)
{
    struct client *c = &clients[(intid - intid0) % FACTORY_MAX];
    c->interrupts++;
    if (c->control)
        c->from |= read32(c->control + STATUS) & 0xffff;
    else
        gic_disable(intid);
}

/* As the driver does: the name, NUL-terminated, then the size, which acts. */
static uint32_t open_region(const char *name, uint32_t pages)
{
    for (unsigned int i = 0; i < NAME_BYTES; i++) {
        write8(factory + NAME + i, *(const uint8_t *)name);
        name += *name != 0;
    }
    write32(factory + SIZE, pages);
    return read32(factory + RESULT);
}

static void command_open(void)
{
    char name[40];
    struct client *c = &clients[chosen];
    word_next(name, sizeof(name));
    uint32_t result = open_region(name, (uint32_t)number_next());
    uint64_t at = read64(factory + SHMEM);
    print("OPEN %s status %u size %u shmem 0x%lx", name, result, read32(factory + SIZE), at);
    if (!result) {
        c->control = at;
        gic_enable((uint32_t)intid0 + chosen);
        print(" idx %u attached 0x%x", read32(at + IDX), read32(at + STATUS) >> 16);
    }
    print("\n");
}

static void command_find(void)
{
    char name[NAME_BYTES + 1] = { 0 };
    write32(factory + FIND, (uint32_t)number_next());
    for (unsigned int i = 0; i < NAME_BYTES; i++)
        name[i] = (char)read8(factory + NAME + i);
    print("FIND status %u size %u shmem 0x%lx name %s\n", read32(factory + RESULT), read32(factory + SIZE),
          read64(factory + SHMEM), name);
}

static void command_id(void)
{
    print("ID signature 0x%lx halves 0x%x%x vector %u byte 0x%x behind 0x%lx\n", read64(factory + SIGNATURE),
          read32(factory + SIGNATURE + 4), read32(factory + SIGNATURE), read32(factory + VECTOR),
          read8(factory + SIGNATURE + 1), read64(factory + 0x40));
}

static void command_status(void)
{
    print("STATUS 0x%x\n", read32(clients[chosen].control + STATUS));
}

static void command_wait(void)
{
    struct client *c = &clients[chosen];
    uint32_t want = (uint32_t)number_next();
    wait_until(c->interrupts >= want, WAIT_MS);
    print("INTERRUPTS %u from 0x%x\n", c->interrupts, c->from);
    c->interrupts = c->from = 0;
}

/* Words `offset` and up: value, value + 1, ... */
static void command_fill(void)
{
    uint64_t at = clients[chosen].control + DATA + number_next(), value = number_next(), count = number_next();
    for (uint64_t i = 0; i < count; i++)
        write64(at + 8 * i, value + i);
}

static void command_read(void)
{
    uint64_t at = clients[chosen].control + DATA + number_next(), count = number_next(), sum = 0;
    uint64_t before = read64(at);
    for (uint64_t i = 0; i < count; i++)
        sum += read64(at + 8 * i);
    print("READ first 0x%lx sum 0x%lx\n", before, sum);
}

static void command_detach(void)
{
    write32(clients[chosen].control + DETACH, 0);
    clients[chosen].control = 0;
}

static void command_cycles(void)
{
    uint64_t count = number_next(), good = 0, pages = number_next();
    for (uint64_t i = 0; i < count; i++) {
        if (open_region("cycle", (uint32_t)pages))
            continue;
        uint64_t at = read64(factory + SHMEM);
        good += read64(at + DATA) == 0 && read64(at + DATA + pages * 0x1000 - 8) == 0;
        write64(at + DATA, i + 1);
        write64(at + DATA + pages * 0x1000 - 8, i + 1);
        write32(at + DETACH, 1);
    }
    print("CYCLES %lu good\n", good);
}

/* Comes, tells all, looks, and goes, while others do the same. */
static void command_churn(void)
{
    uint64_t count = number_next(), good = 0, notified = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (open_region("churn", 1))
            continue;
        uint64_t at = read64(factory + SHMEM);
        uint32_t bit = 1u << read32(at + IDX);
        write32(at + NOTIFY, 0xffff);
        uint32_t status = read32(at + STATUS);
        good += (status & bit) && (status >> 16 & bit); /* its own is there always */
        notified += (status & 0xffff & ~bit) != 0;
        write32(at + DETACH, 1);
    }
    print("CHURN %lu good, met %lu times\n", good, notified);
}

/* Word 0 goes up by one for each turn: by the one who pings, and by the one who answers. */
static void command_ping(bool begins)
{
    struct client *c = &clients[chosen];
    uint64_t count = number_next(), peer = number_next(), lost = 0, word = c->control + DATA;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t before = c->interrupts;
        if (begins) {
            write64(word, 2 * i + 1);
            write32(c->control + NOTIFY, 1u << peer);
        }
        lost += !wait_until(begins ? read64(word) == 2 * i + 2 && c->interrupts != before : read64(word) == 2 * i + 1,
                            WAIT_MS);
        if (!begins) {
            write64(word, 2 * i + 2);
            write32(c->control + NOTIFY, 1u << peer);
        }
    }
    print("PING %lu turns %lu lost from 0x%x\n", count, lost, c->from);
}

static uint64_t touch(uint64_t at, uint64_t unused)
{
    (void)unused;
    return read64(at);
}

static void command_touch(void)
{
    struct exception e = exception_catch(touch, number_next(), 0);
    print("TOUCH %s 0x%lx\n", e.taken ? "ESR" : "value", e.taken ? e.esr : e.result);
}

static void command_notify(void)
{
    write32(clients[chosen].control + NOTIFY, (uint32_t)number_next());
}

static void command_use(void)
{
    chosen = (unsigned int)number_next() % FACTORY_MAX;
    factory = first + chosen * 0x1000;
}

static void command_begin(void)
{
    command_ping(true);
}

static void command_answer(void)
{
    command_ping(false);
}

static void command_reset(void)
{
    hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
}

static const struct {
    const char *name;
    void (*run)(void);
} commands[] = {
    { "use", command_use },       { "id", command_id },         { "open", command_open },
    { "find", command_find },     { "status", command_status }, { "notify", command_notify },
    { "wait", command_wait },     { "fill", command_fill },     { "read", command_read },
    { "detach", command_detach }, { "cycles", command_cycles }, { "churn", command_churn },
    { "ping", command_begin },    { "pong", command_answer },   { "touch", command_touch },
    { "reset", command_reset },
};

void command_run(const char *line)
{
    char word[16];
    line_set(line);
    word_next(word, sizeof(word));
    for (unsigned int i = 0; i < ARRAY_LEN(commands); i++)
        if (string_equal(word, commands[i].name))
            commands[i].run();
}

void client_init(uint64_t at, uint64_t intid)
{
    first = factory = at;
    intid0 = intid;
    this_cpu()->irq_hook = on_irq;
    irq_enable();
}
