/* SPDX-License-Identifier: Apache-2.0 */
/* What start-up code says when it goes no further. Runs with the MMU off at its load address. */
#include "boards/early.h"
#include "boards/refuse.h"

void boot_wrong_el(uint64_t el)
{
    early_puts("\nArmature: entered at EL");
    early_puts(el == 1 ? "1" : el == 3 ? "3" : "?");
    early_puts(", it needs EL2.\n");
    if (el == 3)
        early_puts("No firmware ran before us: something at EL3 has to set up the GIC, CNTFRQ and PSCI and to start us "
                   "at EL2, as TF-A does;\n"
                   "on a Raspberry Pi 4 the stock stub is enough, or TF-A as its armstub.\n");
    else
        early_puts("The boot loader or firmware left EL2 before starting us: on QEMU give -M virt,virtualization=on; "
                   "on a Raspberry Pi 4\n"
                   "use arm_64bit=1 with the stock stub or TF-A, which enter at EL2.\n");
    early_puts("Stopped.\n");
}

void boot_vhe_only(void)
{
    early_puts(
        "\nArmature: this core's HCR_EL2.E2H cannot be cleared (VHE only); such cores are not supported.\nStopped.\n");
}
