/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel's image says of itself, and where it has to be. */
#include <errno.h>
#include <string.h>
#include "hyp/base/log.h"
#include "hyp/dt.h"
#include "hyp/image_parts.h"

#define ARM64_HEADER 64
#define ARM64_MAGIC 0x644d5241u /* "ARM\x64" */
#define RAW_OFFSET 0x80000      /* where QEMU's virt machine puts a raw kernel */

static __startup uint64_t le_load(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v << 8 | p[bytes];
    return v;
}

bool image_arm64_header(const uint8_t *data, uint64_t size, struct arm64_header *out)
{
    if (size < ARM64_HEADER || le_load(data + 56, 4) != ARM64_MAGIC)
        return false;
    uint64_t flags = le_load(data + 24, 8);
    *out = (struct arm64_header){
        .text_offset = le_load(data + 8, 8),
        .image_size = le_load(data + 16, 8),
        .big_endian = flags & BIT(0),
        .anywhere = flags & BIT(3),
    };
    /* Before 3.17 text_offset had no defined endianness and was always this. */
    if (!out->image_size)
        out->text_offset = RAW_OFFSET;
    return true;
}

/* A format that nobody here can start, by its first bytes; NULL: none that is known. */
static __startup const char *image_wrapping(const struct image *image)
{
    static const struct {
        const char *name;
        uint8_t length, bytes[6];
    } wrappings[] = {
        { "gzip", 2, { 0x1f, 0x8b } },
        { "xz", 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
        { "zstd", 4, { 0x28, 0xb5, 0x2f, 0xfd } },
        { "lz4", 4, { 0x02, 0x21, 0x4c, 0x18 } },
        { "bzip2", 3, { 'B', 'Z', 'h' } },
        { "an ELF file that was not laid out by the tool", 4, { 0x7f, 'E', 'L', 'F' } },
        { "a U-Boot legacy image", 4, { 0x27, 0x05, 0x19, 0x56 } },
        { "a device tree or FIT", 4, { 0xd0, 0x0d, 0xfe, 0xed } },
    };

    for (unsigned i = 0; i < ARRAY_LEN(wrappings); i++)
        if (image->size >= wrappings[i].length && memcmp(image->data, wrappings[i].bytes, wrappings[i].length) == 0)
            return wrappings[i].name;
    return NULL;
}

static __startup int kernel_arm64(const struct config_vm *vm, const struct image *kernel, uint64_t ram,
                                  struct placement *out)
{
    struct arm64_header h;

    if (!image_arm64_header(kernel->data, kernel->size, &h))
        return error_at(-EINVAL, "%s/chosen: image \"%s\" is no arm64 Image: its header has no magic number", vm->path,
                        kernel->name);
    if (h.big_endian)
        return error_at(-EINVAL, "%s/chosen: image \"%s\" is a big-endian kernel: vdevs are little endian", vm->path,
                        kernel->name);
    if (h.text_offset >= BIT(CONFIG_IPA_LIMIT) || h.image_size >= BIT(CONFIG_IPA_LIMIT))
        return error_at(-EINVAL, "%s/chosen: image \"%s\": its header is corrupt: text_offset 0x%lx, image_size 0x%lx",
                        vm->path, kernel->name, h.text_offset, h.image_size);
    out->kernel_load = vm->has_kernel_load ? vm->kernel_load : align_up(ram, BLOCK_SIZE) + h.text_offset;
    if (vm->has_kernel_load && !is_aligned(vm->kernel_load - h.text_offset, BLOCK_SIZE))
        log_warn("%s/chosen: armature,kernel-load 0x%lx: image \"%s\" wants a multiple of 2 MiB plus 0x%lx", vm->path,
                 vm->kernel_load, kernel->name, h.text_offset);
    out->kernel_mem_size = h.image_size > kernel->size ? h.image_size : kernel->size;
    out->bss_unknown = !h.image_size;
    out->entry = out->kernel_load;
    return 0;
}

static __startup int kernel_elf(const struct config_vm *vm, const struct image *kernel, struct placement *out)
{
    if (!kernel->has_load || !kernel->has_entry)
        return error_at(-EINVAL, "%s/chosen: image \"%s\": an ELF image without armature,load or armature,entry",
                        vm->path, kernel->name);
    if (vm->has_kernel_load && vm->kernel_load != kernel->load)
        return error_at(-EINVAL, "%s/chosen: armature,kernel-load 0x%lx: image \"%s\" is an ELF file linked for 0x%lx",
                        vm->path, vm->kernel_load, kernel->name, kernel->load);
    if (kernel->bss >= BIT(CONFIG_IPA_LIMIT) || kernel->load >= BIT(CONFIG_IPA_LIMIT))
        return error_at(-EINVAL, "%s/chosen: image \"%s\": load address 0x%lx with 0x%lx bytes of bss cannot be",
                        vm->path, kernel->name, kernel->load, kernel->bss);
    out->kernel_load = kernel->load;
    out->kernel_mem_size = kernel->size + kernel->bss;
    out->entry = kernel->entry;
    return 0;
}

static __startup int kernel_raw(const struct config_vm *vm, const struct image *kernel, uint64_t ram,
                                struct placement *out)
{
    const char *wrapping = image_wrapping(kernel);

    if (wrapping)
        return error_at(-EINVAL, "%s/chosen: image \"%s\" cannot be started as it is: it is %s", vm->path, kernel->name,
                        wrapping);
    out->kernel_load = vm->has_kernel_load ? vm->kernel_load : ram + RAW_OFFSET;
    out->kernel_mem_size = kernel->size;
    out->bss_unknown = true;
    out->entry = out->kernel_load;
    return 0;
}

int image_place_kernel(const struct config_vm *vm, const struct image *kernel, uint64_t ram, struct placement *out)
{
    struct arm64_header ignored;
    enum image_format format = kernel->format;
    int err = -EINVAL;

    out->kernel_size = kernel->size;
    /* One packed as plain data is what it looks like. */
    if (format == IMAGE_DATA)
        format = image_arm64_header(kernel->data, kernel->size, &ignored) ? IMAGE_ARM64 : IMAGE_RAW;
    switch (format) {
    case IMAGE_ARM64: err = kernel_arm64(vm, kernel, ram, out); break;
    case IMAGE_ELF: err = kernel_elf(vm, kernel, out); break;
    case IMAGE_RAW:
    case IMAGE_DATA: err = kernel_raw(vm, kernel, ram, out); break;
    }
    return err;
}
