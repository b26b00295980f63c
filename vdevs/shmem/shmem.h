/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared memory: regions of the machine's memory that guests of several VMs see, each with a name, up to 16 clients, and an interrupt to each other. The guest's side is
 * QNX's guest_shm: a factory page, on which a region is asked for by name, and before each region's data a control page.
 *
 * The set of regions is one for the machine, under one lock. It is taken inside the gasp lock of the VM that asks and outside interrupt controllers' locks; no other VM's gasp lock
 * is taken with it. What changes which regions a vdev has (attach, detach) holds its VM's gasp lock throughout, so a region's pages are free only after they were unmapped.
 */
#include "hyp/api/gasp.h"
#include "hyp/api/guest.h"
#include "hyp/api/host.h"
#include "hyp/api/vdev.h"

#define SHMEM_CLIENTS 16
#define SHMEM_NAME 32        /* with the NUL */
#define SHMEM_ATTACHMENTS 16 /* of one vdev, at most */
#define SHMEM_ATTACHMENTS_DEFAULT 4
#define SHMEM_RULES 16
#define SHMEM_PAGE UINT64_C(0x1000)
#define SHMEM_ZERO_PAGES 16u /* zeroed at once, in one exit */

/* The factory page. */
#define GUEST_SHM_SIGNATURE UINT64_C(0x4d534732474d5651)
enum factory_field {
    FACTORY_SIGNATURE = 0x00, /* u64 */
    FACTORY_SHMEM = 0x08,     /* u64 */
    FACTORY_VECTOR = 0x10,
    FACTORY_STATUS = 0x14,
    FACTORY_SIZE = 0x18,
    FACTORY_NAME = 0x1c,
    FACTORY_FIND = 0x3c,
    FACTORY_BYTES = 0x40,
};
/* The control page. */
enum control_register { CONTROL_STATUS = 0x0, CONTROL_IDX = 0x4, CONTROL_NOTIFY = 0x8, CONTROL_DETACH = 0xc };

enum guest_shm_status {
    GSS_OK = 0,
    GSS_UNKNOWN_FAILURE = 1,
    GSS_NOMEM = 2,
    GSS_CLIENT_MAX = 3,
    GSS_ILLEGAL_NAME = 4,
    GSS_NO_PERMISSION = 5,
    GSS_DOES_NOT_EXIST = 6,
    GSS_AGAIN = 7, /* ours, never shown: its pages are being zeroed, the guest executes its write again */
};

struct shmem_attachment;
struct shmem;

/* All under the set's lock; `memory` is const from when the region is there. */
struct shmem_region {
    char name[SHMEM_NAME]; /* "": there is none */
    struct host_memory memory;
    const struct shmem *maker; /* out of whose memory it is; NULL: of its own, created by the description, and stays */
    const char *path;          /* of the node that created it, for messages */
    uint32_t pages, zeroing, zeroed; /* from the start: somebody does it, it is done */
    struct shmem_attachment *clients[SHMEM_CLIENTS];
    uint32_t attached; /* a bit a client that sees it */
};

/* One client of one region. Under the set's lock; changes of `region` and `shown` under the VM's gasp lock as well. */
struct shmem_attachment {
    struct shmem *owner;
    struct shmem_region *region; /* NULL: free */
    uint64_t at;                 /* the control page in the guest; the data follow it */
    unsigned index;
    bool shown;    /* in the guest's address space */
    bool changed;  /* a client came or went since the guest looked */
    uint32_t from; /* who notified it since */
};

struct shmem_rule {
    const char *text; /* armature,access: the pattern. armature,subst: what a name begins with, or "" */
    const char *prefix;
    uint32_t length; /* of text */
    bool allow;
};

struct shmem {
    /* set at startup, then const: */
    vdev_t *vdev;
    uint64_t memory_size;
    uint32_t attachment_count;
    struct host_memory memory; /* of regions that this guest makes */
    uint64_t window, window_size;
    struct shmem_rule access[SHMEM_RULES], subst[SHMEM_RULES];
    unsigned access_count, subst_count;
    bool any_allow;
    /* under the set's lock: the factory page, and what the guest has */
    uint64_t shmem;
    uint32_t status, size;
    char name[SHMEM_NAME];
    struct shmem_attachment attachments[SHMEM_ATTACHMENTS];
    bool line;
};

static inline struct shmem *shmem_of(const vdev_t *v)
{
    return v->v_device;
}

/* set.c: the regions of the machine. */
extern struct spinlock shmem_set_lock;
/* The region of that name, or NULL. */
struct shmem_region *region_named(const char *name) REQUIRES(shmem_set_lock);
/* Region number n of the table, or NULL behind its end; one whose name is "" is none. */
struct shmem_region *region_at(unsigned n);
/* A new region in the maker's memory; NULL: no room in it, or in the table. */
struct shmem_region *region_make(const char *name, uint64_t pages, const struct shmem *maker) REQUIRES(shmem_set_lock);
/* One of the description's, with memory of its own. EOK or a positive errno, traced. */
int region_reserve(struct vdev_builder *b, const char *name, uint64_t bytes) __startup __must_check;
/* Makes `a` a client. GSS_OK, GSS_CLIENT_MAX. */
enum guest_shm_status region_join(struct shmem_region *r, struct shmem_attachment *a) REQUIRES(shmem_set_lock);
/* And no client any more. With the last one the region is gone, or, if the description created it, its contents are. */
void region_leave(struct shmem_attachment *a) REQUIRES(shmem_set_lock);
/* The next pages that want zeroing, now the caller's to zero; 0: none are left. */
uint32_t region_claim_zeroing(struct shmem_region *r, uint32_t *first) REQUIRES(shmem_set_lock);
/* The client is shown the region, or no longer: its peers are told. */
void region_show(struct shmem_attachment *a, bool shown) __running REQUIRES(shmem_set_lock);
/* The client interrupts those of the bitset. */
void region_notify(struct shmem_attachment *a, uint32_t bits) __running REQUIRES(shmem_set_lock);
/* The interrupt line follows what there is to see. */
void shmem_line_update(struct shmem *s) __running REQUIRES(shmem_set_lock);

/* attach.c. Attaches to the region that the factory page names, or makes it. GSS_AGAIN: not done yet, ask again. */
enum guest_shm_status shmem_open(struct shmem *s, uint32_t pages) __running REQUIRES(s->vdev->v_gsp);
/* What is shown is taken away, its peers are told, its pages are free if it was the last. */
void shmem_detach(struct shmem *s, struct shmem_attachment *a) __running REQUIRES(s->vdev->v_gsp);
/* All of the vdev's, those that were not done included. */
void shmem_detach_all(struct shmem *s) __running REQUIRES(s->vdev->v_gsp);
/* The n-th region that this guest may see: its name, size and, if attached, place into the factory page. */
void shmem_find(struct shmem *s, uint32_t n) REQUIRES(shmem_set_lock);

/* control.c: the registers of a control page; the region's cookie is the attachment's number. */
extern const struct reg_table shmem_control_regs;

/* names.c: what a guest may name. */
/* The machine's name for what the guest calls `name`. GSS_OK; GSS_ILLEGAL_NAME, GSS_NO_PERMISSION. Pure. */
enum guest_shm_status name_resolve(const struct shmem *s, const char name[SHMEM_NAME], char out[SHMEM_NAME]);
/* The guest's name for the region called `name`; false: it has none, or may not reach it. Pure. */
bool name_for_guest(const struct shmem *s, const char *name, char out[SHMEM_NAME]);
/* Is it a name: 1 to 31 printable characters without blanks, and a NUL? Pure. */
bool name_is_legal(const char name[SHMEM_NAME]);
/* armature,access, armature,subst, armature,create: one string each. EOK or a positive errno, traced. */
int access_option(struct vdev_builder *b, const struct vdev_option *o) __startup __must_check;
int subst_option(struct vdev_builder *b, const struct vdev_option *o) __startup __must_check;
int create_option(struct vdev_builder *b, const struct vdev_option *o) __startup __must_check;
