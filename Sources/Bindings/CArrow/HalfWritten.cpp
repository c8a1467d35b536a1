#include "HalfWritten.h"

#include <algorithm>
#include <new>
#include <utility>

namespace pregao {

bool aborted(arrow::io::OutputStream &stream) noexcept {
  try {
    return stream.Abort().ok();
  } catch (...) {
    return false;
  }
}

// Never drops the stream: a share of it whose destructor does not run, and that takes no memory of its own.
static void leave(std::shared_ptr<arrow::io::OutputStream> stream) noexcept {
  using Share = std::shared_ptr<arrow::io::OutputStream>;
  alignas(Share) std::byte place[sizeof(Share)];
  new (place) Share(std::move(stream));
}

size_t HalfWritten::give_up() noexcept {
  for (Kept next = take(); next.stream; next = take()) {
    if (aborted(*next.stream)) continue;
    if (++next.asked < asked_at_most) return put(std::move(next));
    leave(std::move(next.stream));
    return 1;
  }
  return 0;
}

size_t HalfWritten::keep(std::shared_ptr<arrow::io::OutputStream> stream) noexcept { return put({std::move(stream)}); }

HalfWritten::Kept HalfWritten::take() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return count_ > 0 ? take_first() : Kept{};
}

size_t HalfWritten::put(Kept kept) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t left = 0;
  if (count_ == kept_.size()) {
    leave(take_first().stream);
    left = 1;
  }
  kept_[count_++] = std::move(kept);
  return left;
}

HalfWritten::Kept HalfWritten::take_first() noexcept {
  Kept first = std::move(kept_[0]);
  std::move(kept_.begin() + 1, kept_.begin() + count_, kept_.begin());
  count_--;
  return first;
}

HalfWritten::~HalfWritten() {
  give_up();
  while (count_ > 0) leave(take_first().stream);
}

}  // namespace pregao
