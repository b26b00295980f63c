/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets that assembly needs, from the structures themselves. Compiled to text, never linked. */
#include "arch/arm64/core_arch.h"
#include "arch/arm64/panic.h"

#define OFFSET(name, type, member) __asm__ volatile("\n.ascii \"->" #name " %0\"" ::"i"(offsetof(type, member)))

void offsets(void);
void offsets(void)
{
    OFFSET(CORE_RUNNING, struct core_arch, running);
    OFFSET(CORE_THREAD, struct core_arch, thread);
    OFFSET(CORE_OWN_SP, struct core_arch, own_sp);
    OFFSET(THREAD_X, struct thread_arch, x);
    OFFSET(THREAD_SP, struct thread_arch, sp);
    OFFSET(THREAD_PC, struct thread_arch, pc);
    OFFSET(CORE_EMERGENCY_SP, struct core_arch, emergency_sp);
    OFFSET(CORE_SERROR_WINDOW, struct core_arch, serror_window);
    OFFSET(CORE_SERROR_SEEN, struct core_arch, serror_seen);
    OFFSET(CORE_TRYING, struct core_arch, trying);
    OFFSET(CORE_LEFT_ESR, struct core_arch, left_esr);
    OFFSET(VCPU_X, struct vcpu_arch, regs.x);
    OFFSET(VCPU_PC, struct vcpu_arch, regs.pc);
    OFFSET(VCPU_PSTATE, struct vcpu_arch, regs.pstate);
    OFFSET(VCPU_FAST, struct vcpu_arch, fast);
    OFFSET(BOOT_INFO_FDT, struct hyp_boot_info, fdt_pa);
    OFFSET(BOOT_INFO_LOAD, struct hyp_boot_info, load_pa);
    OFFSET(BOOT_INFO_SCTLR, struct hyp_boot_info, entry_sctlr);
    OFFSET(START_ARGS_ROOT, struct core_start_args, root_pa);
    OFFSET(START_ARGS_SP, struct core_start_args, sp);
    OFFSET(FP_V, struct vcpu_fp, v);
    OFFSET(FP_FPSR, struct vcpu_fp, fpsr);
    OFFSET(FP_FPCR, struct vcpu_fp, fpcr);
    OFFSET(PANIC_X, struct panic_frame, x);
    OFFSET(PANIC_SP, struct panic_frame, sp);
    OFFSET(PANIC_ELR, struct panic_frame, elr);
    OFFSET(PANIC_ESR, struct panic_frame, esr);
    __asm__ volatile("\n.ascii \"->PANIC_FRAME_SIZE %0\"" ::"i"(sizeof(struct panic_frame)));
}
