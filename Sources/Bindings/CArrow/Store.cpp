#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/util/io_util.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CArrow.h"
#include "Guard.h"
#include "Store.h"

using pregao::guarded;

// Arrow says that a path is not there by an error that carries ENOENT.
static bool is_absent(const arrow::Status &status) {
  return !status.ok() && arrow::internal::ErrnoFromStatus(status) == ENOENT;
}

// Google lists nothing in a folder that is not there, and refuses in a bucket that is not; to ask for the bucket itself
// takes a right that those who use its objects need not have.
static arrow::Status lists(arrow::fs::FileSystem &files, const char *bucket, bool *there) {
  arrow::fs::FileSelector selector;
  selector.base_dir = std::string(bucket) + "/pregao-looks-whether-the-bucket-is-there";
  const auto listed = files.GetFileInfo(selector);
  *there = !is_absent(listed.status());
  // Of the folder Arrow says so by words alone.
  const bool is_folder_missing = listed.status().message().starts_with("No such file or directory");
  return *there && !listed.ok() && !is_folder_missing ? listed.status() : arrow::Status::OK();
}

char *pregao_store_has(struct pregao_store *store, const char *bucket, bool *there) noexcept {
  return guarded([&]() -> arrow::Status {
    if (store->has_no_folders) return lists(*store->files, bucket, there);
    ARROW_ASSIGN_OR_RAISE(auto info, store->files->GetFileInfo(bucket));
    *there = info.type() != arrow::fs::FileType::NotFound;
    return arrow::Status::OK();
  });
}

// Asks for the object alone; Arrow's GetFileInfo would go on to look for a folder of the name.
char *pregao_store_size(struct pregao_store *store, const char *path, int64_t *size) noexcept {
  return guarded([&]() -> arrow::Status {
    *size = -1;
    auto file = store->files->OpenInputFile(path);
    if (is_absent(file.status())) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(file.status());
    return (*file)->GetSize().Value(size);
  });
}

char *pregao_store_read(struct pregao_store *store, const char *path, struct pregao_bytes *bytes) noexcept {
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

namespace {

// An object being written. However it ends, an exception included, what is not there whole is never seen.
class Upload {
 public:
  Upload(pregao_store &store, std::shared_ptr<arrow::io::OutputStream> stream, size_t &left) noexcept
      : store_(store), stream_(std::move(stream)), left_(left) {}
  Upload(const Upload &) = delete;

  ~Upload() {
    // Arrow's stream to Google, dropped, leaves what is half written.
    if (!stream_ || store_.aborts_by_dropping || pregao::aborted(*stream_)) return;
    if (store_.half_written.keep(std::move(stream_))) left_++;
  }

  arrow::Status write(const uint8_t *start, size_t count) {
    ARROW_RETURN_NOT_OK(stream_->Write(start, static_cast<int64_t>(count)));
    ARROW_RETURN_NOT_OK(stream_->Close());
    stream_.reset();
    return arrow::Status::OK();
  }

 private:
  pregao_store &store_;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  size_t &left_;
};

}  // namespace

char *pregao_store_write(struct pregao_store *store, const char *path, const uint8_t *start, size_t count,
                         size_t *left) noexcept {
  *left = 0;
  return guarded([&]() -> arrow::Status {
    *left = store->half_written.give_up();
    ARROW_ASSIGN_OR_RAISE(auto stream, store->files->OpenOutputStream(path, nullptr));
    return Upload(*store, std::move(stream), *left).write(start, count);
  });
}

void pregao_store_close(struct pregao_store *store) noexcept { delete store; }

char *pregao_store_remove(struct pregao_store *store, const char *path) noexcept {
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

char *pregao_store_list(struct pregao_store *store, const char *path, struct pregao_store_listing **listing) noexcept {
  return guarded([&]() -> arrow::Status {
    arrow::fs::FileSelector selector;
    selector.base_dir = path;
    selector.allow_not_found = true;
    selector.recursive = store->has_no_folders;
    ARROW_ASSIGN_OR_RAISE(auto infos, store->files->GetFileInfo(selector));
    auto made = std::make_unique<pregao_store_listing>();
    made->entries.reserve(infos.size());
    for (const auto &info : infos) {
      const bool is_folder = info.type() == arrow::fs::FileType::Directory;
      if (is_folder ? store->has_no_folders : info.type() != arrow::fs::FileType::File) continue;
      made->entries.push_back({info.path().substr(selector.base_dir.size() + 1) + (is_folder ? "/" : ""),
                               is_folder ? 0 : info.size(),
                               is_folder ? 0 : microseconds(info.mtime()), is_folder});
    }
    std::sort(made->entries.begin(), made->entries.end(),
              [](const auto &one, const auto &other) { return one.name < other.name; });
    *listing = made.release();
    return arrow::Status::OK();
  });
}

size_t pregao_store_listing_count(const struct pregao_store_listing *listing) noexcept {
  return listing->entries.size();
}

struct pregao_store_entry pregao_store_listing_entry(const struct pregao_store_listing *listing,
                                                     size_t entry) noexcept {
  const auto &found = listing->entries[entry];
  return {found.name.c_str(), found.size, found.modified, found.is_folder};
}

void pregao_store_listing_free(struct pregao_store_listing *listing) noexcept { delete listing; }
