// sockets.c — what libcurl waits for is what the ring waits for.
//
// A poll of the ring is one shot, as level-triggered as libcurl wants it: it is asked for anew when libcurl has done what it could. A poll
// that is no longer wanted is cancelled and forgotten at once; until the kernel has heard of it, it keeps the file open, not the number.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "outbound/state.h"

/** One socket of libcurl's. */
struct socket_poll {
    struct op op;
    struct outbound *outbound;
    struct list node;
    curl_socket_t fd;
    unsigned events; // 0: nothing is waited for
};

static void poll_stop(struct socket_poll *poll) {
    if (!op_is_in_flight(&poll->op))
        return;
    ring_cancel(poll->outbound->core->ring, NULL, &poll->op);
    ring_forget(poll->outbound->core->ring, &poll->op);
}

static void poll_start(struct socket_poll *poll) {
    if (poll->events)
        ring_poll(poll->outbound->core->ring, &poll->op, poll->fd, poll->events);
}

static void poll_destroy(struct socket_poll *poll) {
    if (poll->outbound->acting == poll)
        poll->outbound->acting = NULL;
    poll_stop(poll);
    list_remove(&poll->node);
    free(poll);
}

static int actions_of(int result) {
    if (result < 0)
        return CURL_CSELECT_ERR;
    int actions = 0;
    if (result & (POLLIN | POLLHUP | POLLERR | POLLRDHUP))
        actions |= CURL_CSELECT_IN;
    if (result & (POLLOUT | POLLERR))
        actions |= CURL_CSELECT_OUT;
    return actions;
}

// libcurl may close the socket, and have the poll destroyed, while it acts.
static void polled(struct op *op, int result) {
    struct socket_poll *poll = container_of(op, struct socket_poll, op);
    struct outbound *outbound = poll->outbound;
    int running;
    outbound->acting = poll;
    curl_multi_socket_action(outbound->multi, poll->fd, actions_of(result), &running);
    if (outbound->acting && !op_is_in_flight(&poll->op))
        poll_start(poll);
    outbound->acting = NULL;
    core_defer(outbound->core, &outbound->settle);
}

static struct socket_poll *poll_create(struct outbound *outbound, curl_socket_t fd) {
    struct socket_poll *poll = malloc(sizeof *poll);
    if (!poll)
        return NULL;
    *poll = (struct socket_poll){.op = {.done = polled}, .outbound = outbound, .fd = fd};
    list_push_front(&outbound->polls, &poll->node);
    curl_multi_assign(outbound->multi, fd, poll);
    return poll;
}

static unsigned events_of(int what) {
    return (what & CURL_POLL_IN ? POLLIN : 0u) | (what & CURL_POLL_OUT ? POLLOUT : 0u);
}

// CURLMOPT_SOCKETFUNCTION(3).
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known) {
    (void)easy;
    struct outbound *outbound = user;
    struct socket_poll *poll = known;
    if (what == CURL_POLL_REMOVE) {
        if (poll)
            poll_destroy(poll);
        return 0;
    }
    if (!poll && !(poll = poll_create(outbound, fd)))
        return -1; // libcurl ends its transfers
    unsigned events = events_of(what);
    if (events == poll->events && op_is_in_flight(&poll->op))
        return 0;
    poll_stop(poll);
    poll->events = events;
    poll_start(poll);
    return 0;
}

static void clock_struck(struct timer *timer) {
    struct outbound *outbound = container_of(timer, struct outbound, clock);
    outbound->is_clock_due = true;
    core_defer(outbound->core, &outbound->settle);
}

// CURLMOPT_TIMERFUNCTION(3). Not a tick of the wheel later where it is to be now: most steps of a call are asked for so.
static int on_clock(CURLM *multi, long timeout_ms, void *user) {
    (void)multi;
    struct outbound *outbound = user;
    wheel_disarm(&outbound->core->wheel, &outbound->clock);
    outbound->is_clock_due = false;
    if (timeout_ms == 0)
        clock_struck(&outbound->clock);
    else if (timeout_ms > 0)
        wheel_arm(&outbound->core->wheel, &outbound->clock, core_now_ms(outbound->core) + timeout_ms);
    return 0;
}

void sockets_tick(struct outbound *outbound) {
    if (!outbound->is_clock_due)
        return;
    int running;
    outbound->is_clock_due = false;
    curl_multi_socket_action(outbound->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static void begin_libcurl(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT); // where it fails, so does curl_multi_init()
}

int sockets_open(struct outbound *outbound) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, begin_libcurl);
    CURLM *multi = curl_multi_init();
    if (!multi)
        return -ENOMEM;
    timer_init(&outbound->clock, clock_struck);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, outbound);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_clock);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, outbound);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)outbound->options->idle_max);
    outbound->multi = multi;
    return 0;
}

void sockets_close(struct outbound *outbound) {
    if (!outbound->multi)
        return;
    curl_multi_cleanup(outbound->multi);
    wheel_disarm(&outbound->core->wheel, &outbound->clock);
    list_each_safe (node, &outbound->polls)
        poll_destroy(container_of(node, struct socket_poll, node));
    outbound->multi = NULL;
}
