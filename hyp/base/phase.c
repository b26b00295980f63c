/* SPDX-License-Identifier: Apache-2.0 */
#include "phase.h"
#include "log.h"

enum phase machine_phase;

bool phase_refuse(enum phase want, const char *function, const char *who)
{
    log_line(LOG_ERROR, "%s: %s refused: for %s only, and the machine is %s", who, function,
             want == PHASE_STARTUP ? "startup" : "running", want == PHASE_STARTUP ? "running" : "starting up");
    return false;
}
