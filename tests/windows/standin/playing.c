/* The stream as it goes by: what is due, what is lost on the way, the next records into the callback. */
#include "standin.h"

#define BATCH 256
#define LOST_BUFFER 33 /* RT_LostEvent's opcode for a buffer */

static LONGLONG epoch; /* when the first ProcessTrace began, 0: none did */

LONGLONG now(void) /* the performance counter in ticks of 100 ns */
{
    LARGE_INTEGER counter, frequency;
    QueryPerformanceCounter(&counter);
    QueryPerformanceFrequency(&frequency);
    return (LONGLONG)((double)counter.QuadPart * 1e7 / (double)frequency.QuadPart);
}

LONGLONG filetime_now(void)
{
    ULARGE_INTEGER value;
    FILETIME time;
    GetSystemTimePreciseAsFileTime(&time);
    value.LowPart = time.dwLowDateTime;
    value.HighPart = time.dwHighDateTime;
    return (LONGLONG)value.QuadPart;
}

void begin_times(struct delivery *delivery)
{
    if (!epoch)
        epoch = now();
    delivery->shift = settings[REBASE] ? epoch - stream.first : 0;
    delivery->filetime = settings[REBASE] ? filetime_now() - now() : stream.start_time - stream.first;
}

void forget_times(void)
{
    epoch = 0;
}

BOOL reached(enum setting setting)
{
    return settings[setting] && (ULONGLONG)counters[DELIVERED] >= settings[setting];
}

static LONGLONG time_of(const struct position *position, ULONG index) /* since the epoch, at the stream's own pace */
{
    return stream.entries[index].record->header.TimeStamp.QuadPart - stream.first + position->round * stream.span;
}

void wind(struct position *position)
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

void lose(struct session *session, const struct selection *selection, struct position *position)
{
    if (reached(LOSE_AFTER) && !position->exhausted && settings[LOSE_COUNT])
        lose_as_told(session, selection, position);
    if (settings[SPEED] && !position->exhausted)
        lose_what_overflows(session, selection, position);
}

static BOOL is_due(const struct position *position, ULONG index)
{
    if (!settings[SPEED])
        return TRUE;
    return time_of(position, index) * 100 / (LONGLONG)settings[SPEED] <= now() - epoch;
}

ULONG batch_end(const struct position *position)
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

ULONG deliver_batch(struct delivery *delivery, const struct selection *selection,
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

void tell_loss(struct delivery *delivery, struct position *position)
{
    if (position->lost_at)
        deliver_loss(delivery, stream.first + position->lost_at + delivery->shift, LOST_BUFFER);
    position->lost_at = 0;
}
