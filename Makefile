# SPDX-License-Identifier: Apache-2.0
#
# Armature's one Makefile. `make help` lists what it can do. Everything is built below build/; build/cache keeps what is
# fetched or built once (newlib, libfdt, guest kernels).

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
.DEFAULT_GOAL := all
.SECONDEXPANSION:
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
Q := $(if $(V),,@)

# ---- Configuration: CONFIG names a file boards/*/CONFIG_defconfig, BOARD a board by its first one; `make X_defconfig` chooses X from then on

CONFIG ?= $(or $(subst -,_,$(BOARD)),$(shell cat build/selected 2>/dev/null),qemu_virt)
O ?= build/$(CONFIG)
CACHE := build/cache
PYTHON := /usr/bin/python3
kconfig = KCONFIG_CONFIG=$(O)/.config $(PYTHON) -m
defconfig := $(wildcard boards/*/$(CONFIG)_defconfig)
GENERATED := $(O)/generated
NEWLIB := $(CACHE)/newlib
LIBFDT := $(CACHE)/libfdt

ifneq ($(filter CONFIG_%,$(MAKEOVERRIDES)),)
$(error $(firstword $(filter CONFIG_%,$(MAKEOVERRIDES))): options are set by make menuconfig, or in $(O)/.config, not for one make)
endif

# Goals that need no configuration and no compiler.
plain_goals := hil help api-tables check-api clean distclean setup run test test-all $(filter %_defconfig,$(MAKECMDGOALS))
ifneq ($(filter-out $(plain_goals),$(or $(MAKECMDGOALS),all)),)
ifeq ($(defconfig)$(wildcard $(O)/.config),)
$(error no boards/*/$(CONFIG)_defconfig: CONFIG is one of $(patsubst %_defconfig,%,$(notdir $(wildcard boards/*/*_defconfig))))
endif
ifeq ($(shell command -v aarch64-linux-gnu-gcc),)
$(error no aarch64-linux-gnu-gcc: run tools/setup, it installs what is missing)
endif
-include $(GENERATED)/auto.conf.mk
endif

$(O)/.config: | $(defconfig)
	$(Q)mkdir -p $(O)
	$(Q)$(kconfig) defconfig --kconfig Kconfig $(defconfig) >/dev/null
# auto.conf.mk: every option as a make variable, those that are off as "n".
$(GENERATED)/auto.conf.mk: $(O)/.config $(wildcard Kconfig boards/*/Kconfig boards/*/Kconfig.defaults vdevs/Kconfig)
	$(Q)mkdir -p $(GENERATED)
	$(Q)cp $(O)/.config $(O)/.config.new; \
	wrong=$$(KCONFIG_WARN_UNDEF_ASSIGN=y KCONFIG_CONFIG=$(O)/.config.new $(PYTHON) -m olddefconfig Kconfig 2>&1 >/dev/null | grep -v 'set more than once' || true); \
	if [ -n "$$wrong" ]; then \
		rm -f $(O)/.config.new; echo "$$wrong" | sed 's/\.config\.new/.config/' >&2; echo "$(O)/.config: not used and left as it is: correct these lines, or take them out" >&2; exit 1; fi; \
	cmp -s $(O)/.config $(O)/.config.new && rm $(O)/.config.new || mv $(O)/.config.new $(O)/.config
	$(Q)$(kconfig) genconfig --header-path $(GENERATED)/autoconf.h Kconfig
	$(Q)sed -n 's/^# \(CONFIG_[A-Z0-9_]*\) is not set/\1 := n/p; s/^\(CONFIG_[A-Z0-9_]*\)="\{0,1\}\([^"]*\)"\{0,1\}$$/\1 := \2/p' $(O)/.config >$@
$(GENERATED)/autoconf.h: $(GENERATED)/auto.conf.mk ;

%_defconfig:
	$(Q)file=$$(ls boards/*/$@ 2>/dev/null) || { echo "no boards/*/$@; there are: $(notdir $(wildcard boards/*/*_defconfig))" >&2; exit 1; }; \
	mkdir -p build/$*; KCONFIG_CONFIG=build/$*/.config $(PYTHON) -m defconfig --kconfig Kconfig $$file >/dev/null; \
	echo $* >build/selected; echo "configured: build/$*/.config from $$file; plain make builds it from now on"
menuconfig olddefconfig: $(O)/.config
	$(Q)$(kconfig) $@ Kconfig
savedefconfig: $(O)/.config
	$(Q)$(kconfig) savedefconfig --kconfig Kconfig --out $(defconfig) && echo "saved: $(defconfig)"

# ---- Toolchain and flags ------------------------------------------------------------------------------------------------

CROSS ?= aarch64-linux-gnu-
CC := $(CROSS)gcc
LD := $(CROSS)ld
OBJCOPY := $(CROSS)objcopy
HOSTCC := gcc
# CI and release builds set it; otherwise the last commit's time, so that a commit always gives the same image.
SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),0)
export SOURCE_DATE_EPOCH

GCC_INCLUDE = $(shell $(CC) -print-file-name=include)
CLANG_INCLUDE = $(shell clang -print-resource-dir)/include
warnings := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wvla
# What gcc and clang (for checks) both get.
CPPFLAGS = -nostdinc -I. -I$(O) -isystem $(LIBFDT)/include -isystem $(NEWLIB)/include -include $(GENERATED)/autoconf.h
common_flags := -std=gnu11 -O2 -ffreestanding -mgeneral-regs-only -mno-outline-atomics -fno-pic -fno-pie -fno-common $(warnings)
CFLAGS = $(common_flags) $(CPPFLAGS) -isystem $(GCC_INCLUDE) -g -ffunction-sections -fdata-sections -fstack-usage \
	-ffile-prefix-map=$(CURDIR)=. -fno-asynchronous-unwind-tables -fno-strict-aliasing $(config_flags) $(own_flags)
CLANGFLAGS = $(common_flags) --target=aarch64-linux-gnu $(CPPFLAGS) -isystem $(CLANG_INCLUDE) -Wthread-safety -Wno-unused-command-line-argument
config_flags = $(if $(filter y,$(CONFIG_DEBUG)),-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer) \
	$(if $(filter y,$(CONFIG_ERRATUM_835769)),-mfix-cortex-a53-835769) \
	$(if $(filter y,$(CONFIG_UBSAN)),-fsanitize=undefined -fsanitize-undefined-trap-on-error)
own_flags = $(if $(filter y,$(CONFIG_STACK_PROTECTOR)),-fstack-protector-strong)
# Runs where it was loaded, before the MMU is on and the guard is set: nothing absolute, nothing unaligned.
$(O)/arch/arm64/boot%.o: own_flags = -fno-jump-tables -mstrict-align -fno-stack-protector -fno-sanitize=all
$(O)/boards/early.o $(O)/boards/refuse.o $(O)/boards/$(board)/board.o: own_flags = -fno-jump-tables -mstrict-align -fno-stack-protector -fno-sanitize=all
LDFLAGS = -nostdlib -static --gc-sections --fix-cortex-a53-843419 $(if $(filter y,$(CONFIG_ERRATUM_835769)),--fix-cortex-a53-835769) --build-id=none -z noexecstack -z max-page-size=4096 \
	--no-warn-rwx-segments --fatal-warnings

# ---- Sources: whatever lies in the folders, except vdevs whose Kconfig option is off ----------------------------------------

board := $(or $(CONFIG_BOARD),qemu-virt)
sources_of = $(wildcard $(addsuffix /*.c,$(1)) $(addsuffix /*.S,$(1)))
name_of = $(shell echo $(1) | tr a-z- A-Z_)
vdev_off = $(foreach n,$(patsubst CONFIG_VDEV_%,%,$(filter CONFIG_VDEV_%,$(.VARIABLES))),$(if $(filter n,$(CONFIG_VDEV_$(n))),$(n)))
vdevs_off := $(shell echo $(vdev_off) | tr A-Z a-z)
# Built in by an option only, checked always: CONFIG_UART_NAME for boards/uart/NAME.c or NAME_uart.c, POWER_NAME, RTC_NAME likewise, and GIC versions.
without = $(foreach f,$(filter-out %/$(2).c,$(wildcard boards/$(2)/*.c)),$(if $(filter y,$(CONFIG_$(1)_$(call name_of,$(patsubst %_uart,%,$(basename $(notdir $(f))))))),,$(f)))
gic_without = $(if $(filter y,$(CONFIG_GIC_V$(1))),,$(wildcard arch/arm64/gicv$(1)*.c vdevs/vgic/*_v$(1).c $(if $(filter 3,$(1)),vdevs/vgic/redist.c vdevs/vgic/sysreg.c)))
test_sources := $(if $(filter y,$(CONFIG_TEST_FAULTS)),,hyp/test_fault.c) $(call without,UART,uart) $(call without,POWER,power) $(call without,RTC,rtc) \
	$(call gic_without,2) $(call gic_without,3)
sources := $(filter-out arch/arm64/offsets.c $(test_sources) $(foreach v,$(vdevs_off),vdevs/$(v).c vdevs/$(v)/%),\
	$(call sources_of,arch/arm64 hyp/base hyp hyp/api boards boards/uart boards/rtc boards/power boards/$(board) vdevs vdevs/*))
# The folder of vdevs that are none of ours.
VDEV_EXTERNAL ?= $(CONFIG_VDEV_EXTERNAL)
external := $(patsubst %/,%,$(VDEV_EXTERNAL))
external_sources := $(if $(external),$(sort $(wildcard $(external)/*.c)))
ifeq ($(filter menuconfig olddefconfig savedefconfig $(plain_goals),$(MAKECMDGOALS)),)
ifneq ($(external),)
ifeq ($(external_sources),)
$(error CONFIG_VDEV_EXTERNAL: $(if $(wildcard $(external)/.),no .c file in the folder '$(external)',there is no folder '$(external)'))
endif
endif
endif
checked := $(filter %.c,$(sources) $(test_sources)) $(external_sources)
objects := $(addprefix $(O)/,$(addsuffix .o,$(basename $(sources)))) $(if $(CONFIG_BUILTIN_BUNDLE),$(O)/builtin_bundle.o) \
	$(patsubst $(external)/%.c,$(O)/external/%.o,$(external_sources))
headers := $(wildcard arch/arm64/*.h hyp/*.h hyp/*/*.h boards/*.h boards/*/*.h vdevs/*.h vdevs/*/*.h)

# ---- The image ----------------------------------------------------------------------------------------------------------

all: $(O)/armature.bin
	$(Q)$(PYTHON) tools/check/sizes.py $(O)/armature.elf $(O)/armature.map $(O)/armature.bin

$(NEWLIB)/libc.a:
	$(Q)tools/newlib $(NEWLIB)
$(LIBFDT)/libfdt.a:
	$(Q)tools/fetch libfdt
libraries := $(LIBFDT)/libfdt.a $(NEWLIB)/libc.a
generated := $(GENERATED)/autoconf.h $(GENERATED)/version.h

# Written only when it changes, so that a new commit does not rebuild everything.
$(GENERATED)/version.h: FORCE
	$(Q)mkdir -p $(@D); { echo '/* Generated. */'; echo '#pragma once'; \
	echo "#define HYP_VERSION \"$$(git describe --always --dirty 2>/dev/null || echo unknown)\""; \
	echo "#define HYP_DATE \"$$(date -u -d @$(SOURCE_DATE_EPOCH) +%Y-%m-%d)\""; } >$@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# arch/arm64/offsets.c compiles to lines .ascii "->NAME value"; they become #defines for assembly.
$(GENERATED)/offsets.h: arch/arm64/offsets.c $(GENERATED)/autoconf.h | $(libraries) $(generated)
	$(Q)$(CC) $(CFLAGS) -fno-stack-protector -g0 -MMD -MP -MT $@ -MF $@.d -S -o $(O)/offsets.s $<
	$(Q){ echo '/* Generated from $<. */'; echo '#pragma once'; \
	sed -n 's/^[[:space:]]*\.ascii "->\([A-Za-z0-9_]*\) [#$$]\{0,1\}\(-\{0,1\}[0-9]*\)"/#define \1 \2/p' $(O)/offsets.s; } >$@

$(O)/%.o: %.c $(GENERATED)/autoconf.h | $(libraries) $(generated)
	$(Q)mkdir -p $(@D); echo "  CC      $<"; $(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
ifneq ($(external),)
$(O)/external/%.o: $(external)/%.c $(GENERATED)/autoconf.h | $(libraries) $(generated)
	$(Q)mkdir -p $(@D); echo "  CC      $<"; $(CC) $(CFLAGS) -ffile-prefix-map=$(external)=external -MMD -MP -c -o $@ $<
endif
$(O)/%.o: %.S $(GENERATED)/autoconf.h | $(libraries) $(generated) $(GENERATED)/offsets.h
	$(Q)mkdir -p $(@D); echo "  AS      $<"; $(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
$(O)/builtin_bundle.o: $(CONFIG_BUILTIN_BUNDLE)
	$(Q)printf '.section .builtin_bundle, "a"\n.balign 4096\n.incbin "%s"\n' $< | $(CC) -x assembler -c -o $@ -
# What the image was configured with, as text in it, so that tools/armature can compare a description with the image that it shall run on.
$(O)/config_record.o: $(GENERATED)/auto.conf.mk
	$(Q){ echo '.section .config_record, "a"'; echo '.ascii "ARMATURE-CONFIG 1\n"'; \
	sed -n 's/^\(CONFIG_[A-Z0-9_]*=[0-9xya-f]*\)$$/.ascii "\1\\n"/p; s/^\(CONFIG_BOARD=\)"\(.*\)"$$/.ascii "\1\2\\n"/p' $(O)/.config; echo '.byte 0'; } | $(CC) -x assembler -c -o $@ -
$(O)/link.lds: arch/arm64/link.lds $(GENERATED)/autoconf.h | $(libraries) $(generated)
	$(Q)$(CC) $(CPPFLAGS) -E -P -x assembler-with-cpp -MMD -MP -MT $@ -MF $@.d -o $@ $<

# Linked three times: without symbol names, with them (their size is now known), and with their final addresses. The table
# is the last thing in the image, so nothing moves between the second and the third; the last line proves it.
$(O)/symbols.0.c:
	$(Q)mkdir -p $(@D); $(PYTHON) tools/symtab.py >$@
$(O)/symbols.1.c: $(O)/armature.0.elf
	$(Q)$(PYTHON) tools/symtab.py $< >$@
$(O)/symbols.2.c: $(O)/armature.1.elf
	$(Q)$(PYTHON) tools/symtab.py $< >$@
$(O)/symbols.%.o: $(O)/symbols.%.c
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<
link = $(LD) $(LDFLAGS) -T $(O)/link.lds -Map $(O)/armature.map -o $@ $(objects) $(O)/config_record.o $(filter $(O)/symbols.%.o,$^) $(libraries)
$(O)/armature.0.elf: $(O)/symbols.0.o
$(O)/armature.1.elf: $(O)/symbols.1.o
$(O)/armature.elf: $(O)/symbols.2.o
$(O)/armature.0.elf $(O)/armature.1.elf: $(objects) $(O)/config_record.o $(O)/link.lds $(libraries) $(O)/objects.list
	$(Q)$(link)
$(O)/armature.elf: $(objects) $(O)/config_record.o $(O)/link.lds $(libraries) $(O)/objects.list
	$(Q)echo "  LINK    $@"; $(link)
	$(Q)$(PYTHON) tools/symtab.py $@ | cmp -s - $(O)/symbols.2.c || { echo "$@: the symbol table moved code; is .hyp_symbols last in link.lds?" >&2; exit 1; }
# Links again when a source file went away or an option changed the list.
$(O)/objects.list: FORCE
	$(Q)mkdir -p $(@D); echo '$(objects)' | cmp -s - $@ || echo '$(objects)' >$@
$(O)/armature.bin: $(O)/armature.elf
	$(Q)$(OBJCOPY) -O binary $< $@
.SECONDARY:

# ---- Guests: tests/guest/NAME/ or tests/guest/probes/NAME.c with tests/guest/lib/, as build/guest/NAME.elf and .bin -------

guest_dirs := $(filter-out lib probes go,$(sort $(notdir $(patsubst %/,%,$(dir $(wildcard tests/guest/*/*.[cS]))))))
guest_probes := $(basename $(notdir $(wildcard tests/guest/probes/*.c)))
guest_names := $(guest_dirs) $(guest_probes) $(if $(wildcard tests/guest/go/*.[cS]),go)
guest_files = $(if $(filter $(1),$(guest_probes)),tests/guest/probes/$(1).c,$(call sources_of,tests/guest/$(1)))
# The EL2 payload `go` brings its own start and takes only what touches no EL1 register; qnx_layout needs nothing of QEMU's addresses.
guest_library = $(if $(filter go,$(1)),$(addprefix tests/guest/lib/,fdt.c print.c memory.c),$(if $(filter qnx_layout,$(1)),,$(call sources_of,tests/guest/lib)))
guest_objects = $(patsubst tests/guest/%,build/guest/obj/%.o,$(basename $(guest_files) $(guest_library)))
guest_script = $(firstword $(wildcard tests/guest/$(1)/*.lds tests/guest/lib/guest.lds))
# -fno-builtin and no loop distribution: there is no C library, and these guests measure and check what they wrote.
guest_flags = -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-common -fno-builtin -mstrict-align \
	-mgeneral-regs-only -mno-outline-atomics -mbranch-protection=none -march=armv8-a -fno-tree-loop-distribute-patterns \
	-fno-asynchronous-unwind-tables $(warnings) -ffile-prefix-map=$(CURDIR)=. -I.
build/guest/obj/%.o: tests/guest/%.c
	$(Q)mkdir -p $(@D); $(CC) $(guest_flags) -MMD -MP -c -o $@ $<
build/guest/obj/%.o: tests/guest/%.S
	$(Q)mkdir -p $(@D); $(CC) $(guest_flags) -D__ASSEMBLY__ -MMD -MP -c -o $@ $<
build/guest/%.elf: $$(call guest_objects,$$*) $$(call guest_script,$$*)
	$(Q)echo "  GUEST   $@"; $(LD) -nostdlib -static --build-id=none -z noexecstack -z max-page-size=65536 --no-warn-rwx-segments \
		-T $(call guest_script,$*) -o $@ $(call guest_objects,$*)
build/guest/%.bin: build/guest/%.elf
	$(Q)$(OBJCOPY) -O binary $< $@

# The Linux guest: Debian's kernel as it is, and BusyBox as its initial file system.
$(CACHE)/guest/Image-%:
	$(Q)tools/fetch $(patsubst linux-debian%,linux%,linux-$*)
$(CACHE)/guest/busybox:
	$(Q)tools/fetch busybox
$(CACHE)/guest/initrd.cpio.gz: tools/initramfs $(CACHE)/guest/busybox
	$(Q)tools/initramfs $(CACHE)/guest/busybox $@
# Programs for it (tests/linux), and a file system with one of them and the kernel's modules for keys, which show interrupts to user space.
linux_modules = $(shell find $(CACHE)/kernel-debian/lib/modules -name gpio_keys.ko -o -name evdev.ko 2>/dev/null)
build/guest/linux/%: tests/linux/%.c
	$(Q)mkdir -p $(@D); echo "  GUEST   $@"; $(CC) -std=gnu11 -O2 -static $(warnings) -o $@ $<
build/guest/initrd-shm.cpio.gz: tools/initramfs $(CACHE)/guest/busybox build/guest/linux/shm $(CACHE)/guest/Image-debian
	$(Q)tools/initramfs $(CACHE)/guest/busybox $@ shm=build/guest/linux/shm $(foreach m,$(linux_modules),$(notdir $(m))=$(m)) >/dev/null
# The drivers of passed-through disks, networks and cards, in the order in which they are loaded, and a file system.
pass_modules := virtio_mmio virtio_blk failover net_failover virtio_net fixed gpio-regulator sdhci sdhci-pltfm sdhci-iproc crc16 mbcache jbd2 crc32c_generic ext4
pass_file = $(shell find $(CACHE)/kernel-debian/lib/modules -name $(1).ko 2>/dev/null)
build/guest/initrd-pass.cpio.gz: tools/initramfs $(CACHE)/guest/busybox $(CACHE)/guest/Image-debian
	$(Q)tools/initramfs $(CACHE)/guest/busybox $@ $(foreach m,$(pass_modules),$(m).ko=$(call pass_file,$(m))) >/dev/null
# Debian's stress, with the loader and the libraries where it looks for them.
$(CACHE)/guest/stress/stress:
	$(Q)tools/fetch stress
build/guest/initrd-stress.cpio.gz: tools/initramfs $(CACHE)/guest/busybox $(CACHE)/guest/stress/stress
	$(Q)tools/initramfs $(CACHE)/guest/busybox $@ bin/stress=$(CACHE)/guest/stress/stress \
		$(foreach l,ld-linux-aarch64.so.1 libc.so.6 libm.so.6,lib/$l=$(CACHE)/guest/stress/$l) >/dev/null
guests: $(foreach g,$(guest_names),build/guest/$(g).elf build/guest/$(g).bin) $(CACHE)/guest/Image-debian $(CACHE)/guest/initrd.cpio.gz
guests-all: guests $(addprefix $(CACHE)/guest/Image-,debian-rt debian-cloud debian-new)

# ---- Running ------------------------------------------------------------------------------------------------------------

RUN_ARGS ?=
setup:
	$(Q)tools/setup
# A fresh machine has no compiler when make starts, so what needs one is a second make.
run: setup
	$(Q)$(MAKE) --no-print-directory run-machine
run-machine: $(O)/armature.bin guests $(if $(filter rpi4,$(board)),$(CACHE)/u-boot-rpi) $(if $(findstring tf-a,$(RUN_ARGS)),$(CACHE)/tf-a)
	$(Q)tools/armature run --board $(board) --boot $(if $(filter qemu-virt rpi4,$(board)),uboot,direct) --hyp $(O)/armature.bin --vms dts/qemu-virt/default.dts \
		--image linux=$(CACHE)/guest/Image-debian --image initrd=$(CACHE)/guest/initrd.cpio.gz \
		--image rtos=build/guest/rtos.elf $(RUN_ARGS) || [ $$? = 130 ] # 130: the user ended it

$(CACHE)/u-boot-rpi $(CACHE)/tf-a:
	$(Q)tools/fetch $(@F)

# ---- Checks -------------------------------------------------------------------------------------------------------------

checks := format spdx includes headers clang startup simd stack cppcheck mustfail api descriptions sizes reproducible
check:
	$(Q)$(MAKE) --no-print-directory -s $(O)/armature.bin
	$(Q)tools/testrun --quiet --title "make check ($(CONFIG))" $(foreach c,$(checks),'$(c): $(MAKE) --no-print-directory -s check-$(c)')

tracked := git ls-files --cached --others --exclude-standard --
check-format:
	$(Q)$(tracked) '*.c' '*.h' | while read -r f; do [ ! -f "$$f" ] || echo "$$f"; done | xargs -r -P$$(nproc) -I{} \
		sh -c 'clang-format --dry-run -Werror {} 2>/dev/null || { echo "{}: not formatted, run: clang-format -i {}"; exit 1; }'
format:
	$(Q)$(tracked) '*.c' '*.h' | while read -r f; do [ ! -f "$$f" ] || echo "$$f"; done | xargs -r clang-format -i
check-spdx:
	$(Q)$(PYTHON) tools/check/spdx.py
check-includes:
	$(Q)$(PYTHON) tools/check/includes.py $(external_sources)
check-headers: $(headers:%=$(O)/check/%.ok)
check-clang: $(patsubst %,$(O)/check/%.ok,$(filter-out $(external_sources),$(checked))) \
	$(patsubst $(external)/%,$(O)/check/external/%.ok,$(external_sources))
# Headers are compiled alone (each stands by itself); with sources, clang proves phases and locks.
clang_check = mkdir -p $(@D); clang -fsyntax-only $(CLANGFLAGS) $(if $(filter %.h,$<),-Wno-unused-function -Wno-pragma-once-outside-header,) -x c -MMD -MP -MT $@ -MF $@.d $<; touch $@
$(O)/check/%.ok: % | $(libraries) $(generated)
	$(Q)$(clang_check)
ifneq ($(external),)
$(O)/check/external/%.ok: $(external)/% | $(libraries) $(generated)
	$(Q)$(clang_check)
endif
check-startup: $(O)/armature.elf
	$(Q)$(PYTHON) tools/check/startup.py --libfdt $(LIBFDT)/libfdt.a $(objects)
check-simd: $(O)/armature.elf
	$(Q)$(PYTHON) tools/check/simd.py $(O)/armature.elf $(O)/armature.map
# A fault is reported on the emergency stack, behind its struct panic_frame.
check-stack: $(O)/armature.elf
	$(Q)$(PYTHON) tools/check/stack.py --limit $(CONFIG_STACK_SIZE) --own panic_from_vector=3800 --own thread_main=$(CONFIG_THREAD_STACK_SIZE) --calls tools/check/calls.txt $(external:%=--sources %) $(O)/armature.elf $(objects:.o=.su)
check-cppcheck: $(GENERATED)/autoconf.h
	$(Q)mkdir -p $(O)/cppcheck; cppcheck --quiet --std=c11 --enable=warning,portability --error-exitcode=1 --inline-suppr -j$$(nproc) \
		--cppcheck-build-dir=$(O)/cppcheck --suppressions-list=tools/check/cppcheck.txt -D__aarch64__ -D__GNUC__=12 '-D__attribute__(x)=' --include=$(GENERATED)/autoconf.h -I. $(checked)
check-mustfail: | $(libraries) $(generated)
	$(Q)$(PYTHON) tools/check/mustfail.py tests/mustfail -- clang -fsyntax-only $(CLANGFLAGS)
# docs/API.md's tables say what the declarations say; api-tables writes them.
check-api:
	$(Q)$(PYTHON) tools/check/safety.py docs/API.md $(sort $(wildcard hyp/api/*.h))
api-tables:
	$(Q)$(PYTHON) tools/check/safety.py --write docs/API.md $(sort $(wildcard hyp/api/*.h))
check-descriptions: $(wildcard dts/*/*.dts)
	$(Q)for each in $^; do tools/armature check $$each; done
check-sizes: $(O)/armature.bin
	$(Q)$(PYTHON) tools/check/sizes.py --limit 1048576 $(O)/armature.elf $(O)/armature.map $(O)/armature.bin
# Built again elsewhere: the image must be the same, byte for byte.
check-reproducible: $(O)/armature.bin
	$(Q)rm -rf $(O)/again; mkdir -p $(O)/again; cp $(O)/.config $(O)/again/; \
	$(MAKE) --no-print-directory -s O=$(O)/again $(O)/again/armature.bin >/dev/null; cmp $(O)/armature.bin $(O)/again/armature.bin; rm -rf $(O)/again

# ---- Unit tests: each tests/unit/test_X.c names in a comment /* sources: a.c b.c */ what it is linked with -------------------

unit_flags = -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -Wall -Wextra -Werror -Wshadow -Wvla \
	-Itests/unit/fake -I. -I$(O) -include $(GENERATED)/autoconf.h
unit_tests := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
unit_sources = tests/unit/$(1).c $(shell sed -n 's,^.*\* sources: \(.*\)\*/.*,\1,p' tests/unit/$(1).c)
$(O)/unit/obj/%.o: %.c $(GENERATED)/autoconf.h | $(GENERATED)/version.h
	$(Q)mkdir -p $(@D); $(HOSTCC) $(unit_flags) -MMD -MP -c -o $@ $<
$(O)/unit/%: $$(patsubst %.c,$(O)/unit/obj/%.o,$$(call unit_sources,$$*))
	$(Q)mkdir -p $(@D); $(HOSTCC) $(unit_flags) -o $@ $^ -lcmocka -lfdt
unit-build: $(unit_tests:%=$(O)/unit/%)
unit:
	$(Q)$(MAKE) --no-print-directory -s -k unit-build >/dev/null 2>&1 || true
	$(Q)tools/testrun --quiet --title "make unit" $(foreach t,$(unit_tests),'$(t): $(MAKE) --no-print-directory -s $(O)/unit/$(t) && $(O)/unit/$(t)')

# ---- Tests --------------------------------------------------------------------------------------------------------------

contract := $(wildcard ../shared/accept/contract.py)
pytest := $(PYTHON) -m pytest -q -p no:cacheprovider
# A worker a core; a file's tests stay together, with what they build. A board is one, and has one.
workers := -n $(shell nproc) --dist loadfile
make_as = $(MAKE) --no-print-directory CONFIG=$(1)
on_debug := ARMATURE_HYP=$(CURDIR)/build/qemu_virt/armature.bin
on_release := ARMATURE_HYP=$(CURDIR)/build/qemu_virt_release/armature.bin
# Both configurations are built and checked; the machine runs the debug image, the contract each one way of booting.
build_suites = 'build: $(call make_as,qemu_virt) all' \
	'build release: $(call make_as,qemu_virt_release) all' \
	'check: $(call make_as,qemu_virt) check' \
	'check release: $(call make_as,qemu_virt_release) check-startup check-simd check-stack check-sizes' \
	'guests: $(call make_as,qemu_virt) $(1)' \
	'unit: $(call make_as,qemu_virt) unit' \
	'tool: $(pytest) tests/tool'
contract_suites = $(if $(contract),'contract direct: $(on_debug) $(contract) tools/armature --boot direct' \
	'contract gicv2: $(on_debug) $(contract) tools/armature --gic 2' \
	'contract uboot: $(on_release) $(contract) tools/armature --boot uboot')
# The machine tests, told in build/X.xml (JUnit) and build/X.html, of a failed run too.
machine_tests = mkdir -p build/$(dir $(1)); rm -f build/$(1).xml; status=0; $(pytest) tests/sys --junitxml=build/$(1).xml $(2) || status=$$?; \
	[ ! -f build/$(1).xml ] || tests/sys/hil/report.py build/$(1).xml build/$(1).html; exit $$status
test: setup
	$(Q)tools/testrun --logs build/test --title "make test" $(call build_suites,guests) \
		'machine: export $(on_debug); $(call machine_tests,test/machine,$(workers))' $(contract_suites)
test-all: setup
	$(Q)tools/testrun --logs build/test --title "make test-all" $(call build_suites,guests guests-all) \
		'machine: export $(on_debug) ARMATURE_TEST_ALL=1; $(call machine_tests,test/machine,$(workers))' \
		'machine release: export $(on_release); $(call machine_tests,test/machine-release,$(workers))' \
		'hil: export $(on_debug); $(call machine_tests,test/hil,--lg-env $(hil_default) $(hil_some))' $(contract_suites)

# The machine tests by a labgrid environment: on a board, or on what stands for one (docs/HIL.md).
ENV ?= tests/sys/env/rehearsed-rpi4.yaml
HIL_ARGS ?=
hil_name = $(basename $(notdir $(ENV)))
hil_default := tests/sys/env/rehearsed-virt.yaml
hil_some := -k "two_vms or console or start"
hil: setup
	$(Q)[ -f '$(ENV)' ] || { echo "ENV=$(ENV): no such file; there are: $(wildcard tests/sys/env/*.yaml)" >&2; exit 1; }
	$(Q)$(PYTHON) -c 'import labgrid' || { echo "labgrid is not installed for $(PYTHON): tools/setup installs Debian's" >&2; exit 1; }
	+$(Q)$(call make_as,qemu_virt) -s all guests >/dev/null
	$(Q)$(call machine_tests,hil/$(hil_name),--lg-env '$(ENV)' --basetemp=build/hil/$(hil_name) -rs $(HIL_ARGS))

# ---- Bench: instructions per event (docs/BENCH.md). BENCH_CONFIG is what is measured, BENCH_ARGS=--functions shows where they go ----

BENCH_CONFIG ?= qemu_virt_release
BENCH_ARGS ?=
build/bench/count.so: tools/bench/count.c tools/bench/qemu_plugin.h
	$(Q)mkdir -p $(@D); $(HOSTCC) -std=gnu11 -O2 -shared -fPIC $(warnings) -I. -o $@ $<
build/bench/mark: tools/bench/mark.S
	$(Q)mkdir -p $(@D); $(CC) -nostdlib -static -Wl,--build-id=none -o $@ $<
build/bench/initrd.cpio.gz: tools/initramfs $(CACHE)/guest/busybox build/bench/mark tools/bench/work.sh
	$(Q)tools/initramfs $(CACHE)/guest/busybox $@ init=build/bench/mark work=tools/bench/work.sh >/dev/null
bench: build/guest/bench.bin $(CACHE)/guest/Image-debian build/bench/initrd.cpio.gz build/bench/count.so
	+$(Q)$(call make_as,$(BENCH_CONFIG)) -s all >/dev/null
	+$(Q)$(call make_as,$(BENCH_CONFIG)) -s O=build/bench/hyp VDEV_EXTERNAL=tests/vdev-bench build/bench/hyp/armature.bin >/dev/null
	$(Q)$(PYTHON) tools/bench/bench.py --hyp build/$(BENCH_CONFIG)/armature.bin --vdevs build/bench/hyp/armature.bin --guest build/guest/bench.bin \
		--linux $(CACHE)/guest/Image-debian --initrd build/bench/initrd.cpio.gz --plugin build/bench/count.so \
		--out build/bench.json $(BENCH_ARGS)

# ---- The rest -----------------------------------------------------------------------------------------------------------

clean:
	$(Q)find build -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} + 2>/dev/null || true
distclean:
	$(Q)rm -rf build
help:
	@sed 's/^  //' tools/make-help.txt

.PHONY: all hil format api-tables run run-machine setup test test-all check bench unit unit-build guests guests-all clean distclean help \
	menuconfig olddefconfig savedefconfig FORCE $(checks:%=check-%)
FORCE:

-include $(objects:.o=.d) $(O)/link.lds.d $(GENERATED)/offsets.h.d $(shell find $(O)/unit $(O)/check build/guest -name '*.d' 2>/dev/null)
