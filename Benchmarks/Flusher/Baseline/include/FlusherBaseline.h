// The bare loop that the flusher's encoder is measured against: simdjson's DOM parser and Arrow's builders and Parquet
// writer, for the dataset quotes alone, with the encoder's columns, settings and chunk length.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Reads messages, of which number n ends at ends[n], and writes and synchronizes the file. Gives the file's size, or -1.
int64_t flusher_baseline_run(const uint8_t *messages, const size_t *ends, size_t count, const char *path);

#ifdef __cplusplus
}
#endif
