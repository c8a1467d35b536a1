#include "FlusherBaseline.h"

#include "QuoteFile.h"

namespace {

arrow::Result<std::shared_ptr<arrow::Buffer>> encode(const uint8_t *messages, const size_t *ends, size_t count) {
  baseline::QuoteFile file;
  ARROW_RETURN_NOT_OK(file.open(0));
  size_t start = 0;
  for (size_t message = 0; message < count; message++) {
    ARROW_RETURN_NOT_OK(file.add(messages + start, ends[message] - start, static_cast<int64_t>(message)));
    start = ends[message];
  }
  return file.finish();
}

}  // namespace

int64_t flusher_baseline_run(const uint8_t *messages, const size_t *ends, size_t count, const char *path) {
  auto encoded = encode(messages, ends, count);
  return encoded.ok() ? baseline::write_file(**encoded, path) : -1;
}
