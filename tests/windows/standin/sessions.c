/* Controllers: StartTraceW, ControlTraceW, QueryAllTracesW. */
#include "standin.h"

SRWLOCK lock = SRWLOCK_INIT;
CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
struct session sessions[MOST_SESSIONS];
const GUID kernel_logger = {0x9e814aad, 0x3204, 0x11d2, {0x9a, 0x82, 0x00, 0x60, 0x08, 0xa8, 0x69, 0x39}};

#define FILE_MODES (EVENT_TRACE_FILE_MODE_SEQUENTIAL | EVENT_TRACE_FILE_MODE_CIRCULAR | EVENT_TRACE_FILE_MODE_NEWFILE)
#define SMALLEST_BUFFER_KB 4
#define SETTLING 1000000 /* ticks of 100 ns */
#define LARGEST_BUFFER_KB 16384

static TRACEHANDLE last_handle = 0x1000;

struct session *session_of(TRACEHANDLE handle)
{
    for (int i = 0; i < MOST_SESSIONS; i++)
        if (sessions[i].running && sessions[i].handle == handle)
            return &sessions[i];
    return NULL;
}

struct session *session_named(const WCHAR *name)
{
    for (int i = 0; i < MOST_SESSIONS; i++)
        if (sessions[i].running && lstrcmpiW(sessions[i].name, name) == 0)
            return &sessions[i];
    return NULL;
}

static BOOL is_reserved(const WCHAR *name)
{
    return lstrcmpiW(name, KERNEL_LOGGER_NAMEW) == 0 || lstrcmpiW(name, L"Circular Kernel Context Logger") == 0;
}

static BOOL is_system_logger(const WCHAR *name, ULONG mode)
{
    return is_reserved(name) || (mode & EVENT_TRACE_SYSTEM_LOGGER_MODE);
}

static struct session *free_place(BOOL private_logger)
{
    struct session *place = NULL;
    int private_loggers = 0;
    for (int i = 0; i < MOST_SESSIONS; i++) {
        if (!sessions[i].running)
            place = place ? place : &sessions[i];
        else
            private_loggers += sessions[i].enabled.system_logger && !is_reserved(sessions[i].name);
    }
    return private_logger && private_loggers >= MOST_PRIVATE_LOGGERS ? NULL : place;
}

static void settle(EVENT_TRACE_PROPERTIES *properties) /* what Windows fills in or bounds */
{
    if (properties->BufferSize == 0)
        properties->BufferSize = 64;
    properties->BufferSize = max(SMALLEST_BUFFER_KB, min(LARGEST_BUFFER_KB, properties->BufferSize));
    properties->MinimumBuffers = max(properties->MinimumBuffers, 2 * max(1, stream.processors));
    properties->MaximumBuffers = max(properties->MaximumBuffers, properties->MinimumBuffers);
    properties->NumberOfBuffers = properties->MinimumBuffers;
    properties->FreeBuffers = properties->MinimumBuffers - 1;
    if (properties->Wnode.ClientContext == 0)
        properties->Wnode.ClientContext = 1; /* the performance counter */
    properties->EventsLost = properties->BuffersWritten = 0;
    properties->LogBuffersLost = properties->RealTimeBuffersLost = 0;
    properties->LoggerThreadId = (HANDLE)(ULONG_PTR)GetCurrentThreadId();
}

static ULONG check_file(const WCHAR *file, ULONG megabytes)
{
    for (int i = 0; i < MOST_SESSIONS; i++)
        if (sessions[i].running && lstrcmpiW(sessions[i].file, file) == 0)
            return ERROR_BAD_PATHNAME;
    ULONG status = check_room(file, megabytes);
    return status ? status : create_file(file);
}

ULONG start_session(const WCHAR *name, const EVENT_TRACE_PROPERTIES *asked, const WCHAR *file, BOOL foreign)
{
    if (session_named(name))
        return ERROR_ALREADY_EXISTS;
    BOOL system_logger = is_system_logger(name, asked->LogFileMode);
    struct session *place = free_place(system_logger && !is_reserved(name));
    if (!place)
        return ERROR_NO_SYSTEM_RESOURCES;
    ULONG status = file[0] ? check_file(file, asked->MaximumFileSize) : ERROR_SUCCESS;
    if (status)
        return status;
    ZeroMemory(place, sizeof *place);
    place->foreign = foreign;
    place->handle = ++last_handle;
    place->asked_at = now();
    place->properties = *asked;
    place->properties.Wnode.HistoricalContext = place->handle;
    place->enabled.system_logger = system_logger;
    lstrcpynW(place->name, name, NAME_LENGTH);
    lstrcpynW(place->file, file, NAME_LENGTH);
    settle(&place->properties);
    if (system_logger)
        enable_flags(&place->enabled, asked->EnableFlags);
    place->running = TRUE;
    counters[STARTED] += !foreign;
    return ERROR_SUCCESS;
}

void end_session(struct session *session)
{
    session->running = FALSE;
    if (session->file[0])
        write_recording(session->file);
    if (session->foreign)
        counters[FOREIGN_STOPPED]++;
    else
        counters[STOPPED]++;
    WakeAllConditionVariable(&changed);
}

/* Whether all has been turned on that will be. A kernel would log as soon as the first is; tests want to see what
 * they play from its beginning, so the stream waits for a session that is being set up, longer where nothing is on. */
BOOL is_settled(const struct session *session)
{
    ULONG wanted = session->enabled.provider_count;
    for (int i = 1; i < MASK_WORDS; i++) /* the first word is what a session is started with */
        wanted |= session->enabled.mask[i];
    return now() - session->asked_at >= (wanted ? SETTLING : 10 * SETTLING);
}

void count_loss(struct session *session, ULONG events, ULONG buffers)
{
    session->properties.EventsLost += events;
    session->properties.RealTimeBuffersLost += buffers;
    counters[LOST] += events;
}

static BOOL text_fits(const EVENT_TRACE_PROPERTIES *properties, ULONG offset, const WCHAR *text)
{
    ULONG bytes = ((ULONG)lstrlenW(text) + 1) * sizeof(WCHAR);
    return offset >= sizeof *properties && offset <= properties->Wnode.BufferSize &&
           bytes <= properties->Wnode.BufferSize - offset;
}

static void put_text(EVENT_TRACE_PROPERTIES *properties, ULONG offset, const WCHAR *text)
{
    lstrcpyW((WCHAR *)((BYTE *)properties + offset), text);
}

static ULONG give_properties(const struct session *session, EVENT_TRACE_PROPERTIES *out)
{
    ULONG size = out->Wnode.BufferSize, name_at = out->LoggerNameOffset, file_at = out->LogFileNameOffset;
    BOOL room = (!name_at || text_fits(out, name_at, session->name)) &&
                (!file_at || text_fits(out, file_at, session->file));
    *out = session->properties;
    out->Wnode.BufferSize = size;
    out->LoggerNameOffset = name_at;
    out->LogFileNameOffset = file_at;
    if (!room)
        return ERROR_MORE_DATA;
    if (name_at)
        put_text(out, name_at, session->name);
    if (file_at)
        put_text(out, file_at, session->file);
    return ERROR_SUCCESS;
}

static ULONG check_start(const WCHAR *name, const EVENT_TRACE_PROPERTIES *asked)
{
    if (asked->Wnode.BufferSize < sizeof *asked)
        return ERROR_BAD_LENGTH;
    if (!(asked->Wnode.Flags & WNODE_FLAG_TRACED_GUID) || lstrlenW(name) >= NAME_LENGTH)
        return ERROR_INVALID_PARAMETER;
    if (asked->LoggerNameOffset && !text_fits(asked, asked->LoggerNameOffset, name))
        return asked->LoggerNameOffset < sizeof *asked ? ERROR_INVALID_PARAMETER : ERROR_BAD_LENGTH;
    if ((asked->LogFileMode & EVENT_TRACE_FILE_MODE_SEQUENTIAL) && (asked->LogFileMode & EVENT_TRACE_FILE_MODE_CIRCULAR))
        return ERROR_INVALID_PARAMETER;
    if (IsEqualGUID(&asked->Wnode.Guid, &kernel_logger) && lstrcmpiW(name, KERNEL_LOGGER_NAMEW) != 0)
        return ERROR_INVALID_PARAMETER;
    if (asked->Wnode.ClientContext > 3)
        return ERROR_INVALID_PARAMETER;
    return ERROR_SUCCESS;
}

static const WCHAR *file_of(const EVENT_TRACE_PROPERTIES *asked)
{
    ULONG at = asked->LogFileNameOffset;
    if (!at)
        return L"";
    return at >= sizeof *asked && at + sizeof(WCHAR) <= asked->Wnode.BufferSize ? (WCHAR *)((BYTE *)asked + at) : NULL;
}

ULONG WMIAPI StartTraceW(TRACEHANDLE *handle, LPCWSTR name, EVENT_TRACE_PROPERTIES *asked)
{
    if (!handle || !name || !name[0] || !asked)
        return ERROR_INVALID_PARAMETER;
    *handle = 0;
    ULONG status = check_start(name, asked);
    const WCHAR *file = file_of(asked);
    if (!status && (!file || ((asked->LogFileMode & FILE_MODES) && !file[0])))
        status = ERROR_INVALID_PARAMETER;
    if (!status && asked->LogFileNameOffset && !file[0])
        status = ERROR_INVALID_PARAMETER; /* a session without a file has no place for its name either */
    if (!status && !file[0] && !(asked->LogFileMode & (EVENT_TRACE_REAL_TIME_MODE | EVENT_TRACE_BUFFERING_MODE)))
        status = asked->LogFileMode ? ERROR_INVALID_PARAMETER : ERROR_BAD_PATHNAME; /* events that go nowhere */
    if (!status)
        status = refusal("StartTraceW");
    if (!status && (asked->LogFileMode & EVENT_TRACE_INDEPENDENT_SESSION_MODE))
        status = refusal("StartTraceW independent");
    if (status)
        return status;
    AcquireSRWLockExclusive(&lock);
    status = start_session(name, asked, file, FALSE);
    struct session *session = status ? NULL : session_named(name);
    if (session) {
        *handle = session->handle;
        give_properties(session, asked);
    }
    ReleaseSRWLockExclusive(&lock);
    return status;
}

static ULONG update(struct session *session, const EVENT_TRACE_PROPERTIES *asked)
{
    if (session->enabled.system_logger)
        enable_flags(&session->enabled, asked->EnableFlags);
    session->properties.EnableFlags = asked->EnableFlags;
    session->properties.FlushTimer = asked->FlushTimer;
    session->properties.MaximumBuffers = max(asked->MaximumBuffers, session->properties.MinimumBuffers);
    return ERROR_SUCCESS;
}

static ULONG control(struct session *session, EVENT_TRACE_PROPERTIES *properties, ULONG code)
{
    switch (code) {
    case EVENT_TRACE_CONTROL_QUERY:
        break;
    case EVENT_TRACE_CONTROL_STOP:
        end_session(session);
        if (session->stopping)
            return ERROR_ACTIVE_CONNECTIONS;
        break;
    case EVENT_TRACE_CONTROL_UPDATE:
        update(session, properties);
        break;
    case EVENT_TRACE_CONTROL_FLUSH:
        counters[FLUSHED]++;
        break;
    default:
        return ERROR_INVALID_PARAMETER;
    }
    return give_properties(session, properties);
}

static const char *const CONTROL_NAMES[] = {"ControlTraceW query", "ControlTraceW stop", "ControlTraceW update",
                                            "ControlTraceW flush"};

ULONG WMIAPI ControlTraceW(TRACEHANDLE handle, LPCWSTR name, EVENT_TRACE_PROPERTIES *properties, ULONG code)
{
    if (!properties || (!handle && !name) || code > EVENT_TRACE_CONTROL_FLUSH)
        return ERROR_INVALID_PARAMETER;
    if (properties->Wnode.BufferSize < sizeof *properties)
        return ERROR_BAD_LENGTH;
    ULONG status = refusal(CONTROL_NAMES[code]);
    if (status)
        return status;
    AcquireSRWLockExclusive(&lock);
    struct session *session = name ? session_named(name) : session_of(handle);
    status = session ? control(session, properties, code) : name ? ERROR_WMI_INSTANCE_NOT_FOUND : ERROR_INVALID_PARAMETER;
    ReleaseSRWLockExclusive(&lock);
    return status;
}

ULONG WMIAPI QueryAllTracesW(EVENT_TRACE_PROPERTIES **out, ULONG room, ULONG *count)
{
    if (!out || !count || room == 0 || room > MOST_SESSIONS)
        return ERROR_INVALID_PARAMETER;
    ULONG status = refusal("QueryAllTracesW");
    if (status)
        return status;
    AcquireSRWLockExclusive(&lock);
    *count = 0;
    for (int i = 0; i < MOST_SESSIONS; i++) {
        if (!sessions[i].running)
            continue;
        if (*count < room && out[*count]->Wnode.BufferSize < sizeof **out)
            status = ERROR_INVALID_PARAMETER;
        else if (*count < room && give_properties(&sessions[i], out[*count]) && !status)
            status = ERROR_MORE_DATA;
        ++*count;
    }
    if (*count > room)
        status = ERROR_MORE_DATA;
    ReleaseSRWLockExclusive(&lock);
    return status;
}
