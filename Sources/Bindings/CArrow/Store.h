// What the store's two source files share.
#pragma once
#include <arrow/filesystem/filesystem.h>
#include <arrow/io/interfaces.h>

#include <memory>

#include "HalfWritten.h"

struct pregao_store {
  std::shared_ptr<arrow::fs::FileSystem> files;
  // Arrow's stream to Google finishes a half-written object when it is aborted, and leaves it when it is dropped.
  bool aborts_by_dropping = false;

  // Arrow lists a folder of Google's by what marks it, and without a mark, as nobody else leaves one, it lists nothing.
  bool has_no_folders = false;

  pregao::HalfWritten half_written;
};
