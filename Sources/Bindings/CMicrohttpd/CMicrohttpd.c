#include "CMicrohttpd.h"

struct MHD_Daemon *pregao_http_start(const struct sockaddr *address, struct pregao_http_callbacks callbacks,
                                     struct pregao_http_limits limits) {
    unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME;
    if (address->sa_family == AF_INET6) flags |= MHD_USE_IPv6;
    // A pool of one is refused: one thread is the library's form without a pool.
    unsigned int pool = limits.threads > 1 ? limits.threads : 0;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, callbacks.access, callbacks.owner, MHD_OPTION_SOCK_ADDR, address,
        MHD_OPTION_URI_LOG_CALLBACK, callbacks.target, callbacks.owner, MHD_OPTION_NOTIFY_COMPLETED,
        callbacks.completed, callbacks.owner, MHD_OPTION_THREAD_POOL_SIZE, pool, MHD_OPTION_CONNECTION_LIMIT,
        limits.connections, MHD_OPTION_CONNECTION_TIMEOUT, limits.idle_seconds, MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned int)4096, MHD_OPTION_END);
}
