/* A stand-in for ntdll: NtQuerySystemInformation with answers that a test has laid ready, by the rules of the real
 * call, and NtSetSystemInformation as far as sessions ask it.
 *
 * Sizes are checked as the kernel does: too small a buffer gets STATUS_INFO_LENGTH_MISMATCH and how much it would take.
 */
#include <stddef.h>
#include <windows.h>

#define EXPORT __declspec(dllexport)
#define STATUS_OK 0x00000000u
#define STATUS_UNKNOWN_CLASS 0xC0000003u
#define STATUS_TOO_SHORT 0xC0000004u
#define STATUS_NO_ACCESS 0xC0000005u
#define STATUS_REFUSED 0xC000000Du /* STATUS_INVALID_PARAMETER */
#define PERFORMANCE_TRACE 31
#define STACK_TRACING 6
#define MOST_ANSWERS 8

static struct {
    BOOL known;
    ULONG kind, status, length;
    void *data;
} answers[MOST_ANSWERS];
static SRWLOCK lock = SRWLOCK_INIT;

static int place_of(ULONG kind, BOOL make)
{
    for (int i = 0; i < MOST_ANSWERS; i++)
        if (answers[i].known && answers[i].kind == kind)
            return i;
    for (int i = 0; make && i < MOST_ANSWERS; i++)
        if (!answers[i].known)
            return i;
    return -1;
}

/* From now on, this class of information is `length` bytes at `data` (copied), or where `status` is not 0, refused. */
EXPORT ULONG counters_answer(ULONG kind, ULONG status, const void *data, ULONG length)
{
    void *copy = HeapAlloc(GetProcessHeap(), 0, length + 1);
    if (!copy)
        return ERROR_OUTOFMEMORY;
    CopyMemory(copy, data, length);
    AcquireSRWLockExclusive(&lock);
    int place = place_of(kind, TRUE);
    if (place >= 0) {
        void *old = answers[place].data;
        answers[place].known = TRUE;
        answers[place].kind = kind;
        answers[place].status = status;
        answers[place].length = length;
        answers[place].data = copy;
        copy = old;
    }
    ReleaseSRWLockExclusive(&lock);
    if (copy)
        HeapFree(GetProcessHeap(), 0, copy);
    return place < 0 ? ERROR_NO_SYSTEM_RESOURCES : ERROR_SUCCESS;
}

static ULONG answer(int place, void *out, ULONG room)
{
    if (answers[place].status)
        return answers[place].status;
    if (room < answers[place].length)
        return STATUS_TOO_SHORT;
    if (!out)
        return STATUS_NO_ACCESS;
    CopyMemory(out, answers[place].data, answers[place].length);
    return STATUS_OK;
}

EXPORT ULONG WINAPI NtQuerySystemInformation(ULONG kind, void *out, ULONG room, ULONG *needed)
{
    ULONG status = STATUS_UNKNOWN_CLASS;
    AcquireSRWLockShared(&lock);
    int place = place_of(kind, FALSE);
    if (place >= 0)
        status = answer(place, out, room);
    if (needed)
        *needed = place >= 0 ? answers[place].length : 0;
    ReleaseSRWLockShared(&lock);
    return status;
}

struct stack_tracing { /* EVENT_TRACE_STACK_TRACING_INFORMATION of System Informer's ntwmi.h */
    ULONG information;
    ULONGLONG session;
    ULONG hooks[1];
};

typedef ULONG (*set_hooks)(ULONGLONG session, const ULONG *hooks, ULONG count);

/* Hook ids of events whose stacks are wanted: the stand-in for advapi32 has the sessions. */
EXPORT ULONG WINAPI NtSetSystemInformation(ULONG kind, const void *data, ULONG length)
{
    const struct stack_tracing *asked = data;
    const ULONG head = offsetof(struct stack_tracing, hooks);
    HMODULE other = GetModuleHandleW(L"advapi32-standin.dll");
    set_hooks set = other ? (set_hooks)(void *)GetProcAddress(other, "standin_stack_hooks") : NULL;
    if (kind != PERFORMANCE_TRACE || !set || length < head || asked->information != STACK_TRACING)
        return STATUS_UNKNOWN_CLASS;
    if ((length - head) % sizeof(ULONG))
        return STATUS_TOO_SHORT;
    return set(asked->session, asked->hooks, (length - head) / sizeof(ULONG)) ? STATUS_REFUSED : STATUS_OK;
}
