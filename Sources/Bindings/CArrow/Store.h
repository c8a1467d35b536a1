// What the store's two source files share.
#pragma once
#include <arrow/filesystem/filesystem.h>
#include <arrow/io/interfaces.h>

#include <memory>
#include <mutex>
#include <vector>

struct pregao_store {
  std::shared_ptr<arrow::fs::FileSystem> files;
  // Arrow's stream to Google finishes a half-written object when it is aborted, and leaves it when it is dropped.
  bool aborts_by_dropping = false;

  // Arrow's other streams finish what was written when they are dropped, and a half-written object must never be seen:
  // one that could not be aborted, since the store did not answer, is kept until it can be.
  std::mutex mutex;
  std::vector<std::shared_ptr<arrow::io::OutputStream>> half_written;
};
