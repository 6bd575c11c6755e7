/* Consumers: OpenTraceW, ProcessTrace, CloseTrace. */
#include "standin.h"

#define MOST_CONSUMERS 64

struct consumer {
    BOOL open, processing, closing;
    TRACEHANDLE handle;
    WCHAR logger[NAME_LENGTH];
    EVENT_TRACE_LOGFILEW logfile;
};

static struct consumer consumers[MOST_CONSUMERS];
static TRACEHANDLE last_handle = 0x5000;

static struct consumer *consumer_of(TRACEHANDLE handle)
{
    for (int i = 0; i < MOST_CONSUMERS; i++)
        if (consumers[i].open && consumers[i].handle == handle)
            return &consumers[i];
    return NULL;
}

ULONG open_handles(void)
{
    ULONG count = 0;
    for (int i = 0; i < MOST_CONSUMERS; i++)
        count += consumers[i].open;
    return count;
}

void end_consumers(void)
{
    for (int i = 0; i < MOST_CONSUMERS; i++)
        if (consumers[i].processing)
            consumers[i].closing = TRUE;
        else
            consumers[i].open = FALSE;
}

static void describe(EVENT_TRACE_LOGFILEW *logfile)
{
    const struct session *session = session_named(logfile->LoggerName);
    TRACE_LOGFILE_HEADER *header = &logfile->LogfileHeader;
    ZeroMemory(header, sizeof *header);
    header->NumberOfProcessors = max(1, stream.processors);
    header->ProviderVersion = stream.build;
    header->PointerSize = sizeof(PVOID);
    header->CpuSpeedInMHz = 3000;
    header->TimerResolution = 156250;
    header->PerfFreq.QuadPart = 10000000;
    header->StartTime.QuadPart = settings[REBASE] ? filetime_now() : stream.start_time;
    header->BootTime.QuadPart = stream.boot_time;
    header->ReservedFlags = session ? session->properties.Wnode.ClientContext : 1;
    header->BufferSize = logfile->BufferSize = session ? session->properties.BufferSize << 10 : 0;
    header->LogFileMode = session ? session->properties.LogFileMode : 0;
}

static TRACEHANDLE refuse(ULONG status)
{
    SetLastError(status);
    return INVALID_PROCESSTRACE_HANDLE;
}

TRACEHANDLE WMIAPI OpenTraceW(EVENT_TRACE_LOGFILEW *logfile)
{
    const ULONG mode = PROCESS_TRACE_MODE_REAL_TIME | PROCESS_TRACE_MODE_EVENT_RECORD;
    if (!logfile || !logfile->LoggerName || logfile->LogFileName || (logfile->ProcessTraceMode & mode) != mode ||
        !logfile->EventRecordCallback)
        return refuse(ERROR_INVALID_PARAMETER);
    ULONG status = refusal("OpenTraceW");
    if (status)
        return refuse(status);
    TRACEHANDLE handle = INVALID_PROCESSTRACE_HANDLE;
    AcquireSRWLockExclusive(&lock);
    for (int i = 0; i < MOST_CONSUMERS && handle == INVALID_PROCESSTRACE_HANDLE; i++) {
        if (consumers[i].open)
            continue;
        describe(logfile);
        handle = ++last_handle;
        consumers[i] = (struct consumer){.open = TRUE, .handle = handle, .logfile = *logfile};
        lstrcpynW(consumers[i].logger, logfile->LoggerName, NAME_LENGTH);
    }
    ReleaseSRWLockExclusive(&lock);
    return handle == INVALID_PROCESSTRACE_HANDLE ? refuse(ERROR_NO_SYSTEM_RESOURCES) : handle;
}

ULONG WMIAPI CloseTrace(TRACEHANDLE handle)
{
    ULONG status = refusal("CloseTrace");
    if (status)
        return status;
    AcquireSRWLockExclusive(&lock);
    struct consumer *consumer = consumer_of(handle);
    if (!consumer || consumer->closing) {
        status = ERROR_INVALID_HANDLE;
    } else if (consumer->processing) {
        consumer->closing = TRUE;
        status = ERROR_CTX_CLOSE_PENDING;
        WakeAllConditionVariable(&changed);
    } else {
        consumer->open = FALSE;
    }
    ReleaseSRWLockExclusive(&lock);
    return status;
}

static BOOL go_on(struct consumer *consumer, ULONG delivered) /* the consumer's say after each buffer */
{
    EVENT_TRACE_LOGFILEW *logfile = &consumer->logfile;
    logfile->BuffersRead++;
    logfile->Filled = delivered;
    return !logfile->BufferCallback || logfile->BufferCallback(logfile);
}

/* With the lock held exclusively: what the session and the test want next. */
static BOOL prepare(struct consumer *consumer, struct delivery *delivery, struct selection *selection,
                    struct position *position)
{
    struct session *session = session_named(consumer->logger);
    if (session && reached(TAKE_AWAY_AFTER)) {
        settings[TAKE_AWAY_AFTER] = 0;
        end_session(session);
        session = NULL;
    }
    if (!session || consumer->closing)
        return FALSE;
    delivery->logger = (USHORT)session->handle;
    if (memcmp(&selection->enabled, &session->enabled, sizeof session->enabled) != 0)
        select_events(selection, &session->enabled);
    wind(position);
    lose(session, selection, position);
    return TRUE;
}

static ULONG run(struct consumer *consumer, struct delivery *delivery, struct selection *selection)
{
    struct position position = {0};
    ULONG status = ERROR_SUCCESS;
    AcquireSRWLockExclusive(&lock);
    while (!status && prepare(consumer, delivery, selection, &position)) {
        const struct session *session = session_named(consumer->logger);
        ULONG end = is_settled(session) ? batch_end(&position) : position.next;
        if (end == position.next) {
            SleepConditionVariableSRW(&changed, &lock, position.exhausted ? 20 : 1, 0);
            continue;
        }
        ReleaseSRWLockExclusive(&lock);
        LONGLONG began = now();
        tell_loss(delivery, &position);
        ULONG delivered = deliver_batch(delivery, selection, &position, end);
        if (!go_on(consumer, delivered))
            status = ERROR_CANCELLED;
        LONGLONG took = now() - began;
        AcquireSRWLockExclusive(&lock);
        position.next = end;
        counters[DELIVERED] += delivered;
        counters[DELIVERY_TICKS] += took;
    }
    consumer->processing = FALSE;
    if (consumer->closing)
        consumer->open = FALSE;
    WakeAllConditionVariable(&changed);
    ReleaseSRWLockExclusive(&lock);
    return status;
}

static ULONG begin(TRACEHANDLE handle, struct consumer **consumer)
{
    *consumer = consumer_of(handle);
    if (!*consumer || (*consumer)->closing || (*consumer)->processing)
        return ERROR_INVALID_HANDLE;
    const struct session *session = session_named((*consumer)->logger);
    if (!session || !(session->properties.LogFileMode & EVENT_TRACE_REAL_TIME_MODE))
        return ERROR_WMI_INSTANCE_NOT_FOUND;
    (*consumer)->processing = TRUE;
    return ERROR_SUCCESS;
}

ULONG WMIAPI ProcessTrace(TRACEHANDLE *handles, ULONG count, FILETIME *start, FILETIME *end)
{
    (void)start, (void)end;
    if (!handles)
        return ERROR_INVALID_PARAMETER;
    if (count != 1) /* of sessions in real time, which are all that there is here, no more than one */
        return count > 1 && count <= 64 ? ERROR_WMI_ALREADY_ENABLED : ERROR_BAD_LENGTH;
    ULONG status = refusal("ProcessTrace");
    if (status)
        return status;
    struct delivery *delivery = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *delivery);
    struct selection *selection = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *selection);
    if (!delivery || !selection)
        return ERROR_OUTOFMEMORY;
    struct consumer *consumer;
    AcquireSRWLockExclusive(&lock);
    status = begin(*handles, &consumer);
    if (!status) {
        begin_times(delivery);
        delivery->callback = consumer->logfile.EventRecordCallback;
        delivery->context = consumer->logfile.Context;
        delivery->raw_times = (consumer->logfile.ProcessTraceMode & PROCESS_TRACE_MODE_RAW_TIMESTAMP) != 0;
    }
    ReleaseSRWLockExclusive(&lock);
    if (!status)
        status = run(consumer, delivery, selection);
    HeapFree(GetProcessHeap(), 0, delivery);
    HeapFree(GetProcessHeap(), 0, selection);
    return status;
}
