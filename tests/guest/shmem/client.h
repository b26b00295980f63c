/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The client's commands, and the words of the line that one of them is on. */
#include "hyp/base/bits.h"

#define FACTORY_MAX 20

/* The line that words are taken from now. */
void line_set(const char *line);
/* The next word of the line, cut to size; or as a number, decimal or 0x... */
void word_next(char *to, unsigned int size);
uint64_t number_next(void);

/* Where the first factory page is, and its interrupt. */
void client_init(uint64_t at, uint64_t intid);
/* By its first word; one that is unknown is nothing. */
void command_run(const char *line);
