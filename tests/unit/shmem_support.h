/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* VMs with shared memory vdevs, and what the hypervisor does for them: address spaces, lines, memory that is the test's. */
#include "vdevs/shmem/shmem.h"

#define TEST_VDEVS 20
#define TEST_AT UINT64_C(0xa000000)
#define TEST_WINDOW UINT64_C(0x10000000)
#define TEST_WINDOW_SIZE MIB(8)
#define TEST_HOST GIB(4)
#define TEST_HOST_SIZE MIB(24)

extern vdev_t test_vdevs[TEST_VDEVS];
extern bool test_lines[TEST_VDEVS]; /* the level of each one's interrupt line */
extern unsigned test_edges[TEST_VDEVS];
extern char test_log[256];
extern uint8_t test_memory[TEST_HOST_SIZE]; /* what lies at TEST_HOST of the machine */
extern unsigned test_zeroed_most;           /* the most bytes zeroed at once */
extern int test_soft_error;                 /* what the next soft change that adds answers; 0: EOK */
extern unsigned test_soft_left;             /* so many additions succeed before that */

/* Forgets all; the regions of the machine too. */
void shmem_test_begin(void);
/* Vdev n, in a VM of its own, with these options: NAME, VALUE, ... NULL; a value of "0x..." is a number. EOK or the errno that refuses it. */
int shmem_make(unsigned n, const char *const *options);
/* Register accesses of the guest at an offset of the factory page, or of the control page at `at`. */
enum vdev_ref_status factory_read(unsigned n, uint64_t offset, unsigned size, uint64_t *value);
enum vdev_ref_status factory_write(unsigned n, uint64_t offset, unsigned size, uint64_t value);
uint32_t control_read(unsigned n, uint64_t at, uint32_t offset);
void control_write(unsigned n, uint64_t at, uint32_t offset, uint32_t value);
/* The guest's memory there: NULL if it is not the region's. */
uint8_t *guest_memory(unsigned n, uint64_t at);
/* As a driver does: name, size, until it is done. The status; *at is where it is. */
uint32_t shmem_attach(unsigned n, const char *name, uint32_t pages, uint64_t *at);
/* How many regions of the guest's address space the vdev has. */
unsigned guest_regions(unsigned n);
void shmem_control_code(unsigned n, unsigned code);
