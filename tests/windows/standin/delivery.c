/* One record, as the consumer's callback sees it. All it points to is gone when the callback returns. */
#include "standin.h"

#define GONE 0xDD /* what a consumer reads that keeps a pointer */
#define MOST_ITEMS 8

struct stream_item {
    USHORT type, length;
    ULONG reserved;
};

static const GUID LOST_EVENT = {0x6a399ae0, 0x4bc6, 0x4de9, {0x87, 0x0b, 0x36, 0x57, 0xf8, 0x94, 0x7e, 0x7e}};

static ULONG padded(ULONG size)
{
    return (size + 7) & ~7u;
}

/* Items that come only where the provider was enabled with them. */
static BOOL item_is_wanted(USHORT type, ULONG properties)
{
    switch (type) {
    case EVENT_HEADER_EXT_TYPE_SID:
        return (properties & EVENT_ENABLE_PROPERTY_SID) != 0;
    case EVENT_HEADER_EXT_TYPE_TS_ID:
        return (properties & EVENT_ENABLE_PROPERTY_TS_ID) != 0;
    case EVENT_HEADER_EXT_TYPE_STACK_TRACE32:
    case EVENT_HEADER_EXT_TYPE_STACK_TRACE64:
        return (properties & EVENT_ENABLE_PROPERTY_STACK_TRACE) != 0;
    default:
        return TRUE;
    }
}

static ULONG count_items(const struct stream_record *record, ULONG properties, EVENT_HEADER_EXTENDED_DATA_ITEM *items,
                         BYTE *copy, const BYTE **payload)
{
    const BYTE *at = (const BYTE *)(record + 1);
    ULONG count = 0;
    for (ULONG i = 0; i < record->item_count; i++) {
        const struct stream_item *item = (const struct stream_item *)at;
        ULONG offset = (ULONG)((const BYTE *)(item + 1) - (const BYTE *)(record + 1));
        if (count < MOST_ITEMS && item_is_wanted(item->type, properties)) {
            ZeroMemory(&items[count], sizeof *items);
            items[count].ExtType = item->type;
            items[count].DataSize = item->length;
            items[count++].DataPtr = (ULONG_PTR)(copy + offset);
        }
        at += sizeof *item + padded(item->length);
    }
    for (ULONG i = 0; i + 1 < count; i++)
        items[i].Linkage = 1;
    *payload = at;
    return count;
}

static void call(struct delivery *delivery, EVENT_RECORD *record)
{
    if (!delivery->raw_times)
        record->EventHeader.TimeStamp.QuadPart += delivery->filetime;
    record->BufferContext.LoggerId = delivery->logger;
    record->UserContext = delivery->context;
    delivery->callback(record);
}

void deliver(struct delivery *delivery, const struct selection *selection, const struct entry *entry, LONGLONG round)
{
    EVENT_HEADER_EXTENDED_DATA_ITEM items[MOST_ITEMS];
    EVENT_RECORD out;
    const struct stream_record *record = entry->record;
    BYTE *copy = (BYTE *)delivery->scratch;
    ULONG bytes = record->size - (ULONG)sizeof *record;
    LONGLONG shift = delivery->shift + round * stream.span;
    const BYTE *payload;

    CopyMemory(copy, record + 1, bytes);
    ZeroMemory(&out, sizeof out);
    out.EventHeader = record->header;
    out.EventHeader.TimeStamp.QuadPart += shift;
    out.BufferContext.ProcessorIndex = record->cpu;
    out.ExtendedDataCount = (USHORT)count_items(
        record, wanted_properties(selection, &record->header.ProviderId), items, copy, &payload);
    out.ExtendedData = out.ExtendedDataCount ? items : NULL;
    if (out.ExtendedDataCount)
        out.EventHeader.Flags |= EVENT_HEADER_FLAG_EXTENDED_INFO;
    out.UserDataLength = record->data_length;
    out.UserData = record->data_length ? copy + (payload - (const BYTE *)(record + 1)) : NULL;
    if (record->is_stack && record->data_length >= sizeof(LONGLONG))
        *(LONGLONG *)out.UserData += shift; /* the time of the event that the stack belongs to */
    call(delivery, &out);
    FillMemory(copy, bytes, GONE);
}

void deliver_loss(struct delivery *delivery, LONGLONG time, UCHAR opcode)
{
    EVENT_RECORD out;
    ZeroMemory(&out, sizeof out);
    out.EventHeader.Size = sizeof out.EventHeader;
    out.EventHeader.Flags = EVENT_HEADER_FLAG_CLASSIC_HEADER | EVENT_HEADER_FLAG_64_BIT_HEADER;
    out.EventHeader.ProviderId = LOST_EVENT;
    out.EventHeader.EventDescriptor.Opcode = opcode;
    out.EventHeader.TimeStamp.QuadPart = time;
    call(delivery, &out);
}
