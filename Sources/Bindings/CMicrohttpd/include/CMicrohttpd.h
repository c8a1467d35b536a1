#pragma once
#include <microhttpd.h>
#include <stdint.h>
#include <sys/socket.h>

// libmicrohttpd's variadic functions and the constants that are casts, which Swift cannot import.

/// What the library calls, all with `owner` as their first argument.
struct pregao_http_callbacks {
    MHD_AccessHandlerCallback _Nonnull access;
    void *_Nullable (*_Nonnull target)(void *_Nullable owner, const char *_Nonnull target,
                                       struct MHD_Connection *_Nullable connection);
    MHD_RequestCompletedCallback _Nonnull completed;
    void *_Nonnull owner;
};

struct pregao_http_limits {
    unsigned int threads;
    unsigned int connections;
    unsigned int idle_seconds;
};

/// Starts `threads` threads, each with its own epoll set. Returns NULL, with errno set, where the address is not to be had.
struct MHD_Daemon *_Nullable pregao_http_start(const struct sockaddr *_Nonnull address,
                                               struct pregao_http_callbacks callbacks,
                                               struct pregao_http_limits limits);

/// The port that the daemon listens on; 0 where it does not.
static inline uint16_t pregao_http_port(struct MHD_Daemon *_Nonnull daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info == NULL ? 0 : info->port;
}

/// The client's address, valid while the connection is.
static inline const struct sockaddr *_Nullable pregao_http_client(struct MHD_Connection *_Nonnull connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info == NULL ? NULL : info->client_addr;
}

static const uint64_t pregao_http_size_unknown = MHD_SIZE_UNKNOWN;
static const ssize_t pregao_http_end_of_stream = MHD_CONTENT_READER_END_OF_STREAM;
static const ssize_t pregao_http_end_with_error = MHD_CONTENT_READER_END_WITH_ERROR;
