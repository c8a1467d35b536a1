// A C interface to Apache Arrow's Parquet writer and reader: no C++ type and no exception crosses it.
//
// A function that can fail returns null when it succeeded, or a message that the caller frees with
// pregao_arrow_free_message.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CArrowStore.h"

#ifdef __cplusplus
extern "C" {
#endif

// The Arrow C Data Interface, as its specification gives it.
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

#endif

const char *pregao_arrow_version(void) PREGAO_NOEXCEPT;

void pregao_arrow_free_message(char *message) PREGAO_NOEXCEPT;

// How a column's values are written.
enum pregao_encoding {
  pregao_encoding_plain = 0,
  // A dictionary, for texts that repeat; plain where it grows too large.
  pregao_encoding_dictionary = 1,
  // DELTA_BINARY_PACKED, for numbers that lie close to their neighbours.
  pregao_encoding_delta = 2,
};

// Bytes that the library owns; pregao_bytes_free gives them back.
struct pregao_bytes {
  const uint8_t *start;
  size_t count;
  void *owner;
};

void pregao_bytes_free(struct pregao_bytes *bytes) PREGAO_NOEXCEPT;

// Writes a Parquet file into memory: zstd, statistics, page checksums, the same bytes for the same batches.
struct pregao_parquet_writer;

// Consumes the schema, a struct whose children are the columns; there is an encoding for each.
char *pregao_parquet_writer_open(struct ArrowSchema *schema, const enum pregao_encoding *encodings,
                                 int64_t rows_per_group, struct pregao_parquet_writer **writer) PREGAO_NOEXCEPT;

// Consumes a struct array of the schema's columns, and has released it when it returns.
char *pregao_parquet_writer_append(struct pregao_parquet_writer *writer, struct ArrowArray *batch) PREGAO_NOEXCEPT;

// Bytes that the writer holds at the moment, encoded and being encoded.
int64_t pregao_parquet_writer_memory(const struct pregao_parquet_writer *writer) PREGAO_NOEXCEPT;

// Writes the footer with these key-value pairs; nothing can be appended any more.
char *pregao_parquet_writer_finish(struct pregao_parquet_writer *writer, const char *const *keys,
                                   const char *const *values, size_t count, struct pregao_bytes *bytes) PREGAO_NOEXCEPT;

void pregao_parquet_writer_free(struct pregao_parquet_writer *writer) PREGAO_NOEXCEPT;

// Reads a Parquet file's footer, from memory that stays valid until the reader is freed.
struct pregao_parquet_reader;

char *pregao_parquet_reader_open(const uint8_t *bytes, size_t count,
                                 struct pregao_parquet_reader **reader) PREGAO_NOEXCEPT;

int64_t pregao_parquet_reader_rows(const struct pregao_parquet_reader *reader) PREGAO_NOEXCEPT;

int pregao_parquet_reader_row_groups(const struct pregao_parquet_reader *reader) PREGAO_NOEXCEPT;

int pregao_parquet_reader_columns(const struct pregao_parquet_reader *reader) PREGAO_NOEXCEPT;

// The column's name, valid as long as the reader.
const char *pregao_parquet_reader_column_name(const struct pregao_parquet_reader *reader, int column) PREGAO_NOEXCEPT;

// The column's type in Parquet's words, such as `INT64 Timestamp(...)`, valid as long as the reader.
const char *pregao_parquet_reader_column_type(const struct pregao_parquet_reader *reader, int column) PREGAO_NOEXCEPT;

bool pregao_parquet_reader_column_is_required(const struct pregao_parquet_reader *reader, int column) PREGAO_NOEXCEPT;

// Bytes that the column takes in the file, compressed.
int64_t pregao_parquet_reader_column_size(const struct pregao_parquet_reader *reader, int column) PREGAO_NOEXCEPT;

// Key-value pairs, in the file's order, valid as long as the reader.
int64_t pregao_parquet_reader_pairs(const struct pregao_parquet_reader *reader) PREGAO_NOEXCEPT;
const char *pregao_parquet_reader_key(const struct pregao_parquet_reader *reader, int64_t pair) PREGAO_NOEXCEPT;
const char *pregao_parquet_reader_value(const struct pregao_parquet_reader *reader, int64_t pair) PREGAO_NOEXCEPT;

// Decodes every page of every column, checksums verified, and counts that each column has the footer's rows.
char *pregao_parquet_reader_check(struct pregao_parquet_reader *reader) PREGAO_NOEXCEPT;

void pregao_parquet_reader_free(struct pregao_parquet_reader *reader) PREGAO_NOEXCEPT;

#ifdef __cplusplus
}
#endif
