/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shm COMMAND ...: a client of shared memory in a Linux guest, by /dev/mem. SHM_FACTORY names the factory page (0x0a000000). It knows what the bare-metal client
 * (tests/guest/shmem) knows and answers as it does. The interrupt is seen as a key of gpio-keys, which takes any interrupt of its node's children.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 0x1000u
#define NAME_BYTES 32
#define WAIT_MS 10000

struct factory {
    uint64_t signature, shmem;
    uint32_t vector, status, size;
    char name[NAME_BYTES];
    uint32_t find;
};
struct control {
    uint32_t status, idx, notify, detach;
};

static int memory;
static volatile struct factory *factory;
static volatile struct control *control;
static volatile uint64_t *data;

static volatile void *map(uint64_t at, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, (off_t)at);
    if (p == MAP_FAILED) {
        perror("/dev/mem");
        exit(2);
    }
    return p;
}

/* The region that the factory page named last. */
static void region_map(void)
{
    if (!factory->shmem)
        return;
    control = map(factory->shmem, PAGE);
    data = map(factory->shmem + PAGE, factory->size * PAGE);
}

static uint64_t number(char **argv, int n)
{
    return argv[n] ? strtoull(argv[n], NULL, 0) : 0;
}

static void command_open(const char *name, uint32_t pages)
{
    for (unsigned i = 0, n = 0; i < NAME_BYTES; i++, n += name[n] != 0)
        factory->name[i] = name[n];
    factory->size = pages;
    printf("OPEN %s status %u size %u shmem 0x%llx", name, factory->status, factory->size,
           (unsigned long long)factory->shmem);
    region_map();
    if (control)
        printf(" idx %u attached 0x%x", control->idx, control->status >> 16);
    printf("\n");
}

static void command_find(uint32_t n)
{
    char name[NAME_BYTES + 1] = { 0 };
    factory->find = n;
    for (unsigned i = 0; i < NAME_BYTES; i++)
        name[i] = factory->name[i];
    printf("FIND status %u size %u shmem 0x%llx name %s\n", factory->status, factory->size,
           (unsigned long long)factory->shmem, name);
}

/* Keys: an interrupt while nobody waits is not seen, but what it told is in the status still. */
static int key_open(void)
{
    int fd = open("/dev/input/event0", O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        perror("/dev/input/event0");
    return fd;
}

static void command_wait(void)
{
    struct pollfd p = { .fd = key_open(), .events = POLLIN };
    uint32_t status = control->status;
    int events = 0;
    printf("WAITING\n");
    fflush(stdout);
    if (!(status & 0xffff)) {
        events = poll(&p, 1, WAIT_MS);
        status = control->status;
    }
    printf("INTERRUPTS %d from 0x%x attached 0x%x\n", events, status & 0xffff, status >> 16);
}

static void command_read(uint64_t offset, uint64_t count)
{
    uint64_t first = data[offset / 8], sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += data[offset / 8 + i];
    printf("READ first 0x%llx sum 0x%llx\n", (unsigned long long)first, (unsigned long long)sum);
}

static void command_fill(uint64_t offset, uint64_t value, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        data[offset / 8 + i] = value + i;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Word 0 goes up by one for each turn: by the one who pings, and by the one who answers. */
static void command_ping(uint64_t count, unsigned peer, int begins)
{
    uint64_t lost = 0;
    uint32_t from = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t want = 2 * i + (begins ? 2 : 1), end = now_ms() + WAIT_MS;
        if (begins) {
            data[0] = 2 * i + 1;
            control->notify = 1u << peer;
        }
        while (data[0] != want && now_ms() < end)
            ;
        lost += data[0] != want;
        from |= control->status & 0xffff;
        if (!begins) {
            data[0] = 2 * i + 2;
            control->notify = 1u << peer;
        }
    }
    printf("PING %llu turns %llu lost from 0x%x\n", (unsigned long long)count, (unsigned long long)lost, from);
}

static int run(char **argv)
{
    const char *c = argv[1];
    if (!strcmp(c, "open"))
        command_open(argv[2], (uint32_t)number(argv, 3));
    else if (!strcmp(c, "find"))
        command_find((uint32_t)number(argv, 2));
    else if (!strcmp(c, "id"))
        printf("ID signature 0x%llx vector %u\n", (unsigned long long)factory->signature, factory->vector);
    else if (!control)
        return 3;
    else if (!strcmp(c, "status"))
        printf("STATUS 0x%x\n", control->status);
    else if (!strcmp(c, "notify"))
        control->notify = (uint32_t)number(argv, 2);
    else if (!strcmp(c, "wait"))
        command_wait();
    else if (!strcmp(c, "read"))
        command_read(number(argv, 2), number(argv, 3));
    else if (!strcmp(c, "fill"))
        command_fill(number(argv, 2), number(argv, 3), number(argv, 4));
    else if (!strcmp(c, "ping") || !strcmp(c, "pong"))
        command_ping(number(argv, 2), (unsigned)number(argv, 3), c[1] == 'i');
    else if (!strcmp(c, "detach"))
        control->detach = 0;
    else
        return 1;
    return 0;
}

int main(int argc, char **argv)
{
    const char *at = getenv("SHM_FACTORY");
    memory = open("/dev/mem", O_RDWR | O_SYNC);
    if (argc < 2 || memory < 0) {
        perror("shm: /dev/mem");
        return 2;
    }
    factory = map(at ? strtoull(at, NULL, 0) : 0x0a000000, PAGE);
    region_map();
    return run(argv);
}
