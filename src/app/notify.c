/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"

#define LIVE_LEAST_MS 100

struct notify {
    struct progress *progress;
    int64_t stall_ms;
    int64_t period_ms; /* 0: no watchdog */
    atomic_bool stop;
    pthread_t thread;
};

static void tell(const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t size = path ? strlen(path) : 0;
    if (size < 2 || size >= sizeof address.sun_path || (*path != '/' && *path != '@')) return;
    memcpy(address.sun_path, path, size);
    if (*path == '@') address.sun_path[0] = '\0'; /* an abstract socket */
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0) return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    (void)close(fd);
}

/* Half of what systemd waits for; 0: it does not watch this process. */
static int64_t watchdog_period_ms(void)
{
    const char *period = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
    int64_t period_us, pid;
    if (!period || !parse_int64(period, &period_us) || period_us <= 0) return 0;
    if (process && (!parse_int64(process, &pid) || pid != (int64_t)getpid())) return 0;
    int64_t half_ms = period_us / 2000;
    return half_ms > LIVE_LEAST_MS ? half_ms : LIVE_LEAST_MS;
}

static void *give_signs_of_life(void *context)
{
    struct notify *notify = context;
    struct progress_watch watch = {.where = NULL};
    while (!atomic_load(&notify->stop)) {
        const int64_t now_ms = clock_ms();
        if (now_ms - progress_look(&watch, notify->progress, now_ms) < notify->stall_ms) tell("WATCHDOG=1");
        (void)clock_sleep_ms(notify->period_ms, &notify->stop);
    }
    return NULL;
}

struct notify *notify_start(struct progress *progress, int stall_s)
{
    if (!getenv("NOTIFY_SOCKET")) return NULL;
    struct notify *notify = mem_zero(1, sizeof *notify);
    notify->progress = progress;
    notify->stall_ms = (int64_t)stall_s * 1000;
    notify->period_ms = watchdog_period_ms();
    tell("READY=1");
    if (notify->period_ms > 0 && pthread_create(&notify->thread, NULL, give_signs_of_life, notify) != 0)
        notify->period_ms = 0; /* systemd will restart the process */
    return notify;
}

void notify_stop(struct notify *notify)
{
    if (!notify) return;
    tell("STOPPING=1");
    atomic_store(&notify->stop, true);
    if (notify->period_ms > 0) (void)pthread_join(notify->thread, NULL);
    free(notify);
}
