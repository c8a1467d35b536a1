// Keeps C++ exceptions on this side of the C interface.
#pragma once
#include <arrow/status.h>

#include <cstring>
#include <exception>
#include <string>

namespace pregao {

// For C to free; never null, since null means success.
inline char *message(const std::string &text) noexcept {
  if (char *copy = strdup(text.c_str())) return copy;
  std::terminate();
}

// Runs `body`, which returns an arrow::Status; a thrown exception is a failure like another.
template <typename Body>
char *guarded(Body &&body) noexcept {
  try {
    arrow::Status status = body();
    return status.ok() ? nullptr : message(status.ToString());
  } catch (const std::exception &exception) {
    return message(exception.what());
  } catch (...) {
    return message("an unknown C++ exception");
  }
}

}  // namespace pregao
