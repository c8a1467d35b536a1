#include <arrow/api.h>
#include <arrow/c/bridge.h>
#include <arrow/io/memory.h>
#include <arrow/util/config.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>

#include "CArrow.h"
#include <cstdlib>
#include <memory>
#include <vector>

#include "Guard.h"

using pregao::guarded;

struct pregao_parquet_writer {
  // Counts what this writer alone holds. Declared first: everything below gives its memory back to it. Not Arrow's
  // default, whose allocator keeps what each thread freed: 100 MiB more where 12 partitions are encoded by turns.
  arrow::ProxyMemoryPool pool{arrow::system_memory_pool()};
  std::shared_ptr<arrow::Schema> schema;
  std::shared_ptr<arrow::io::BufferOutputStream> sink;
  std::unique_ptr<parquet::arrow::FileWriter> file;
};

const char *pregao_arrow_version(void) noexcept { return ARROW_VERSION_STRING; }

void pregao_arrow_free_message(char *message) noexcept { free(message); }

void pregao_bytes_free(struct pregao_bytes *bytes) noexcept {
  delete static_cast<std::shared_ptr<arrow::Buffer> *>(bytes->owner);
  *bytes = {};
}

static std::shared_ptr<parquet::WriterProperties> properties(const arrow::Schema &schema,
                                                             const enum pregao_encoding *encodings,
                                                             int64_t rows_per_group, arrow::MemoryPool *pool) {
  parquet::WriterProperties::Builder builder;
  builder.memory_pool(pool)
      ->version(parquet::ParquetVersion::PARQUET_2_6)
      ->compression(parquet::Compression::ZSTD)
      ->max_row_group_length(rows_per_group)
      ->enable_statistics()
      ->enable_page_checksum();
  for (int column = 0; column < schema.num_fields(); column++) {
    const std::string &name = schema.field(column)->name();
    switch (encodings[column]) {
      case pregao_encoding_dictionary:
        builder.enable_dictionary(name);
        break;
      case pregao_encoding_delta:
        builder.disable_dictionary(name)->encoding(name, parquet::Encoding::DELTA_BINARY_PACKED);
        break;
      case pregao_encoding_plain:
        builder.disable_dictionary(name);
        break;
    }
  }
  return builder.build();
}

char *pregao_parquet_writer_open(struct ArrowSchema *schema, const enum pregao_encoding *encodings,
                                 int64_t rows_per_group, struct pregao_parquet_writer **writer) noexcept {
  return guarded([&]() -> arrow::Status {
    auto made = std::make_unique<pregao_parquet_writer>();
    ARROW_ASSIGN_OR_RAISE(made->schema, arrow::ImportSchema(schema));
    ARROW_ASSIGN_OR_RAISE(made->sink, arrow::io::BufferOutputStream::Create(1 << 16, &made->pool));
    ARROW_ASSIGN_OR_RAISE(made->file, parquet::arrow::FileWriter::Open(
                                          *made->schema, &made->pool, made->sink,
                                          properties(*made->schema, encodings, rows_per_group, &made->pool)));
    *writer = made.release();
    return arrow::Status::OK();
  });
}

// The caller uses the batch's memory again: the writer must have copied what it needs.
static arrow::Status check_released(const std::vector<std::weak_ptr<arrow::Buffer>> &buffers) {
  for (const auto &buffer : buffers) {
    if (!buffer.expired()) return arrow::Status::Invalid("the Parquet writer keeps a batch's memory");
  }
  return arrow::Status::OK();
}

char *pregao_parquet_writer_append(struct pregao_parquet_writer *writer, struct ArrowArray *batch) noexcept {
  return guarded([&]() -> arrow::Status {
    std::vector<std::weak_ptr<arrow::Buffer>> buffers;
    {
      ARROW_ASSIGN_OR_RAISE(auto imported, arrow::ImportRecordBatch(batch, writer->schema));
      for (int column = 0; column < imported->num_columns(); column++) {
        for (const auto &buffer : imported->column_data(column)->buffers) buffers.push_back(buffer);
      }
      ARROW_RETURN_NOT_OK(writer->file->WriteRecordBatch(*imported));
    }
    return check_released(buffers);
  });
}

int64_t pregao_parquet_writer_memory(const struct pregao_parquet_writer *writer) noexcept {
  return writer->pool.bytes_allocated();
}

char *pregao_parquet_writer_finish(struct pregao_parquet_writer *writer, const char *const *keys,
                                   const char *const *values, size_t count, struct pregao_bytes *bytes) noexcept {
  return guarded([&]() -> arrow::Status {
    auto pairs = std::make_shared<arrow::KeyValueMetadata>();
    for (size_t pair = 0; pair < count; pair++) pairs->Append(keys[pair], values[pair]);
    ARROW_RETURN_NOT_OK(writer->file->AddKeyValueMetadata(pairs));
    ARROW_RETURN_NOT_OK(writer->file->Close());
    ARROW_ASSIGN_OR_RAISE(auto buffer, writer->sink->Finish());
    bytes->start = buffer->data();
    bytes->count = static_cast<size_t>(buffer->size());
    bytes->owner = new std::shared_ptr<arrow::Buffer>(std::move(buffer));
    return arrow::Status::OK();
  });
}

void pregao_parquet_writer_free(struct pregao_parquet_writer *writer) noexcept {
  // A writer that was not finished closes its file when it goes, which may fail and concerns nobody.
  char *message = guarded([&]() -> arrow::Status {
    delete writer;
    return arrow::Status::OK();
  });
  free(message);
}
