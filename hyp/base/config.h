/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Kconfig options as values: `if (IS_ENABLED(CONFIG_X))` instead of #if, so that both sides always compile. The options
 * themselves (generated/autoconf.h) are included by the compiler's command line in every file.
 *
 * An option that is on is defined as 1, one that is off not at all. CONFIG_MARK_1 turns a 1 into an extra argument, so
 * that the second argument of CONFIG_SECOND is 1 only then.
 */
#define CONFIG_MARK_1 0,
#define CONFIG_SECOND(ignored, value, ...) value
#define CONFIG_PICK(...) CONFIG_SECOND(__VA_ARGS__ 1, 0, 0)
#define CONFIG_GLUE(value) CONFIG_PICK(CONFIG_MARK_##value)
#define IS_ENABLED(option) CONFIG_GLUE(option)
