# SPDX-License-Identifier: Apache-2.0
"""What a hypervisor's image was configured with, and whether a description asks for more. The image carries its options as text."""
from .base import Refused

MARK = b"ARMATURE-CONFIG 1\n"
# The vdevs that an option can leave out, by compatible; the table of hyp/factory.c.
VDEV_OPTIONS = {
    "arm,gic-v3": "CONFIG_GIC_V3", "arm,gic-400": "CONFIG_GIC_V2", "arm,cortex-a15-gic": "CONFIG_GIC_V2",
    "arm,armv8-timer": "CONFIG_VDEV_VTIMER", "arm,pl011": "CONFIG_VDEV_PL011", "arm,pl031": "CONFIG_VDEV_PL031",
    "arm,pl061": "CONFIG_VDEV_PL061", "arm,sp805": "CONFIG_VDEV_WDT_SP805", "armature,dummy": "CONFIG_VDEV_DUMMY",
    "armature,pvtime": "CONFIG_VDEV_PVTIME", "armature,trace": "CONFIG_VDEV_TRACE", "qvm,guest_shm": "CONFIG_VDEV_SHMEM",
}


def options_read(path):
    """The image's options that are on or numbers, {name: value}; None: it does not say (an older image, or none of ours)."""
    with open(path, "rb") as file:
        data = file.read()
    at = data.find(MARK)
    if at < 0:
        return None
    try:
        text = data[at + len(MARK):data.index(b"\0", at)].decode("ascii")
        options = dict(line.split("=", 1) for line in text.splitlines())
        return {name: int(value, 0) if name.startswith("CONFIG_MAX_") else value for name, value in options.items()}
    except ValueError:
        raise Refused(f"hypervisor '{path}': its record of what it was configured with is damaged") from None


def options_required(path):
    options = options_read(path)
    if options is None:
        raise Refused(f"hypervisor '{path}': it does not say what it was configured with")
    return options


def limit_faults(vms, options):
    """Lines of what is more than the image has room for, or is not built in."""
    def limit(name):
        return options.get(name, 0)

    faults = []
    if len(vms) > limit("CONFIG_MAX_VMS"):
        faults.append(f"/: {len(vms)} VMs: CONFIG_MAX_VMS={limit('CONFIG_MAX_VMS')}")
    for vm in vms:
        if vm.cpus > limit("CONFIG_MAX_VCPUS"):
            faults.append(f"{vm.path}: cpus is {vm.cpus}: CONFIG_MAX_VCPUS={limit('CONFIG_MAX_VCPUS')}")
        core = max([vm.highest_core, *vm.affinity])
        if core >= limit("CONFIG_MAX_CORES"):
            faults.append(f"{vm.path}: core {core} is not driven: CONFIG_MAX_CORES={limit('CONFIG_MAX_CORES')}")
        if vm.vdev_count() > limit("CONFIG_MAX_VDEVS"):
            faults.append(f"{vm.path}: {vm.vdev_count()} vdevs, interrupt controller and timer included:"
                          f" CONFIG_MAX_VDEVS={limit('CONFIG_MAX_VDEVS')}")
        for path, number in vm.spis:
            if number >= limit("CONFIG_MAX_SPIS"):
                faults.append(f"{path}: interrupts: SPI {number}: CONFIG_MAX_SPIS={limit('CONFIG_MAX_SPIS')}")
        for path, compatible, device in vm.vdevs:
            option = "CONFIG_VDEV_PASS" if device == "pass" else next(filter(None, map(VDEV_OPTIONS.get, compatible)), None)
            if option and options.get(option) != "y":
                faults.append(f"{path}: the vdev for \"{compatible[0]}\" is not built in: {option} is not set")
    return faults


def content_check(content, hypervisor, gic=None):
    """Refuses what this image would refuse: a description that asks for more than it was configured for, the machine's GIC."""
    options = options_read(hypervisor)
    if options is None:
        return
    if gic and options.get(f"CONFIG_GIC_V{gic}") != "y":
        raise Refused(f"hypervisor '{hypervisor}': the machine has a GICv{gic}, the image no driver for it: CONFIG_GIC_V{gic} is not set")
    faults = limit_faults(content.vms, options) if content else []
    if faults:
        raise Refused("\n".join([f"hypervisor '{hypervisor}' is not configured for this description:"] + [f"  {line}" for line in faults]))
