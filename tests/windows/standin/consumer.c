/* Consumers: OpenTraceW, ProcessTrace, CloseTrace. */
#include "standin.h"

#define MOST_CONSUMERS 64
#define BATCH 256
#define LOST_BUFFER 33 /* RT_LostEvent's opcode for a buffer */

struct consumer {
    BOOL open, processing, closing;
    TRACEHANDLE handle;
    WCHAR logger[NAME_LENGTH];
    EVENT_TRACE_LOGFILEW logfile;
};

struct position { /* of one run of ProcessTrace in the stream */
    ULONG next;
    LONGLONG round;
    BOOL exhausted;
    LONGLONG lost_at; /* a loss that the consumer is still to be told of, 0 if none */
};

static struct consumer consumers[MOST_CONSUMERS];
static TRACEHANDLE last_handle = 0x5000;
static LONGLONG epoch; /* when the first ProcessTrace began */

static LONGLONG now(void) /* the performance counter in ticks of 100 ns */
{
    LARGE_INTEGER counter, frequency;
    QueryPerformanceCounter(&counter);
    QueryPerformanceFrequency(&frequency);
    return (LONGLONG)((double)counter.QuadPart * 1e7 / (double)frequency.QuadPart);
}

static LONGLONG filetime_now(void)
{
    ULARGE_INTEGER value;
    FILETIME time;
    GetSystemTimePreciseAsFileTime(&time);
    value.LowPart = time.dwLowDateTime;
    value.HighPart = time.dwHighDateTime;
    return (LONGLONG)value.QuadPart;
}

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

void forget_consumers(void)
{
    ZeroMemory(consumers, sizeof consumers);
    epoch = 0;
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

static LONGLONG time_of(const struct position *position, ULONG index) /* since the epoch, at the stream's own pace */
{
    return stream.entries[index].record->header.TimeStamp.QuadPart - stream.first + position->round * stream.span;
}

static void wind(struct position *position)
{
    if (position->next < stream.count || position->exhausted)
        return;
    if (settings[LOOP] && stream.count) {
        position->next = 0;
        position->round++;
    } else {
        position->exhausted = TRUE;
        counters[EXHAUSTED]++;
    }
}

static void skip(struct position *position, const struct selection *selection, ULONG *lost)
{
    *lost += is_wanted(selection, &stream.entries[position->next++]);
    wind(position);
}

static void lose_as_told(struct session *session, const struct selection *selection, struct position *position)
{
    ULONG lost = 0;
    position->lost_at = time_of(position, position->next);
    while (settings[LOSE_COUNT] && !position->exhausted) {
        skip(position, selection, &lost);
        settings[LOSE_COUNT]--;
    }
    count_loss(session, lost, 1);
}

/* A consumer that is too slow: what does not fit into the session's buffers is lost. */
static void lose_what_overflows(struct session *session, const struct selection *selection, struct position *position)
{
    double per_tick = (double)stream.bytes / (double)stream.span;
    double capacity = (double)session->properties.MaximumBuffers * session->properties.BufferSize * 1024;
    LONGLONG due = (now() - epoch) * (LONGLONG)settings[SPEED] / 100;
    LONGLONG began = time_of(position, position->next), from = began;
    ULONG lost = 0;
    if ((double)(due - began) * per_tick <= capacity)
        return;
    while (!position->exhausted && (double)(due - from) * per_tick > capacity / 2) {
        skip(position, selection, &lost);
        if (!position->exhausted)
            from = time_of(position, position->next);
    }
    double buffers = (double)(from - began) * per_tick / (session->properties.BufferSize * 1024.0);
    count_loss(session, lost, (ULONG)buffers + 1);
    position->lost_at = began;
}

static BOOL is_due(const struct position *position, ULONG index)
{
    if (!settings[SPEED])
        return TRUE;
    return time_of(position, index) * 100 / (LONGLONG)settings[SPEED] <= now() - epoch;
}

static ULONG batch_end(const struct position *position)
{
    ULONG end = min(stream.count, position->next + BATCH);
    if (position->next < end && settings[SPEED])
        while (end > position->next && !is_due(position, end - 1))
            end = position->next + (end - position->next) / 2;
    return end;
}

static BOOL deliver_one(struct delivery *delivery, const struct selection *selection, const struct position *position,
                        ULONG index)
{
    const struct entry *entry = &stream.entries[index];
    if (!is_wanted(selection, entry))
        return FALSE;
    deliver(delivery, selection, entry, position->round);
    return TRUE;
}

static ULONG deliver_batch(struct delivery *delivery, const struct selection *selection,
                           const struct position *position, ULONG end)
{
    ULONG delivered = 0;
    ULONG processors = settings[BY_CPU] ? max(1, stream.processors) : 1;
    for (ULONG cpu = 0; cpu < processors; cpu++)
        for (ULONG i = position->next; i < end; i++)
            if (processors == 1 || stream.entries[i].record->cpu == cpu)
                delivered += deliver_one(delivery, selection, position, i);
    return delivered;
}

static BOOL reached(enum setting setting)
{
    return settings[setting] && (ULONGLONG)counters[DELIVERED] >= settings[setting];
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
    if (reached(LOSE_AFTER) && !position->exhausted && settings[LOSE_COUNT])
        lose_as_told(session, selection, position);
    if (settings[SPEED] && !position->exhausted)
        lose_what_overflows(session, selection, position);
    return TRUE;
}

static void tell_loss(struct delivery *delivery, struct position *position)
{
    if (position->lost_at)
        deliver_loss(delivery, stream.first + position->lost_at + delivery->shift, LOST_BUFFER);
    position->lost_at = 0;
}

static ULONG run(struct consumer *consumer, struct delivery *delivery, struct selection *selection)
{
    struct position position = {0};
    ULONG status = ERROR_SUCCESS;
    AcquireSRWLockExclusive(&lock);
    while (!status && prepare(consumer, delivery, selection, &position)) {
        ULONG end = batch_end(&position);
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
    ReleaseSRWLockExclusive(&lock);
    return status;
}

static void set_times(struct delivery *delivery)
{
    if (!epoch)
        epoch = now();
    delivery->shift = settings[REBASE] ? epoch - stream.first : 0;
    delivery->filetime = settings[REBASE] ? filetime_now() - now() : stream.start_time - stream.first;
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
    if (!handles || count != 1) /* one real-time session at a time, as Microsoft says */
        return ERROR_INVALID_PARAMETER;
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
        set_times(delivery);
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
