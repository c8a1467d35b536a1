#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What a drain did; times are of CLOCK_REALTIME, in microseconds.
struct kafka_drained {
  int64_t messages;
  int64_t files;
  int64_t file_bytes;
  int64_t began;
  int64_t ended;
};

// Reads every message of the topic's partitions, which are read from their starts to where they end, into typed zstd
// Parquet files in the folder, a new one for each file_message_bytes of keys and values of a partition. No group, no
// commits: librdkafka, simdjson and Arrow in one loop. Not 0 where it failed, which it says on standard error.
int kafka_baseline_drain(const char *brokers, const char *topic, int32_t partitions, const char *folder,
                         size_t file_message_bytes, struct kafka_drained *drained);

// Commits at least once, as many times as seconds has room for how long each took: one message appended by an
// idempotent producer, and, once it is acknowledged, a group's position committed.
int kafka_baseline_commits(const char *brokers, const char *group, const char *topic, const char *appended_topic,
                           const void *value, size_t value_length, double *seconds, size_t count);

#ifdef __cplusplus
}
#endif
