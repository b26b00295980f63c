/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/dry_run.h"
#include "hyp/console.h"
#include "hyp/text.h"

#define LINE_BYTES 64

static __startup void bytes_show(const char *name, const struct vm_image *tree, uint64_t offset)
{
    char buffer[2 * LINE_BYTES + 1];
    struct text line = text_in(buffer, sizeof(buffer));
    for (uint64_t i = offset; i < tree->size && i < offset + LINE_BYTES; i++) {
        text_char(&line, "0123456789abcdef"[tree->data[i] >> 4]);
        text_char(&line, "0123456789abcdef"[tree->data[i] & 15]);
    }
    results_line("T %s %x %s", name, (unsigned)offset, buffer);
}

static __startup const struct vm_image *tree_of(const struct guest_system *vm)
{
    for (unsigned i = 0; !vm->config->no_dtb && i < vm->image_count; i++)
        if (vm->images[i].base.raw == vm->fdt_ipa)
            return &vm->images[i];
    return NULL;
}

void dry_run_show(const struct guest_system *vm)
{
    const struct vm_image *tree = tree_of(vm);
    for (uint64_t offset = 0; tree && offset < tree->size; offset += LINE_BYTES)
        bytes_show(vm->name, tree, offset);
    results_line("R vm %s state=ended cause=dry-run code=0 entry=0x%llx tree=0x%llx", vm->name,
                 (unsigned long long)vm->entry, (unsigned long long)(tree ? vm->fdt_ipa : 0));
}
