/* Which records of the stream a session gets: those that it enabled, by any of the ways that there are. */
#include "standin.h"

enum system_provider { PROCESS_PROVIDER, SCHEDULER_PROVIDER, MEMORY_PROVIDER, IO_PROVIDER, INTERRUPT_PROVIDER };

static const GUID SYSTEM_PROVIDER_IDS[] = { /* Microsoft's page on system providers */
    {0x151f55dc, 0x467d, 0x471f, {0x83, 0xb5, 0x5f, 0x88, 0x9d, 0x46, 0xff, 0x66}},
    {0x599a2a76, 0x4d91, 0x4910, {0x9a, 0xc7, 0x7d, 0x33, 0xf2, 0xe9, 0x7a, 0x6c}},
    {0x82958ca9, 0xb6cd, 0x47f8, {0xa3, 0xa8, 0x03, 0xae, 0x85, 0xa4, 0xbc, 0x24}},
    {0x3d5c43e3, 0x0f1c, 0x4202, {0xb8, 0x17, 0x17, 0x4c, 0x00, 0x70, 0xdc, 0x79}},
    {0xd4bbee17, 0xb545, 0x4888, {0x85, 0x8b, 0x74, 0x41, 0x69, 0x01, 0x5b, 0x25}},
};

static const GUID POOL = {0x0268a8b6, 0x74fd, 0x4302, {0x9d, 0xd0, 0x6e, 0x8f, 0x17, 0x95, 0xc0, 0xcf}};
static const GUID STACK_WALK = {0xdef2fe46, 0x7bd6, 0x4b80, {0xbd, 0x94, 0xf5, 0x7f, 0xe2, 0x0d, 0x0c, 0xe3}};

#define KERNEL_CLASS(low) {low, 0xfe05, 0x11d0, {0x9d, 0xda, 0x00, 0xc0, 0x4f, 0xd7, 0xba, 0x7c}}

/* A kind of kernel event: its class and opcodes, its bit of the group mask, its system provider and keyword. */
static const struct rule {
    GUID class;
    UCHAR first, last;
    ULONG word, bit;
    enum system_provider provider;
    ULONGLONG keyword;
} RULES[] = {
    {KERNEL_CLASS(0x3d6fa8d0), 0, 255, 0, 0x1, PROCESS_PROVIDER, 0x1},
    {KERNEL_CLASS(0x3d6fa8d1), 1, 4, 0, 0x2, PROCESS_PROVIDER, 0x800},
    {KERNEL_CLASS(0x3d6fa8d1), 0x48, 0x48, 0, 0x2, PROCESS_PROVIDER, 0x800},
    {KERNEL_CLASS(0x3d6fa8d1), 0x24, 0x24, 1, 0x4, SCHEDULER_PROVIDER, 0x200},
    {KERNEL_CLASS(0x3d6fa8d1), 0x32, 0x32, 1, 0x200, SCHEDULER_PROVIDER, 0x2},
    {KERNEL_CLASS(0x3d6fa8d1), 0x3e, 0x3f, 1, 0x1000000, SCHEDULER_PROVIDER, 0x4},
    {{0x2cb15d1d, 0x5fc1, 0x11d2, {0xab, 0xe1, 0x00, 0xa0, 0xc9, 0x11, 0xf5, 0x18}}, 0, 255, 0, 0x4, PROCESS_PROVIDER, 0x1000},
    {{0x0268a8b6, 0x74fd, 0x4302, {0x9d, 0xd0, 0x6e, 0x8f, 0x17, 0x95, 0xc0, 0xcf}}, 0, 255, 1, 0x40, MEMORY_PROVIDER, 0x8},
    {{0x9a280ac0, 0xc8e0, 0x11d1, {0x84, 0xe2, 0x00, 0xc0, 0x4f, 0xb9, 0x98, 0xa2}}, 0, 255, 0, 0x10000, IO_PROVIDER, 0x200},
    {{0xbf3a50c5, 0xa9c9, 0x4988, {0xa0, 0x05, 0x2d, 0xf0, 0xb7, 0xc8, 0x0f, 0x80}}, 0, 255, 0, 0x10000, IO_PROVIDER, 0x200},
    {KERNEL_CLASS(0x3d6fa8d4), 0x20, 0x35, 1, 0x10, IO_PROVIDER, 0x80},
    {{0xce1dbfb4, 0x137e, 0x4da6, {0x87, 0xb0, 0x3f, 0x59, 0xaa, 0x10, 0x2c, 0xbc}}, 0x42, 0x45, 1, 0x80, INTERRUPT_PROVIDER, 0x4},
};

BOOL is_system_provider(const GUID *id)
{
    for (size_t i = 0; i < ARRAYSIZE(SYSTEM_PROVIDER_IDS); i++)
        if (IsEqualGUID(&SYSTEM_PROVIDER_IDS[i], id))
            return TRUE;
    return FALSE;
}

static const struct provider *provider_of(const struct enabled *enabled, const GUID *id)
{
    for (ULONG i = 0; i < enabled->provider_count; i++)
        if (IsEqualGUID(&enabled->providers[i].id, id))
            return &enabled->providers[i];
    return NULL;
}

static BOOL by_rule(const struct enabled *enabled, const struct rule *rule)
{
    if (!enabled->system_logger)
        return FALSE;
    if (enabled->mask[rule->word] & rule->bit)
        return TRUE;
    const struct provider *provider = provider_of(enabled, &SYSTEM_PROVIDER_IDS[rule->provider]);
    return settings[SYSTEM_PROVIDERS] && provider && (!provider->any || (provider->any & rule->keyword));
}

static BOOL selects(const struct enabled *enabled, const GUID *class, UCHAR opcode)
{
    for (size_t i = 0; i < ARRAYSIZE(RULES); i++)
        if (IsEqualGUID(&RULES[i].class, class) && opcode >= RULES[i].first && opcode <= RULES[i].last)
            return by_rule(enabled, &RULES[i]);
    if (IsEqualGUID(class, &STACK_WALK))
        return enabled->stack_count + enabled->hook_count > 0; /* which of them is decided by the event that each belongs to */
    return provider_of(enabled, class) != NULL;
}

static const GUID *group_class(ULONG group) /* the class of a hook id's upper byte (ntwmi.h) */
{
    static const GUID DISK = KERNEL_CLASS(0x3d6fa8d4), THREAD = KERNEL_CLASS(0x3d6fa8d1);
    switch (group) {
    case 0x01:
        return &DISK;
    case 0x05:
        return &THREAD;
    case 0x0e:
        return &POOL;
    default:
        return &STACK_WALK; /* none has stacks of its own */
    }
}

static BOOL has_stack(const struct enabled *enabled, const GUID *class, UCHAR opcode)
{
    for (ULONG i = 0; i < enabled->stack_count; i++)
        if (enabled->stacks[i].Type == opcode && IsEqualGUID(&enabled->stacks[i].EventGuid, class))
            return TRUE;
    for (ULONG i = 0; i < enabled->hook_count; i++)
        if ((enabled->hooks[i] & 0xff) == opcode && IsEqualGUID(group_class(enabled->hooks[i] >> 8), class))
            return TRUE;
    return FALSE;
}

void select_events(struct selection *selection, const struct enabled *enabled)
{
    selection->enabled = *enabled;
    for (ULONG i = 0; i < pair_count(); i++) {
        GUID class;
        UCHAR opcode;
        pair_of(i, &class, &opcode);
        selection->event[i] = selects(enabled, &class, opcode);
        selection->stack[i] = selection->event[i] && has_stack(enabled, &class, opcode);
    }
}

static ULONG tag_of(const struct stream_record *record) /* of a pool event or of the one whose stack this is; else 0 */
{
    ULONG tag = 0;
    if (record->is_stack)
        return record->trigger_tag;
    if (record->data_length >= 8 && IsEqualGUID(&record->header.ProviderId, &POOL))
        CopyMemory(&tag, (const BYTE *)(record + 1) + 4, sizeof tag); /* a kernel event has no items before its payload */
    return tag;
}

static BOOL passes_tags(const struct enabled *enabled, const struct stream_record *record)
{
    ULONG tag = enabled->tag_count ? tag_of(record) : 0;
    if (!tag)
        return TRUE;
    for (ULONG i = 0; i < enabled->tag_count; i++)
        if (enabled->tags[i] == tag) /* as the event has it, with the bit of a protected block */
            return TRUE;
    return FALSE;
}

static BOOL passes_keyword(const struct enabled *enabled, const EVENT_HEADER *header)
{
    const struct provider *provider = provider_of(enabled, &header->ProviderId);
    ULONGLONG keyword = header->EventDescriptor.Keyword;
    if (!provider)
        return FALSE;
    if (provider->level && header->EventDescriptor.Level > provider->level)
        return FALSE;
    if (!keyword)
        return TRUE;
    return (!provider->any || (provider->any & keyword)) && (provider->all & keyword) == provider->all;
}

BOOL is_wanted(const struct selection *selection, const struct entry *entry)
{
    const struct stream_record *record = entry->record;
    if (!selection->event[entry->pair])
        return FALSE;
    if (record->is_stack)
        return selection->stack[entry->trigger] && passes_tags(&selection->enabled, record);
    if (record->header.Flags & EVENT_HEADER_FLAG_CLASSIC_HEADER)
        return passes_tags(&selection->enabled, record);
    return passes_keyword(&selection->enabled, &record->header);
}

ULONG wanted_properties(const struct selection *selection, const GUID *id)
{
    const struct provider *provider = provider_of(&selection->enabled, id);
    return provider ? provider->property : 0;
}
