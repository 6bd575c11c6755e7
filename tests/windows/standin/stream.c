/* The stream file that tests/windows/stream.py writes, in memory. */
#include "standin.h"

struct file_header {
    char magic[8];
    ULONG version, count;
    LONGLONG first, span;
    ULONG processors, build;
    LONGLONG start_time, boot_time;
    LONGLONG reserved;
};

#define LOGGED_HEADER 16 /* bytes; what a kernel event's header takes in a session's buffers */

struct stream stream = {.processors = 1};

static void *content; /* of the file; a copy, so that the test can remove it */
static struct entry *entries;

static struct {
    GUID provider;
    UCHAR opcode;
} pairs[MOST_PAIRS];
static ULONG pairs_known;

ULONG pair_count(void)
{
    return pairs_known;
}

void pair_of(ULONG pair, GUID *provider, UCHAR *opcode)
{
    *provider = pairs[pair].provider;
    *opcode = pairs[pair].opcode;
}

static int find_pair(const GUID *provider, UCHAR opcode) /* -1: there are too many */
{
    for (ULONG i = 0; i < pairs_known; i++)
        if (pairs[i].opcode == opcode && IsEqualGUID(&pairs[i].provider, provider))
            return i;
    if (pairs_known == MOST_PAIRS)
        return -1;
    pairs[pairs_known].provider = *provider;
    pairs[pairs_known].opcode = opcode;
    return pairs_known++;
}

static BOOL is_whole(const struct stream_record *record, ULONGLONG room)
{
    return room >= sizeof *record && record->size >= sizeof *record && record->size <= room && record->size % 8 == 0;
}

static ULONG index_records(const BYTE *at, ULONGLONG room, ULONG count, ULONGLONG *bytes)
{
    for (ULONG i = 0; i < count; i++) {
        const struct stream_record *record = (const struct stream_record *)at;
        if (!is_whole(record, room))
            return ERROR_INVALID_DATA;
        int pair = find_pair(&record->header.ProviderId, record->header.EventDescriptor.Opcode);
        int trigger = record->is_stack ? find_pair(&record->trigger, record->trigger_opcode) : 0;
        if (pair < 0 || trigger < 0)
            return ERROR_INVALID_DATA;
        entries[i] = (struct entry){record, (USHORT)pair, (USHORT)trigger};
        *bytes += record->size - sizeof *record + LOGGED_HEADER;
        at += record->size;
        room -= record->size;
    }
    return room ? ERROR_INVALID_DATA : ERROR_SUCCESS;
}

static ULONG use_content(ULONGLONG size)
{
    const struct file_header *header = content;
    if (size < sizeof *header || memcmp(header->magic, "PSSTREAM", 8) != 0 || header->version != 1 || !header->count ||
        header->span <= 0)
        return ERROR_INVALID_DATA;
    entries = HeapAlloc(GetProcessHeap(), 0, (SIZE_T)header->count * sizeof *entries);
    if (!entries)
        return ERROR_OUTOFMEMORY;
    ULONGLONG bytes = 0;
    ULONG status = index_records((const BYTE *)(header + 1), size - sizeof *header, header->count, &bytes);
    if (!status)
        stream = (struct stream){entries, header->count, header->first, header->span, bytes, header->processors,
                                 header->build, header->start_time, header->boot_time};
    return status;
}

void unload_stream(void)
{
    if (entries)
        HeapFree(GetProcessHeap(), 0, entries);
    if (content)
        HeapFree(GetProcessHeap(), 0, content);
    entries = NULL;
    content = NULL;
    pairs_known = 0;
    stream = (struct stream){.processors = 1};
}

static ULONG read_file(HANDLE file, ULONGLONG *size)
{
    LARGE_INTEGER bytes;
    DWORD got;
    if (!GetFileSizeEx(file, &bytes) || bytes.HighPart)
        return ERROR_INVALID_DATA;
    content = HeapAlloc(GetProcessHeap(), 0, bytes.LowPart + 1);
    if (!content)
        return ERROR_OUTOFMEMORY;
    *size = bytes.LowPart;
    return ReadFile(file, content, bytes.LowPart, &got, NULL) && got == bytes.LowPart ? ERROR_SUCCESS : ERROR_READ_FAULT;
}

ULONG load_stream(const WCHAR *path)
{
    ULONGLONG size = 0;
    unload_stream();
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    ULONG status = read_file(file, &size);
    CloseHandle(file);
    if (!status)
        status = use_content(size);
    if (status)
        unload_stream();
    return status;
}
