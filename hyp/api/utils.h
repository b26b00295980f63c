/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Helpers for vdevs, with QNX's names: text of options to numbers, places and lines; register files by descriptors. */
#include "hyp/api/vdev.h"

/*
 * A number: "0x" and hexadecimal digits, or decimal digits, with or without the prefix "0d"; a suffix K or M (also k, m) multiplies.
 * Nothing may stand before or behind it. EOK; EINVAL: no number; ERANGE: more than 64 bits; traced with the node's path. Startup.
 */
int qvm_parse_num(const struct vdev_builder *b, const char *text, uint64_t *out) __startup __must_check;
/*
 * "[type:]location" to blk->type and blk->location; length and flags stay. Without a type blk->type says which it is. Known is "mem"
 * (QST_MEMORY). EOK, EINVAL or ERANGE, traced, and *blk is as it was. Startup.
 */
int qvm_parse_block(const struct vdev_builder *b, const char *text, qvm_state_block *blk) __startup __must_check;
/*
 * "pic:number" to a line of the VM's interrupt controller of that name (its type's or its own: "gic:37" is INTID 37), and the line is
 * the vdev's from then on. EOK; EINVAL, ERANGE: the text; ENOENT: no such controller or pin; EEXIST: another vdev's; traced. Startup,
 * from OPTIONS_START on: the controller is made before all others.
 */
int qvm_parse_intr(const struct vdev_builder *b, const char *text, struct guest_intr *out) __startup __must_check;

/* A slice without constant data: bits that cannot be written read as zero. */
#define QVM_SLICE_NO_RO UINT32_MAX

/* So many bytes of a register file; the next slice begins behind them. */
struct qvm_slice_descriptor {
    uint64_t
        writable; /* the bits that a write changes, little endian; repeats every 8 bytes; the others are constant */
    uint32_t ro_offset;    /* of the constant bits in `ro`, or QVM_SLICE_NO_RO */
    uint32_t store_offset; /* of the writable bits in `store`; no matter if there are none */
    uint32_t nbytes;
    uint32_t tag; /* 0 to 63: the bit that tells of an access; slices may share one */
};

/* A register file. Const but for what `store` points at, which is guarded as its owner says. */
struct qvm_slice_file {
    const struct qvm_slice_descriptor *slices;
    uint32_t count;
    const uint8_t *ro;
    uint32_t ro_size;
    uint8_t *store;
    uint32_t store_size;
};

/* Do all slices lie in `ro` and `store`, with tags below 64? EOK, or EINVAL traced with the node's path. Startup. */
int qvm_slice_check(const struct vdev_builder *b, const struct qvm_slice_file *f) __startup __must_check;
/*
 * Reads or writes `len` bytes from `offset` on of a file that qvm_slice_check() passed, in the guest's byte order (little endian).
 * Behind the last slice bytes read as zero, and writes are ignored. Any `offset` and `len` are safe. Answers the tags of the slices that were
 * touched, written or not. Any phase, any core; the caller holds what guards the store; never blocks.
 */
uint64_t qvm_slice_read(const struct qvm_slice_file *f, uint64_t offset, void *data, size_t len);
uint64_t qvm_slice_write(const struct qvm_slice_file *f, uint64_t offset, const void *data, size_t len);
