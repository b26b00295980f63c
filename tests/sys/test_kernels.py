# SPDX-License-Identifier: Apache-2.0
"""Each of Debian's kernels on each model of core: what the machine offers changes with both."""
import itertools

import pytest

KERNELS = ("Image-debian", "Image-debian-rt", "Image-debian-cloud", "Image-debian-new")
MODELS = ("cortex-a53", "cortex-a72", "cortex-a76", "max")
DEFAULT = (("Image-debian-new", "max"),)
CPUS = 3


def marks(kernel, model):
    return ([] if model == "cortex-a72" else [pytest.mark.needs("models")]) + ([] if (kernel, model) in DEFAULT else [pytest.mark.full])


@pytest.mark.parametrize("kernel, model", [pytest.param(*c, marks=marks(*c))
                                           for c in itertools.product(KERNELS, MODELS)])
@pytest.mark.needs(memory=512)
def test_kernel_on_model(linux, kernel, model):
    guest = linux("--cpu", model, "--guest-mem", "512M", kernel=kernel, cpus=CPUS, timeout=180)
    assert guest.run("nproc").strip() == str(CPUS)
    assert len([n for n in guest.ticks() if n]) == CPUS
    assert guest.warnings() == []
    guest.machine.send("poweroff\n")
    assert guest.machine.wait() == 0, guest.machine.story()
