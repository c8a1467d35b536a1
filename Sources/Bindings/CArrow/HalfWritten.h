// Uploads in parts that broke off and that the store has not forgotten yet.
#pragma once
#include <arrow/io/interfaces.h>

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>

namespace pregao {

// Whether the store has forgotten the upload.
bool aborted(arrow::io::OutputStream &stream) noexcept;

// Arrow's streams finish what was written when they are dropped, and a half-written object must never be seen: one that
// could not be aborted, since the store did not answer, is kept, and the store asked again before a later write.
//
// So many are kept, and each is asked about so often. The others are left to the store, whose rule for unfinished
// uploads drops their parts; here each keeps its stream, which is small, its bytes having been the caller's.
class HalfWritten {
 public:
  // Asks the store to forget what is kept, as long as it does: a refusal may take as long as a request.
  //
  // Returns how many were left to the store.
  size_t give_up() noexcept;

  // Keeps a stream that could not be aborted. Returns how many were left to the store to make room for it.
  size_t keep(std::shared_ptr<arrow::io::OutputStream> stream) noexcept;

  ~HalfWritten();

 private:
  static constexpr size_t kept_at_most = 16;
  static constexpr int asked_at_most = 5;

  struct Kept {
    std::shared_ptr<arrow::io::OutputStream> stream;
    int asked = 1;
  };

  // Not held while the store is asked.
  std::mutex mutex_;
  // Those about which the store was not asked for the longest time come first.
  std::array<Kept, kept_at_most> kept_;
  size_t count_ = 0;

  // Without a stream where nothing is kept.
  Kept take() noexcept;
  size_t put(Kept kept) noexcept;
  Kept take_first() noexcept;
};

}  // namespace pregao
