// A C interface to Apache Arrow's file systems, as object stores use them: S3, Google Cloud Storage, Azure.
//
// Calls block, and may be made from several threads at once. Paths are those of Arrow: the bucket, then the key.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
// A C++ exception that reached Swift would be undefined behaviour: none leaves a function, or the program ends there.
#define PREGAO_NOEXCEPT noexcept
extern "C" {
#else
#define PREGAO_NOEXCEPT
#endif

struct pregao_bytes;

enum pregao_store_kind { pregao_store_s3 = 0, pregao_store_gcs = 1, pregao_store_azure = 2 };

// What is null or empty is left to the library's defaults: credentials then come from the environment, shared files or
// the machine's role.
struct pregao_store_options {
  enum pregao_store_kind kind;
  // Azure's alone, as abfs://container@account.dfs.core.windows.net/: it names the account.
  const char *url;
  const char *bucket;
  // http://host:port in place of the provider's own.
  const char *endpoint;
  const char *region;
  const char *access_key;
  const char *secret_key;
  // In seconds. A request to S3 that moves no byte for its time-out is given up, and to Google no request is made again
  // after it; else the libraries have their own limits, which Arrow lets nobody change.
  double connect_timeout;
  double request_timeout;
};

// The file of certificates that servers are checked by; empty where there is none in the usual places.
const char *pregao_store_certificates(void) PREGAO_NOEXCEPT;

struct pregao_store;

// May ask the store for the bucket's region.
char *pregao_store_open(const struct pregao_store_options *options, struct pregao_store **store) PREGAO_NOEXCEPT;
void pregao_store_close(struct pregao_store *store) PREGAO_NOEXCEPT;

// Whether the bucket is there. Takes no right but those that objects are listed and looked for by.
char *pregao_store_has(struct pregao_store *store, const char *bucket, bool *there) PREGAO_NOEXCEPT;

// The object's size, or -1 where there is none.
char *pregao_store_size(struct pregao_store *store, const char *path, int64_t *size) PREGAO_NOEXCEPT;

// The object's bytes; where there is none, `bytes` has no owner.
char *pregao_store_read(struct pregao_store *store, const char *path, struct pregao_bytes *bytes) PREGAO_NOEXCEPT;

// Writes the object in one request, or in parts that are put together at the end: it is there whole or not at all. What
// was there is replaced. The memory is not used after the call. Set on failure too is how many uploads that had broken
// off were left to the store meanwhile: asked to forget them, it has refused too often.
char *pregao_store_write(struct pregao_store *store, const char *path, const uint8_t *start, size_t count,
                         size_t *left) PREGAO_NOEXCEPT;

// There being none is no error.
char *pregao_store_remove(struct pregao_store *store, const char *path) PREGAO_NOEXCEPT;

// What lies in a folder, in byte order; the name of a folder in it ends in a slash. A folder that is not there is empty.
// Google has no folders: there, all that lies below.
struct pregao_store_listing;

struct pregao_store_entry {
  // Valid as long as the listing.
  const char *name;
  int64_t size;
  // Microseconds since 1970.
  int64_t modified;
  bool is_folder;
};

char *pregao_store_list(struct pregao_store *store, const char *path,
                        struct pregao_store_listing **listing) PREGAO_NOEXCEPT;
size_t pregao_store_listing_count(const struct pregao_store_listing *listing) PREGAO_NOEXCEPT;
struct pregao_store_entry pregao_store_listing_entry(const struct pregao_store_listing *listing,
                                                     size_t entry) PREGAO_NOEXCEPT;
void pregao_store_listing_free(struct pregao_store_listing *listing) PREGAO_NOEXCEPT;

// The credentials that the next request would be signed with, and the region; S3's alone. The texts are the caller's,
// to be freed with pregao_arrow_free_message.
struct pregao_store_credentials {
  char *access_key;
  char *secret_key;
  char *session_token;
  char *region;
};

char *pregao_store_credentials_now(struct pregao_store *store,
                                   struct pregao_store_credentials *credentials) PREGAO_NOEXCEPT;

#ifdef __cplusplus
}
#endif
