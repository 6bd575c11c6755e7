/* The test's own side of the stand-in: what is played, what is refused, what has happened. */
#include "standin.h"

#define EXPORT __declspec(dllexport)
#define MOST_REFUSALS 16
#define PATIENCE 5000 /* ms */

ULONGLONG settings[SETTINGS] = {[REBASE] = 1, [SYSTEM_PROVIDERS] = 1};
volatile LONGLONG counters[COUNTERS];

static const char *const SETTING_NAMES[SETTINGS] = {
    [SPEED] = "speed",           [LOOP] = "loop",
    [REBASE] = "rebase",         [SYSTEM_PROVIDERS] = "system providers",
    [BY_CPU] = "by cpu",         [LOSE_AFTER] = "lose after",
    [LOSE_COUNT] = "lose count", [TAKE_AWAY_AFTER] = "take away after",
    [FREE_MEGABYTES] = "free megabytes",
};

static const char *const COUNTER_NAMES[COUNTERS] = {
    [STARTED] = "started",
    [STOPPED] = "stopped",
    [FOREIGN_STOPPED] = "foreign stopped",
    [DELIVERED] = "delivered",
    [LOST] = "lost",
    [EXHAUSTED] = "exhausted",
    [CAPTURE_STATES] = "capture states",
    [FLUSHED] = "flushed",
    [DELIVERY_TICKS] = "delivery ticks",
};

static struct {
    char function[48];
    ULONG status, skip, times;
} refusals[MOST_REFUSALS];

ULONG refusal(const char *function)
{
    ULONG status = ERROR_SUCCESS;
    AcquireSRWLockExclusive(&lock);
    for (int i = 0; i < MOST_REFUSALS && !status; i++) {
        if (!refusals[i].times || lstrcmpA(refusals[i].function, function) != 0)
            continue;
        if (refusals[i].skip) {
            refusals[i].skip--;
            continue;
        }
        refusals[i].times--;
        status = refusals[i].status;
    }
    ReleaseSRWLockExclusive(&lock);
    return status;
}

static int named(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (lstrcmpA(names[i], name) == 0)
            return i;
    return -1;
}

static ULONG running(BOOL foreign)
{
    ULONG count = 0;
    for (int i = 0; i < MOST_SESSIONS; i++)
        count += sessions[i].running && sessions[i].foreign == foreign;
    return count;
}

/* Every session ends; what waits in ProcessTrace comes back. */
EXPORT void standin_reset(void)
{
    AcquireSRWLockExclusive(&lock);
    for (int i = 0; i < MOST_SESSIONS; i++)
        sessions[i].running = FALSE;
    ZeroMemory(refusals, sizeof refusals);
    ZeroMemory(settings, sizeof settings);
    settings[REBASE] = settings[SYSTEM_PROVIDERS] = 1;
    ZeroMemory((void *)counters, sizeof counters);
    set_recording(L"");
    end_consumers();
    forget_times();
    WakeAllConditionVariable(&changed);
    ReleaseSRWLockExclusive(&lock);
}

/* What the kernel logs from now on. Waits for consumers that are coming back; not while one has a handle. */
EXPORT ULONG standin_play(const WCHAR *path)
{
    AcquireSRWLockExclusive(&lock);
    while (open_handles() && SleepConditionVariableSRW(&changed, &lock, PATIENCE, 0))
        ;
    ULONG status = open_handles() ? ERROR_BUSY : load_stream(path);
    forget_times();
    ReleaseSRWLockExclusive(&lock);
    return status;
}

/* What a session's file holds when it is stopped: a copy of this one. */
EXPORT ULONG standin_record(const WCHAR *path)
{
    return set_recording(path);
}

EXPORT ULONG standin_set(const char *name, ULONGLONG value)
{
    int setting = named(SETTING_NAMES, SETTINGS, name);
    if (setting < 0)
        return ERROR_INVALID_PARAMETER;
    AcquireSRWLockExclusive(&lock);
    settings[setting] = value;
    WakeAllConditionVariable(&changed);
    ReleaseSRWLockExclusive(&lock);
    return ERROR_SUCCESS;
}

/* A counter by name, "ours" or "foreign" (sessions that run), "open" (consumers' handles); all ones for another name. */
EXPORT ULONGLONG standin_get(const char *name)
{
    int counter = named(COUNTER_NAMES, COUNTERS, name);
    ULONGLONG value = ~0ull;
    AcquireSRWLockShared(&lock);
    if (counter >= 0)
        value = (ULONGLONG)counters[counter];
    else if (lstrcmpA(name, "ours") == 0)
        value = running(FALSE);
    else if (lstrcmpA(name, "foreign") == 0)
        value = running(TRUE);
    else if (lstrcmpA(name, "open") == 0)
        value = open_handles();
    ReleaseSRWLockShared(&lock);
    return value;
}

/* From its call number `skip` on, `times` calls of the function give the status and do nothing. */
EXPORT ULONG standin_refuse(const char *function, ULONG status, ULONG skip, ULONG times)
{
    ULONG result = ERROR_NO_SYSTEM_RESOURCES;
    AcquireSRWLockExclusive(&lock);
    for (int i = 0; i < MOST_REFUSALS && result; i++) {
        if (refusals[i].times)
            continue;
        lstrcpynA(refusals[i].function, function, sizeof refusals[i].function);
        refusals[i].status = status;
        refusals[i].skip = skip;
        refusals[i].times = times;
        result = ERROR_SUCCESS;
    }
    ReleaseSRWLockExclusive(&lock);
    return result;
}

/* A session of somebody else. */
EXPORT ULONG standin_foreign(const WCHAR *name, ULONG mode)
{
    EVENT_TRACE_PROPERTIES properties;
    ZeroMemory(&properties, sizeof properties);
    properties.Wnode.Flags = WNODE_FLAG_TRACED_GUID;
    properties.LogFileMode = mode;
    AcquireSRWLockExclusive(&lock);
    ULONG status = start_session(name, &properties, L"", TRUE);
    ReleaseSRWLockExclusive(&lock);
    return status;
}

/* Somebody else has begun to stop a session, and whoever stops it now is told so. */
EXPORT ULONG standin_stopping(const WCHAR *name)
{
    AcquireSRWLockExclusive(&lock);
    struct session *session = session_named(name);
    if (session)
        session->stopping = TRUE;
    ReleaseSRWLockExclusive(&lock);
    return session ? ERROR_SUCCESS : ERROR_WMI_INSTANCE_NOT_FOUND;
}

/* Somebody else stops a session; it does not count as stopped by us. */
EXPORT ULONG standin_stop(const WCHAR *name)
{
    AcquireSRWLockExclusive(&lock);
    struct session *session = session_named(name);
    if (session) {
        end_session(session);
        if (session->foreign)
            counters[FOREIGN_STOPPED]--;
        else
            counters[STOPPED]--;
    }
    ReleaseSRWLockExclusive(&lock);
    return session ? ERROR_SUCCESS : ERROR_WMI_INSTANCE_NOT_FOUND;
}
