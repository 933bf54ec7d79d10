/* intercom_room.h - one stream of Intercom, read from answers that a test wrote down.
 *
 * Waits are skipped and counted: no test takes the time that a scroll takes to lapse. One thread.
 */
#ifndef CASELOAD_TESTS_INTERCOM_ROOM_H
#define CASELOAD_TESTS_INTERCOM_ROOM_H

#include "base/buf.h"
#include "core/source.h"
#include "intercom_link.h"
#include "server_script.h"

#define MOST_STEPS 64
#define DAY_S      86400
#define BEGIN      1772323200 /* 2026-03-01T00:00:00Z */

struct room {
    struct step steps[MOST_STEPS];
    char *texts[MOST_STEPS];
    size_t count;
    const char *const *custom_objects; /* set before room_open, as version */
    size_t custom_object_count;
    const char *version; /* of the API; NULL: the default */
    struct window window;
    struct server_script *server;
    struct link link;
    struct reader *reader;
    struct selection selection; /* with all children, whatever their choice */
    struct progress progress;
    atomic_bool stop;
    struct buf bodies;         /* of all records, "table:{...}" each, with blanks between */
    int64_t requests, repairs; /* as the pages tell */
    struct error err;
};

/* head is "200 OK", perhaps with more lines: "200 OK\r\nDate: ...". */
void room_answer(struct room *room, const char *head, const char *body);
void room_refuse(struct room *room, const char *status,
                 const char *code); /* "400 Bad Request", "scroll_exists" */
void room_lose(struct room *room);  /* the connection is torn */

/* Starts everything but the reader. */
void room_begin(struct room *room, const char *stream);
/* ... and reads to the end. False: err says why. */
bool room_read(struct room *room, const char *stream);
/* ... and expects it to go well, after all answers were taken; bodies is compared. */
void room_expect(struct room *room, const char *stream, const char *bodies);
void room_expect_error(struct room *room, const char *stream, enum error_kind kind, const char *words);
/* Requests' first lines from `first` on, without method and protocol. */
void room_asked(struct room *room, size_t first, const char *const *targets, size_t count);
#define ASKED(room, first, ...)                                                                              \
    room_asked(room, first, (const char *const[]){__VA_ARGS__},                                              \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

int64_t room_waited_ms(const struct room *room); /* by the source itself, not by http */
void room_stop_waiting(struct room *room);       /* the process is to stop as soon as the source waits */
void room_close(struct room *room);

#endif
