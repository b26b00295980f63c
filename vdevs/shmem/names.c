/* SPDX-License-Identifier: Apache-2.0 */
/* Names of regions: what is one, who may use it, and what a guest's own name for it is. */
#include "vdevs/shmem/glob.h"
#include "vdevs/shmem/shmem.h"
#include "hyp/api/utils.h"

#include <errno.h>
#include <string.h>

bool name_is_legal(const char name[SHMEM_NAME])
{
    size_t n = strnlen(name, SHMEM_NAME);
    for (size_t i = 0; i < n; i++)
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    return n > 0 && n < SHMEM_NAME;
}

/* The first rule that matches decides; behind the last stands the opposite of what there is, or "allow" if there are none. */
static bool name_is_permitted(const struct shmem *s, const char *name)
{
    for (unsigned i = 0; i < s->access_count; i++)
        if (glob_match(s->access[i].text, name))
            return s->access[i].allow;
    return !s->any_allow;
}

static bool begins(const char *name, const char *text, size_t length)
{
    return strncmp(name, text, length) == 0;
}

/* `head`, then `tail`; false: too long. */
static bool name_join(char out[SHMEM_NAME], const char *head, const char *tail)
{
    size_t h = strlen(head), t = strlen(tail);
    if (h + t >= SHMEM_NAME)
        return false;
    memset(out, 0, SHMEM_NAME);
    memcpy(out, head, h);
    memcpy(out + h, tail, t);
    return true;
}

/* The first substitution whose text the name begins with. */
static bool name_substitute(const struct shmem *s, const char *name, char out[SHMEM_NAME])
{
    for (unsigned i = 0; i < s->subst_count; i++)
        if (begins(name, s->subst[i].text, s->subst[i].length))
            return name_join(out, s->subst[i].prefix, name + s->subst[i].length);
    return name_join(out, "", name);
}

enum guest_shm_status name_resolve(const struct shmem *s, const char name[SHMEM_NAME], char out[SHMEM_NAME])
{
    if (!name_is_legal(name) || !name_substitute(s, name, out) || !name_is_legal(out))
        return GSS_ILLEGAL_NAME;
    return name_is_permitted(s, out) ? GSS_OK : GSS_NO_PERMISSION;
}

static bool name_leads_to(const struct shmem *s, const char *guest, const char *name)
{
    char out[SHMEM_NAME];
    return name_resolve(s, guest, out) == GSS_OK && strcmp(out, name) == 0;
}

/* Of the names that lead there the one that the first substitution makes; or the name itself. */
bool name_for_guest(const struct shmem *s, const char *name, char out[SHMEM_NAME])
{
    for (unsigned i = 0; i < s->subst_count; i++) {
        const struct shmem_rule *r = &s->subst[i];
        size_t length = strlen(r->prefix);
        char head[SHMEM_NAME] = { 0 };
        memcpy(head, r->text, r->length);
        if (begins(name, r->prefix, length) && name_join(out, head, name + length) && name_leads_to(s, out, name))
            return true;
    }
    return name_join(out, "", name) && name_leads_to(s, out, name);
}

static __startup int option_refuse(const struct vdev_builder *b, const struct vdev_option *o, const char *why)
{
    return error_at(EINVAL, "%s: %s: \"%.48s\": %s", b->path, o->name, (const char *)o->data, why);
}

int access_option(struct vdev_builder *b, const struct vdev_option *o)
{
    struct shmem *s = shmem_of(b->vdev);
    const char *text = o->data;
    bool allow = begins(text, "allow ", 6), deny = begins(text, "deny ", 5);
    if (!allow && !deny)
        return option_refuse(b, o, "not \"allow PATTERN\" or \"deny PATTERN\"");
    text += allow ? 6 : 5;
    if (!*text || !glob_is_sound(text))
        return option_refuse(b, o, "no pattern: it is empty, or a [ or \\ has no end");
    if (s->access_count == SHMEM_RULES)
        return option_refuse(b, o, "more than 16 rules");
    s->access[s->access_count++] = (struct shmem_rule){ .text = text, .allow = allow };
    s->any_allow |= allow;
    return EOK;
}

int subst_option(struct vdev_builder *b, const struct vdev_option *o)
{
    struct shmem *s = shmem_of(b->vdev);
    const char *text = o->data, *comma = strchr(text, ',');
    if (!comma)
        return option_refuse(b, o, "not \"MATCH,PREFIX\"");
    if (comma - text >= SHMEM_NAME || strlen(comma + 1) >= SHMEM_NAME)
        return option_refuse(b, o, "longer than a name, 31 characters");
    if (s->subst_count == SHMEM_RULES)
        return option_refuse(b, o, "more than 16 substitutions");
    s->subst[s->subst_count++] =
        (struct shmem_rule){ .text = text, .length = (uint32_t)(comma - text), .prefix = comma + 1 };
    return EOK;
}

int create_option(struct vdev_builder *b, const struct vdev_option *o)
{
    const char *text = o->data, *comma = strrchr(text, ',');
    char name[SHMEM_NAME] = { 0 };
    uint64_t bytes;
    if (!comma || comma - text >= SHMEM_NAME)
        return option_refuse(b, o, "not \"NAME,SIZE\" with a name of 31 characters at most");
    memcpy(name, text, (size_t)(comma - text));
    if (!name_is_legal(name))
        return option_refuse(b, o, "a name is 1 to 31 printable characters without blanks");
    int err = qvm_parse_num(b, comma + 1, &bytes);
    if (err)
        return err;
    if (!bytes || bytes % SHMEM_PAGE)
        return option_refuse(b, o, "the size is no whole number of pages of 4 KiB");
    return region_reserve(b, name, bytes);
}
