#pragma once

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <fcntl.h>
#include <parquet/arrow/writer.h>
#include <simdjson.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// What the bare loops share: JSON of quotes into one typed zstd Parquet file.
namespace baseline {

using std::string_view;

constexpr int64_t chunk_rows = 8192;

enum class Type { text, integer, decimal, instant, day };

struct Field {
  string_view name;
  Type type;
  bool nullable;
};

constexpr Field fields[] = {
    {"feed", Type::text, false},         {"symbol", Type::text, false},       {"price_type", Type::text, false},
    {"price", Type::decimal, false},     {"currency", Type::text, true},      {"bid", Type::decimal, true},
    {"ask", Type::decimal, true},        {"size", Type::decimal, true},       {"volume", Type::decimal, true},
    {"trade_id", Type::integer, true},   {"source_time", Type::instant, true}, {"scheduled_at", Type::instant, false},
    {"poll_interval", Type::integer, false}, {"observed_at", Type::instant, false}, {"trading_day", Type::day, false},
};
constexpr size_t field_count = std::size(fields);

// Digits of a number that 64 bits hold; false where there is none or another character.
inline bool digits(const char *&at, const char *end, uint64_t &value, int &count) {
  value = 0;
  count = 0;
  while (at < end && static_cast<unsigned char>(*at - '0') < 10) {
    value = value * 10 + static_cast<uint64_t>(*at++ - '0');
    count++;
  }
  return count > 0 && count <= 18;
}

inline bool parse_decimal(string_view text, __int128 &result) {
  static constexpr uint64_t powers[] = {1000000000000000000, 100000000000000000, 10000000000000000, 1000000000000000,
                                        100000000000000,     10000000000000,     1000000000000,     100000000000,
                                        10000000000,         1000000000,         100000000,         10000000,
                                        1000000,             100000,             10000,             1000,
                                        100,                 10,                 1};
  const char *at = text.data(), *end = at + text.size();
  const bool negative = at < end && *at == '-';
  if (negative) at++;
  uint64_t whole, fraction = 0;
  int count;
  if (!digits(at, end, whole, count)) return false;
  __int128 units = static_cast<__int128>(whole) * 1000000000000000000;
  if (at < end && *at == '.') {
    at++;
    if (!digits(at, end, fraction, count)) return false;
    units += fraction * powers[count];
  }
  if (at != end) return false;
  result = negative ? -units : units;
  return true;
}

inline int two(const char *at) { return (at[0] - '0') * 10 + (at[1] - '0'); }

inline bool are_digits(string_view text, std::initializer_list<int> places) {
  for (int place : places) {
    if (static_cast<unsigned char>(text[static_cast<size_t>(place)] - '0') >= 10) return false;
  }
  return true;
}

// Howard Hinnant's days_from_civil.
inline bool parse_day(string_view text, int32_t &day) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-' || !are_digits(text, {0, 1, 2, 3, 5, 6, 8, 9})) return false;
  const int year_ = two(text.data()) * 100 + two(text.data() + 2), month = two(text.data() + 5),
            date = two(text.data() + 8);
  if (month < 1 || month > 12 || date < 1 || date > 31) return false;
  const int year = month <= 2 ? year_ - 1 : year_, era = year / 400, of_era = year - era * 400;
  const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + date - 1;
  day = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
  return true;
}

// 2026-11-21T11:15:00.123456Z
inline bool parse_instant(string_view text, int64_t &instant) {
  int32_t day;
  if (text.size() != 27 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != '.' ||
      text[26] != 'Z' || !are_digits(text, {11, 12, 14, 15, 17, 18, 20, 21, 22, 23, 24, 25}) || !parse_day(text, day)) {
    return false;
  }
  const char *at = text.data();
  const int seconds = two(at + 11) * 3600 + two(at + 14) * 60 + two(at + 17);
  const int micros = two(at + 20) * 10000 + two(at + 22) * 100 + two(at + 24);
  instant = (static_cast<int64_t>(day) * 86400 + seconds) * 1000000 + micros;
  return instant >= 946684800000000 && instant < 4102444800000000;
}

inline std::shared_ptr<arrow::DataType> arrow_type(Type type) {
  switch (type) {
    case Type::text: return arrow::utf8();
    case Type::integer: return arrow::int64();
    case Type::decimal: return arrow::decimal128(38, 18);
    case Type::instant: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case Type::day: return arrow::date32();
  }
  return nullptr;
}

class QuoteFile {
 public:
  // Begins the next file: of this partition.
  arrow::Status open(int32_t partition) {
    number_ = partition;
    builders_.clear();
    std::vector<std::shared_ptr<arrow::Field>> schema;
    parquet::WriterProperties::Builder properties;
    properties.version(parquet::ParquetVersion::PARQUET_2_6)
        ->compression(parquet::Compression::ZSTD)
        ->max_row_group_length(1 << 20)
        ->enable_statistics()
        ->enable_page_checksum();
    auto delta = [&](const std::string &name) {
      properties.disable_dictionary(name)->encoding(name, parquet::Encoding::DELTA_BINARY_PACKED);
    };
    for (const Field &field : fields) {
      auto type = arrow_type(field.type);
      schema.push_back(arrow::field(std::string(field.name), type, field.nullable));
      if (field.type == Type::decimal) properties.disable_dictionary(std::string(field.name));
      else if (field.type != Type::text) delta(std::string(field.name));
      std::unique_ptr<arrow::ArrayBuilder> builder;
      ARROW_RETURN_NOT_OK(arrow::MakeBuilder(arrow::default_memory_pool(), type, &builder));
      builders_.push_back(std::move(builder));
    }
    schema.push_back(arrow::field("_partition", arrow::int32(), false));
    schema.push_back(arrow::field("_offset", arrow::int64(), false));
    delta("_partition");
    delta("_offset");
    schema_ = arrow::schema(schema);
    ARROW_ASSIGN_OR_RAISE(sink_, arrow::io::BufferOutputStream::Create());
    ARROW_ASSIGN_OR_RAISE(writer_, parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), sink_,
                                                                    properties.build()));
    return reserve();
  }

  arrow::Status add(const uint8_t *bytes, size_t length, int64_t offset) {
    simdjson::dom::element root;
    simdjson::dom::object object;
    if (parser_.parse(bytes, length, true).get(root) || root.get(object)) return arrow::Status::Invalid("not JSON");
    size_t next = 0;
    for (auto member : object) {
      if (member.key == "version") continue;
      size_t field = next;
      while (field < field_count && member.key != fields[field].name) field++;
      if (field == field_count) return arrow::Status::Invalid("members out of order");
      for (; next < field; next++) ARROW_RETURN_NOT_OK(null(next));
      ARROW_RETURN_NOT_OK(value(field, member.value));
      next = field + 1;
    }
    for (; next < field_count; next++) ARROW_RETURN_NOT_OK(null(next));
    partition_.UnsafeAppend(number_);
    offset_.UnsafeAppend(offset);
    return ++rows_ == chunk_rows ? flush() : arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> finish() {
    ARROW_RETURN_NOT_OK(flush());
    ARROW_RETURN_NOT_OK(writer_->Close());
    return sink_->Finish();
  }

 private:
  template <typename Builder>
  Builder &builder(size_t field) {
    return static_cast<Builder &>(*builders_[field]);
  }

  arrow::Status null(size_t field) {
    if (!fields[field].nullable) return arrow::Status::Invalid("a column is missing");
    switch (fields[field].type) {
      case Type::text: builder<arrow::StringBuilder>(field).UnsafeAppendNull(); break;
      case Type::integer: builder<arrow::Int64Builder>(field).UnsafeAppendNull(); break;
      case Type::decimal: builder<arrow::Decimal128Builder>(field).UnsafeAppendNull(); break;
      case Type::instant: builder<arrow::TimestampBuilder>(field).UnsafeAppendNull(); break;
      case Type::day: builder<arrow::Date32Builder>(field).UnsafeAppendNull(); break;
    }
    return arrow::Status::OK();
  }

  arrow::Status value(size_t field, simdjson::dom::element element) {
    if (fields[field].type == Type::integer) {
      int64_t number;
      if (element.get(number)) return arrow::Status::Invalid("no integer");
      builder<arrow::Int64Builder>(field).UnsafeAppend(number);
      return arrow::Status::OK();
    }
    string_view text;
    if (element.get(text)) return arrow::Status::Invalid("no string");
    switch (fields[field].type) {
      case Type::text: return builder<arrow::StringBuilder>(field).Append(text);
      case Type::decimal: {
        __int128 units;
        if (!parse_decimal(text, units)) return arrow::Status::Invalid("no decimal");
        builder<arrow::Decimal128Builder>(field).UnsafeAppend(
            arrow::Decimal128(static_cast<int64_t>(units >> 64), static_cast<uint64_t>(units)));
        break;
      }
      case Type::instant: {
        int64_t instant;
        if (!parse_instant(text, instant)) return arrow::Status::Invalid("no instant");
        builder<arrow::TimestampBuilder>(field).UnsafeAppend(instant);
        break;
      }
      default: {
        int32_t day;
        if (text.size() != 10 || !parse_day(text, day)) return arrow::Status::Invalid("no day");
        builder<arrow::Date32Builder>(field).UnsafeAppend(day);
      }
    }
    return arrow::Status::OK();
  }

  arrow::Status reserve() {
    for (auto &builder : builders_) ARROW_RETURN_NOT_OK(builder->Reserve(chunk_rows));
    ARROW_RETURN_NOT_OK(partition_.Reserve(chunk_rows));
    return offset_.Reserve(chunk_rows);
  }

  arrow::Status flush() {
    if (rows_ == 0) return arrow::Status::OK();
    std::vector<std::shared_ptr<arrow::Array>> columns(field_count + 2);
    for (size_t field = 0; field < field_count; field++) {
      ARROW_RETURN_NOT_OK(builders_[field]->Finish(&columns[field]));
    }
    ARROW_RETURN_NOT_OK(partition_.Finish(&columns[field_count]));
    ARROW_RETURN_NOT_OK(offset_.Finish(&columns[field_count + 1]));
    ARROW_RETURN_NOT_OK(writer_->WriteRecordBatch(*arrow::RecordBatch::Make(schema_, rows_, columns)));
    rows_ = 0;
    return reserve();
  }

  simdjson::dom::parser parser_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  arrow::Int32Builder partition_;
  arrow::Int64Builder offset_;
  std::shared_ptr<arrow::io::BufferOutputStream> sink_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  int64_t rows_ = 0;
  int32_t number_ = 0;
};

// Writes it as a durable file; negative where that fails.
inline int64_t write_file(const arrow::Buffer &buffer, const char *path) {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return -1;
  const bool done = write(file, buffer.data(), static_cast<size_t>(buffer.size())) == buffer.size() && fsync(file) == 0;
  return close(file) == 0 && done ? buffer.size() : -1;
}

}  // namespace baseline
