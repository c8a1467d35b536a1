#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/util/io_util.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "CArrow.h"
#include "Guard.h"
#include "Store.h"

using pregao::guarded;

// Arrow says that a path is not there by an error that carries ENOENT.
static bool is_absent(const arrow::Status &status) {
  return !status.ok() && arrow::internal::ErrnoFromStatus(status) == ENOENT;
}

char *pregao_store_has(struct pregao_store *store, const char *bucket, bool *there) {
  return guarded([&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(auto info, store->files->GetFileInfo(bucket));
    *there = info.type() != arrow::fs::FileType::NotFound;
    return arrow::Status::OK();
  });
}

// Asks for the object alone; Arrow's GetFileInfo would go on to look for a folder of the name.
char *pregao_store_size(struct pregao_store *store, const char *path, int64_t *size) {
  return guarded([&]() -> arrow::Status {
    *size = -1;
    auto file = store->files->OpenInputFile(path);
    if (is_absent(file.status())) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(file.status());
    return (*file)->GetSize().Value(size);
  });
}

char *pregao_store_read(struct pregao_store *store, const char *path, struct pregao_bytes *bytes) {
  return guarded([&]() -> arrow::Status {
    *bytes = {};
    auto file = store->files->OpenInputFile(path);
    if (is_absent(file.status())) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(file.status());
    ARROW_ASSIGN_OR_RAISE(const int64_t size, (*file)->GetSize());
    auto read = (*file)->ReadAt(0, size);
    if (is_absent(read.status())) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(auto buffer, std::move(read));
    if (buffer->size() != size) {
      return arrow::Status::IOError("NETWORK_CONNECTION: ", buffer->size(), " of ", size, " bytes arrived");
    }
    bytes->start = buffer->data();
    bytes->count = static_cast<size_t>(size);
    bytes->owner = new std::shared_ptr<arrow::Buffer>(std::move(buffer));
    return arrow::Status::OK();
  });
}

static void abort_half_written(pregao_store &store) {
  const std::lock_guard<std::mutex> lock(store.mutex);
  std::erase_if(store.half_written, [](const auto &stream) { return stream->Abort().ok(); });
}

static void drop(pregao_store &store, std::shared_ptr<arrow::io::OutputStream> stream) {
  if (store.aborts_by_dropping || stream->Abort().ok()) return;
  const std::lock_guard<std::mutex> lock(store.mutex);
  store.half_written.push_back(std::move(stream));
}

char *pregao_store_write(struct pregao_store *store, const char *path, const uint8_t *start, size_t count) {
  return guarded([&]() -> arrow::Status {
    abort_half_written(*store);
    ARROW_ASSIGN_OR_RAISE(auto stream, store->files->OpenOutputStream(path, nullptr));
    arrow::Status status = stream->Write(start, static_cast<int64_t>(count));
    if (status.ok()) status = stream->Close();
    if (!status.ok()) drop(*store, std::move(stream));
    return status;
  });
}

void pregao_store_close(struct pregao_store *store) {
  abort_half_written(*store);
  // What could not be aborted until now is never dropped.
  static_cast<void>(new std::vector(std::move(store->half_written)));
  delete store;
}

char *pregao_store_remove(struct pregao_store *store, const char *path) {
  return guarded([&]() -> arrow::Status {
    const arrow::Status status = store->files->DeleteFile(path);
    return is_absent(status) ? arrow::Status::OK() : status;
  });
}

struct pregao_store_listing {
  struct Entry {
    std::string name;
    int64_t size;
    int64_t modified;
    bool is_folder;
  };
  std::vector<Entry> entries;
};

static int64_t microseconds(arrow::fs::TimePoint time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

char *pregao_store_list(struct pregao_store *store, const char *path, struct pregao_store_listing **listing) {
  return guarded([&]() -> arrow::Status {
    arrow::fs::FileSelector selector;
    selector.base_dir = path;
    selector.allow_not_found = true;
    ARROW_ASSIGN_OR_RAISE(auto infos, store->files->GetFileInfo(selector));
    auto made = std::make_unique<pregao_store_listing>();
    made->entries.reserve(infos.size());
    for (const auto &info : infos) {
      const bool is_folder = info.type() == arrow::fs::FileType::Directory;
      if (!is_folder && info.type() != arrow::fs::FileType::File) continue;
      made->entries.push_back({info.base_name() + (is_folder ? "/" : ""), is_folder ? 0 : info.size(),
                               is_folder ? 0 : microseconds(info.mtime()), is_folder});
    }
    std::sort(made->entries.begin(), made->entries.end(),
              [](const auto &one, const auto &other) { return one.name < other.name; });
    *listing = made.release();
    return arrow::Status::OK();
  });
}

size_t pregao_store_listing_count(const struct pregao_store_listing *listing) { return listing->entries.size(); }

struct pregao_store_entry pregao_store_listing_entry(const struct pregao_store_listing *listing, size_t entry) {
  const auto &found = listing->entries[entry];
  return {found.name.c_str(), found.size, found.modified, found.is_folder};
}

void pregao_store_listing_free(struct pregao_store_listing *listing) { delete listing; }
