/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum fuzz_kind { FUZZ_HOST_TREE, FUZZ_BUNDLE, FUZZ_DESCRIPTION, FUZZ_KERNEL };

/* libFuzzer's entry: one input, anything but an answer is a crash. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
