/* A stand-in for the event tracing half of advapi32.dll, so that live capture can be tested where no Windows kernel is.
 *
 * It keeps the rules that Microsoft documents for controllers and consumers: which structure is checked how, which
 * error says what, who blocks and until when. The events come from a stream (tests/windows/stream.py) instead of a
 * kernel, and only those that a session has enabled. What the real thing does beyond its documents is not in here.
 */
#ifndef STANDIN_H
#define STANDIN_H

#define _WMI_SOURCE_ /* the functions of evntrace.h are defined here, not imported */
#include <windows.h>
#include <wmistr.h>
#include <evntrace.h>
#include <evntcons.h>

#define MOST_SESSIONS 64
#define MOST_PRIVATE_LOGGERS 6 /* eight, less the two reserved ones */
#define MOST_PROVIDERS 32
#define MOST_STACK_EVENTS 256
#define MOST_TAGS 4
#define MASK_WORDS 8
#define NAME_LENGTH 1024

struct provider {
    GUID id;
    UCHAR level;
    ULONGLONG any, all;
    ULONG property;
};

/* What a session has asked for. */
struct enabled {
    BOOL system_logger;
    ULONG mask[MASK_WORDS];
    ULONG provider_count;
    struct provider providers[MOST_PROVIDERS];
    ULONG hook_count; /* of the list by hook ids, which is beside the other */
    ULONG hooks[MOST_STACK_EVENTS];
    ULONG stack_count;
    CLASSIC_EVENT_ID stacks[MOST_STACK_EVENTS];
    ULONG tag_count;
    ULONG tags[MOST_TAGS];
};

struct session {
    BOOL running;
    BOOL foreign;  /* started by the test in another's name */
    BOOL stopping; /* somebody else is at it */
    LONGLONG asked_at; /* when something was last asked for in it, in ticks of 100 ns */
    TRACEHANDLE handle;
    WCHAR name[NAME_LENGTH];
    WCHAR file[NAME_LENGTH];
    EVENT_TRACE_PROPERTIES properties; /* as it runs, not as it was asked for */
    struct enabled enabled;
};

enum setting { /* each is one value of standin_set and standin_get; the names stand in control.c */
    SPEED,            /* percent of the stream's own pace; 0: as fast as the consumer takes it */
    LOOP,             /* 1: begin again at the end, with later times */
    REBASE,           /* 1: times are moved so that the first is the moment of the first ProcessTrace */
    SYSTEM_PROVIDERS, /* 1: a build that has the system providers */
    BY_CPU,           /* 1: buffers arrive CPU by CPU, so that times go back between them */
    LOSE_AFTER,       /* that many records delivered in all, LOSE_COUNT are lost with their buffer */
    LOSE_COUNT,
    TAKE_AWAY_AFTER,  /* that many records delivered in all, the session is stopped from outside */
    FREE_MEGABYTES,   /* of every disk, 0: what the disk says */
    SETTINGS
};

enum counter {
    STARTED,
    STOPPED,
    FOREIGN_STOPPED,
    DELIVERED,
    LOST,
    EXHAUSTED, /* consumers that have been given the whole stream */
    CAPTURE_STATES,
    FLUSHED,
    DELIVERY_TICKS, /* time spent in delivering, callbacks included, in ticks of 100 ns */
    COUNTERS
};

extern SRWLOCK lock;
extern CONDITION_VARIABLE changed; /* woken when a session or a handle ends */
extern struct session sessions[MOST_SESSIONS];
extern ULONGLONG settings[SETTINGS];
extern volatile LONGLONG counters[COUNTERS];
extern const GUID kernel_logger;

/* control.c: the status that a test wants of this call of a function, or ERROR_SUCCESS. */
ULONG refusal(const char *function);

/* sessions.c; all with the lock held. */
struct session *session_of(TRACEHANDLE handle);
struct session *session_named(const WCHAR *name);
ULONG start_session(const WCHAR *name, const EVENT_TRACE_PROPERTIES *asked, const WCHAR *file, BOOL foreign);
void end_session(struct session *session);
BOOL is_settled(const struct session *session);
void count_loss(struct session *session, ULONG events, ULONG buffers);

/* recording.c: the file of a session that writes one. */
ULONG check_room(const WCHAR *path, ULONG megabytes);
ULONG create_file(const WCHAR *path);
void write_recording(const WCHAR *path);
ULONG set_recording(const WCHAR *path);

/* enabling.c */
void enable_flags(struct enabled *enabled, ULONG flags);

/* stream.c: what a kernel would have logged. */
struct stream_record {
    ULONG size; /* with everything that follows, a multiple of 8 */
    USHORT cpu;
    USHORT data_length;
    USHORT item_count;
    UCHAR is_stack; /* a StackWalk event: of the event that the next three fields say */
    UCHAR trigger_opcode;
    ULONG trigger_tag; /* of a pool event, 0 of another */
    GUID trigger;
    EVENT_HEADER header; /* its time in ticks of 100 ns */
    /* item_count times {USHORT type, USHORT length, ULONG 0, data padded to 8}, then the payload padded to 8 */
};

struct entry {
    const struct stream_record *record;
    USHORT pair;    /* which provider and opcode */
    USHORT trigger; /* the same of the event whose stack this is */
};

struct stream {
    const struct entry *entries;
    ULONG count;
    LONGLONG first, span; /* ticks; span: from the first record to the next round's first */
    ULONGLONG bytes;      /* about what all of it takes in a session's buffers */
    ULONG processors, build;
    LONGLONG start_time, boot_time; /* FILETIMEs */
};

#define MOST_PAIRS 2048

extern struct stream stream;
ULONG load_stream(const WCHAR *path);
void unload_stream(void);

/* selection.c: which pairs a session gets. */
BOOL is_system_provider(const GUID *id);
struct selection {
    struct enabled enabled;
    BOOL event[MOST_PAIRS], stack[MOST_PAIRS];
};
void select_events(struct selection *selection, const struct enabled *enabled);
BOOL is_wanted(const struct selection *selection, const struct entry *entry);
ULONG wanted_properties(const struct selection *selection, const GUID *provider);
void pair_of(ULONG pair, GUID *provider, UCHAR *opcode);
ULONG pair_count(void);

/* delivery.c: one record into the consumer's callback. */
struct delivery {
    PEVENT_RECORD_CALLBACK callback;
    PVOID context;
    BOOL raw_times;
    USHORT logger;
    LONGLONG shift;    /* to be added to the stream's times */
    LONGLONG filetime; /* to be added to a shifted time to get a FILETIME */
    ULONGLONG scratch[(1 << 17) / 8];
};
void deliver(struct delivery *delivery, const struct selection *selection, const struct entry *entry, LONGLONG round);
void deliver_loss(struct delivery *delivery, LONGLONG time, UCHAR opcode);

/* playing.c: the stream as it goes by. */
struct position { /* of one run of ProcessTrace */
    ULONG next;
    LONGLONG round;
    BOOL exhausted;
    LONGLONG lost_at; /* a loss that the consumer is still to be told of, 0 if none */
};
LONGLONG now(void);          /* the performance counter in ticks of 100 ns */
LONGLONG filetime_now(void);
void begin_times(struct delivery *delivery);
void forget_times(void);
BOOL reached(enum setting setting);
void wind(struct position *position);
void lose(struct session *session, const struct selection *selection, struct position *position);
ULONG batch_end(const struct position *position);
ULONG deliver_batch(struct delivery *delivery, const struct selection *selection, const struct position *position,
                    ULONG end);
void tell_loss(struct delivery *delivery, struct position *position);

/* consumer.c; all with the lock held. */
ULONG open_handles(void);
void end_consumers(void); /* those in ProcessTrace come back from it */

#endif
