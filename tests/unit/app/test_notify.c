/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to systemd, over its socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "notify.h"

static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(name);

    memcpy(address.sun_path, name, size);
    if (*name == '@') address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
                     0);
    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 20}, sizeof(struct timeval)), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void expect(int fd, const char *text)
{
    char got[64] = "";

    assert_true(recv(fd, got, sizeof got - 1, 0) > 0);
    assert_string_equal(got, text);
}

static void test_without_systemd_nothing_is_done(void **state)
{
    struct progress progress = {0};

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_null(notify_start(&progress, 1));
    notify_stop(NULL);
}

static void test_ready_and_stopping(void **state)
{
    struct progress progress = {0};
    char name[64];

    (void)state;
    snprintf(name, sizeof name, "@caseload-test-%ld", (long)getpid());
    unsetenv("WATCHDOG_USEC");
    int fd = listen_at(name);
    struct notify *notify = notify_start(&progress, 1);
    expect(fd, "READY=1");
    notify_stop(notify);
    expect(fd, "STOPPING=1");
    close(fd);
}

static void test_signs_of_life_end_with_the_progress(void **state)
{
    struct progress progress = {0};
    char name[] = "/tmp/caseload-notify-XXXXXX", path[64], got[64];

    (void)state;
    assert_non_null(mkdtemp(name));
    snprintf(path, sizeof path, "%s/socket", name);
    setenv("WATCHDOG_USEC", "200000", 1);
    unsetenv("WATCHDOG_PID");
    int fd = listen_at(path);
    struct notify *notify = notify_start(&progress, 1);
    expect(fd, "READY=1");
    for (int i = 0; i < 3; i++) {
        progress_step(&progress, "testing");
        expect(fd, "WATCHDOG=1");
    }
    /* Without a step the signs end: no more than a second of them is left. */
    (void)clock_sleep_ms(1500, NULL);
    while (recv(fd, got, sizeof got, MSG_DONTWAIT) > 0)
        continue;
    (void)clock_sleep_ms(500, NULL);
    assert_true(recv(fd, got, sizeof got, MSG_DONTWAIT) < 0);
    progress_step(&progress, "testing");
    expect(fd, "WATCHDOG=1");
    notify_stop(notify);
    close(fd);
    unlink(path);
    rmdir(name);
}

static void test_the_watchdog_of_another_process(void **state)
{
    struct progress progress = {0};
    char name[64];

    (void)state;
    snprintf(name, sizeof name, "@caseload-other-%ld", (long)getpid());
    setenv("WATCHDOG_USEC", "200000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    int fd = listen_at(name);
    struct notify *notify = notify_start(&progress, 1);
    expect(fd, "READY=1");
    (void)clock_sleep_ms(300, NULL);
    notify_stop(notify);
    expect(fd, "STOPPING=1");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_systemd_nothing_is_done),
        cmocka_unit_test(test_ready_and_stopping),
        cmocka_unit_test(test_signs_of_life_end_with_the_progress),
        cmocka_unit_test(test_the_watchdog_of_another_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
