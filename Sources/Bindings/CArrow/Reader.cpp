#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <memory>
#include <string>
#include <vector>

#include "CArrow.h"
#include "Guard.h"

using pregao::guarded;

struct pregao_parquet_reader {
  std::unique_ptr<parquet::arrow::FileReader> file;
  std::shared_ptr<parquet::FileMetaData> footer;
  std::vector<std::string> types;
  std::vector<int64_t> sizes;
};

static std::string type_of(const parquet::ColumnDescriptor &column) {
  std::string name = parquet::TypeToString(column.physical_type(), column.type_length());
  const auto &logical = column.logical_type();
  return logical->is_none() ? name : name + " " + logical->ToString();
}

static int64_t size_of(const parquet::FileMetaData &footer, int column) {
  int64_t size = 0;
  for (int group = 0; group < footer.num_row_groups(); group++) {
    size += footer.RowGroup(group)->ColumnChunk(column)->total_compressed_size();
  }
  return size;
}

char *pregao_parquet_reader_open(const uint8_t *bytes, size_t count, struct pregao_parquet_reader **reader) noexcept {
  return guarded([&]() -> arrow::Status {
    auto made = std::make_unique<pregao_parquet_reader>();
    auto source = std::make_shared<arrow::io::BufferReader>(
        std::make_shared<arrow::Buffer>(bytes, static_cast<int64_t>(count)));
    parquet::ReaderProperties properties;
    properties.set_page_checksum_verification(true);
    auto parquet = parquet::ParquetFileReader::Open(source, properties);
    made->footer = parquet->metadata();
    for (int column = 0; column < made->footer->num_columns(); column++) {
      made->types.push_back(type_of(*made->footer->schema()->Column(column)));
      made->sizes.push_back(size_of(*made->footer, column));
    }
    ARROW_ASSIGN_OR_RAISE(made->file,
                          parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(parquet)));
    *reader = made.release();
    return arrow::Status::OK();
  });
}

int64_t pregao_parquet_reader_rows(const struct pregao_parquet_reader *reader) noexcept {
  return reader->footer->num_rows();
}

int pregao_parquet_reader_row_groups(const struct pregao_parquet_reader *reader) noexcept {
  return reader->footer->num_row_groups();
}

int pregao_parquet_reader_columns(const struct pregao_parquet_reader *reader) noexcept {
  return reader->footer->num_columns();
}

const char *pregao_parquet_reader_column_name(const struct pregao_parquet_reader *reader, int column) noexcept {
  return reader->footer->schema()->Column(column)->name().c_str();
}

const char *pregao_parquet_reader_column_type(const struct pregao_parquet_reader *reader, int column) noexcept {
  return reader->types[static_cast<size_t>(column)].c_str();
}

bool pregao_parquet_reader_column_is_required(const struct pregao_parquet_reader *reader, int column) noexcept {
  return reader->footer->schema()->Column(column)->max_definition_level() == 0;
}

int64_t pregao_parquet_reader_column_size(const struct pregao_parquet_reader *reader, int column) noexcept {
  return reader->sizes[static_cast<size_t>(column)];
}

int64_t pregao_parquet_reader_pairs(const struct pregao_parquet_reader *reader) noexcept {
  const auto &pairs = reader->footer->key_value_metadata();
  return pairs ? pairs->size() : 0;
}

const char *pregao_parquet_reader_key(const struct pregao_parquet_reader *reader, int64_t pair) noexcept {
  return reader->footer->key_value_metadata()->key(pair).c_str();
}

const char *pregao_parquet_reader_value(const struct pregao_parquet_reader *reader, int64_t pair) noexcept {
  return reader->footer->key_value_metadata()->value(pair).c_str();
}

static arrow::Status check_column(parquet::arrow::FileReader &file, int group, int column, int64_t rows) {
  std::shared_ptr<arrow::ChunkedArray> values;
  ARROW_RETURN_NOT_OK(file.RowGroup(group)->Column(column)->Read(&values));
  if (values->length() != rows) {
    return arrow::Status::Invalid("row group ", group, " column ", column, " has ", values->length(),
                                  " values, the footer says ", rows);
  }
  return values->ValidateFull();
}

char *pregao_parquet_reader_check(struct pregao_parquet_reader *reader) noexcept {
  return guarded([&]() -> arrow::Status {
    int64_t total = 0;
    for (int group = 0; group < reader->footer->num_row_groups(); group++) {
      const int64_t rows = reader->footer->RowGroup(group)->num_rows();
      for (int column = 0; column < reader->footer->num_columns(); column++) {
        ARROW_RETURN_NOT_OK(check_column(*reader->file, group, column, rows));
      }
      total += rows;
    }
    if (total != reader->footer->num_rows()) {
      return arrow::Status::Invalid("the row groups have ", total, " rows, the footer says ",
                                    reader->footer->num_rows());
    }
    return arrow::Status::OK();
  });
}

void pregao_parquet_reader_free(struct pregao_parquet_reader *reader) noexcept { delete reader; }
