/* SPDX-License-Identifier: Apache-2.0 */
/* A switch over an enum has no default, so that the compiler finds the case that is missing. */
/* fails: enumeration value 'GIS_ISR' not handled in switch */
#include "hyp/api/regs.h"

int line_drive(enum guest_intr_state state);

#if defined(MUST_COMPILE)
int line_drive(enum guest_intr_state state)
{
    switch (state) {
    case GIS_NOP:
    case GIS_ISR: return 0;
    case GIS_ON: return 1;
    case GIS_OFF: return -1;
    }
    return 0;
}
#else
int line_drive(enum guest_intr_state state)
{
    switch (state) {
    case GIS_NOP: return 0;
    case GIS_ON: return 1;
    case GIS_OFF: return -1;
    }
    return 0;
}
#endif
