/* What a session asks for: EnableTraceEx2, TraceSetInformation. */
#include "standin.h"

/* Bits of EnableFlags that stand elsewhere in a group mask (the others stand in its first word). */
static const struct {
    ULONG flag, word, bit;
} ALIASES[] = {
    {EVENT_TRACE_FLAG_CSWITCH, 1, 0x4},
    {EVENT_TRACE_FLAG_DISPATCHER, 1, 0x200},
    {EVENT_TRACE_FLAG_DRIVER, 1, 0x10},
    {EVENT_TRACE_FLAG_DPC, 1, 0x80},
    {EVENT_TRACE_FLAG_PROFILE, 1, 0x2},
};

static const GUID MEMORY_PROVIDER = {0x82958ca9, 0xb6cd, 0x47f8, {0xa3, 0xa8, 0x03, 0xae, 0x85, 0xa4, 0xbc, 0x24}};
static const GUID POOL = {0x0268a8b6, 0x74fd, 0x4302, {0x9d, 0xd0, 0x6e, 0x8f, 0x17, 0x95, 0xc0, 0xcf}};
static const GUID DISK_IO = {0x3d6fa8d4, 0xfe05, 0x11d0, {0x9d, 0xda, 0x00, 0xc0, 0x4f, 0xd7, 0xba, 0x7c}};

#define SCHEMATIZED 0x80000000u /* EVENT_FILTER_TYPE_SCHEMATIZED */
#define POOL_FILTER 1           /* SYSTEM_MEMORY_POOL_FILTER_ID */

struct filter_header { /* EVENT_FILTER_HEADER */
    USHORT id;
    UCHAR version;
    UCHAR reserved[5];
    ULONGLONG instance;
    ULONG size, next;
};

void enable_flags(struct enabled *enabled, ULONG flags)
{
    for (size_t i = 0; i < ARRAYSIZE(ALIASES); i++)
        if (flags & ALIASES[i].flag) {
            enabled->mask[ALIASES[i].word] |= ALIASES[i].bit;
            flags &= ~ALIASES[i].flag;
        }
    enabled->mask[0] |= flags;
}

static ULONG take_filter(struct enabled *enabled, const EVENT_FILTER_DESCRIPTOR *descriptor)
{
    const struct filter_header *header = (const void *)(ULONG_PTR)descriptor->Ptr;
    if (descriptor->Type != SCHEMATIZED)
        return ERROR_SUCCESS; /* of another kind: it does not concern pool events */
    if (!header || descriptor->Size < sizeof *header || header->size > descriptor->Size || header->id != POOL_FILTER)
        return ERROR_INVALID_PARAMETER;
    ULONG bytes = header->size - (ULONG)sizeof *header;
    if (header->size < sizeof *header || bytes % sizeof(ULONG) || bytes / sizeof(ULONG) > MOST_TAGS)
        return ERROR_INVALID_PARAMETER;
    enabled->tag_count = bytes / sizeof(ULONG);
    CopyMemory(enabled->tags, header + 1, bytes);
    return ERROR_SUCCESS;
}

static ULONG take_filters(struct enabled *enabled, const ENABLE_TRACE_PARAMETERS *parameters)
{
    ULONG status = ERROR_SUCCESS;
    ULONG count = parameters->Version == ENABLE_TRACE_PARAMETERS_VERSION ? parameters->EnableFilterDesc != NULL
                                                                         : parameters->FilterDescCount;
    for (ULONG i = 0; i < count && !status; i++)
        status = take_filter(enabled, &parameters->EnableFilterDesc[i]);
    return status;
}

static void remove_provider(struct enabled *enabled, const GUID *id)
{
    for (ULONG i = 0; i < enabled->provider_count; i++)
        if (IsEqualGUID(&enabled->providers[i].id, id)) {
            enabled->providers[i] = enabled->providers[--enabled->provider_count];
            return;
        }
}

static ULONG add_provider(struct enabled *enabled, const struct provider *provider)
{
    remove_provider(enabled, &provider->id);
    if (enabled->provider_count == MOST_PROVIDERS)
        return ERROR_NO_SYSTEM_RESOURCES;
    enabled->providers[enabled->provider_count++] = *provider;
    return ERROR_SUCCESS;
}

static ULONG enable(struct session *session, const struct provider *provider, ULONG code,
                    const ENABLE_TRACE_PARAMETERS *parameters)
{
    ULONG status = ERROR_SUCCESS;
    session->asked_at = now();
    switch (code) {
    case EVENT_CONTROL_CODE_DISABLE_PROVIDER:
        remove_provider(&session->enabled, &provider->id);
        return ERROR_SUCCESS;
    case EVENT_CONTROL_CODE_ENABLE_PROVIDER:
        if (parameters)
            status = take_filters(&session->enabled, parameters);
        return status ? status : add_provider(&session->enabled, provider);
    case EVENT_CONTROL_CODE_CAPTURE_STATE:
        if (is_system_provider(&provider->id))
            return ERROR_NOT_SUPPORTED;
        counters[CAPTURE_STATES]++;
        return ERROR_SUCCESS;
    default:
        return ERROR_INVALID_PARAMETER;
    }
}

ULONG WMIAPI EnableTraceEx2(TRACEHANDLE handle, LPCGUID id, ULONG code, UCHAR level, ULONGLONG any, ULONGLONG all,
                            ULONG timeout, ENABLE_TRACE_PARAMETERS *parameters)
{
    (void)timeout;
    if (!handle || !id || (parameters && parameters->Version != ENABLE_TRACE_PARAMETERS_VERSION &&
                parameters->Version != ENABLE_TRACE_PARAMETERS_VERSION_2))
        return ERROR_INVALID_PARAMETER;
    ULONG status = refusal("EnableTraceEx2");
    if (!status && IsEqualGUID(id, &MEMORY_PROVIDER))
        status = refusal("EnableTraceEx2 memory");
    if (status)
        return status;
    struct provider provider = {*id, level, any, all, parameters ? parameters->EnableProperty : 0};
    AcquireSRWLockExclusive(&lock);
    struct session *session = session_of(handle);
    status = session ? enable(session, &provider, code, parameters) : ERROR_WMI_INSTANCE_NOT_FOUND;
    ReleaseSRWLockExclusive(&lock);
    return status;
}

static ULONG set_stacks(struct enabled *enabled, const void *data, ULONG length)
{
    if (length % sizeof(CLASSIC_EVENT_ID))
        return ERROR_BAD_LENGTH;
    if (length / sizeof(CLASSIC_EVENT_ID) > MOST_STACK_EVENTS)
        return ERROR_INVALID_PARAMETER;
    CopyMemory(enabled->stacks, data, length);
    enabled->stack_count = length / sizeof(CLASSIC_EVENT_ID);
    return ERROR_SUCCESS;
}

static ULONG set_mask(struct enabled *enabled, const void *data, ULONG length)
{
    if (length != sizeof enabled->mask)
        return ERROR_BAD_LENGTH;
    CopyMemory(enabled->mask, data, length);
    return ERROR_SUCCESS;
}

static ULONG set_information(struct session *session, TRACE_INFO_CLASS which, const void *data, ULONG length)
{
    if (which != TraceStackTracingInfo && which != TraceSystemTraceEnableFlagsInfo)
        return ERROR_NOT_SUPPORTED;
    if (!session->enabled.system_logger)
        return ERROR_INVALID_PARAMETER; /* both are about the kernel's own events */
    session->asked_at = now();
    return which == TraceStackTracingInfo ? set_stacks(&session->enabled, data, length)
                                          : set_mask(&session->enabled, data, length);
}

static BOOL has_class(const void *data, ULONG length, const GUID *class)
{
    const CLASSIC_EVENT_ID *events = data;
    for (ULONG i = 0; i < length / sizeof *events; i++)
        if (IsEqualGUID(&events[i].EventGuid, class))
            return TRUE;
    return FALSE;
}

static ULONG refuse_stacks(const void *data, ULONG length) /* a list is refused as a whole for one event in it */
{
    ULONG status = refusal("TraceSetInformation stacks");
    if (!status && has_class(data, length, &POOL))
        status = refusal("TraceSetInformation stacks pool");
    if (!status && has_class(data, length, &DISK_IO))
        status = refusal("TraceSetInformation stacks completion");
    return status;
}

/* NtSetSystemInformation's half that concerns sessions; the stand-in for ntdll calls it. A status of Windows. */
__declspec(dllexport) ULONG standin_stack_hooks(TRACEHANDLE handle, const ULONG *hooks, ULONG count)
{
    ULONG status = count > MOST_STACK_EVENTS ? ERROR_INVALID_PARAMETER : refusal("NtSetSystemInformation");
    if (status)
        return status;
    AcquireSRWLockExclusive(&lock);
    struct session *session = session_of(handle);
    if (session && session->enabled.system_logger) {
        session->enabled.hook_count = count;
        CopyMemory(session->enabled.hooks, hooks, count * sizeof *hooks);
    } else {
        status = ERROR_INVALID_PARAMETER;
    }
    ReleaseSRWLockExclusive(&lock);
    return status;
}

ULONG WMIAPI TraceSetInformation(TRACEHANDLE handle, TRACE_INFO_CLASS which, PVOID data, ULONG length)
{
    BOOL ends_stacks = which == TraceStackTracingInfo && !length;
    if (!ends_stacks && (!data || !length))
        return ERROR_INVALID_PARAMETER;
    ULONG status = which == TraceStackTracingInfo ? refuse_stacks(data, length) : refusal("TraceSetInformation");
    if (status)
        return status;
    AcquireSRWLockExclusive(&lock);
    struct session *session = session_of(handle);
    status = session ? set_information(session, which, data, length) : ERROR_WMI_INSTANCE_NOT_FOUND;
    ReleaseSRWLockExclusive(&lock);
    return status;
}
