#pragma once

#include "CSimdjson.h"

#define SIMDJSON_EXCEPTIONS 0
#include <algorithm>
#include <exception>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pregao {

inline int code_of(simdjson::error_code error) {
    switch (error) {
    case simdjson::SUCCESS: return PREGAO_JSON_OK;
    case simdjson::UTF8_ERROR: return PREGAO_JSON_NOT_UTF8;
    case simdjson::CAPACITY: return PREGAO_JSON_TOO_LARGE;
    case simdjson::DEPTH_ERROR: return PREGAO_JSON_TOO_DEEP;
    case simdjson::NUMBER_ERROR: return PREGAO_JSON_NUMBER;
    // The bytes are not to blame.
    case simdjson::MEMALLOC: std::terminate();
    default: return PREGAO_JSON_MALFORMED;
    }
}

// A larger document's buffers, many times its size, are not kept.
constexpr size_t kept = 1 << 16;

// simdjson refuses at as many levels as it is told, of those that hold something.
constexpr size_t simdjson_depth(size_t maximum_depth) { return maximum_depth + 1; }

// simdjson 3.0.1 writes a lone low surrogate (\udc00) as three bytes that are no UTF-8.
inline bool is_text(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

inline bool has_unicode_escape(std::string_view bytes) { return bytes.find("\\u") != std::string_view::npos; }

// Sorts the keys. Gives the first that is there twice, or none.
inline const std::string_view *duplicate(std::vector<std::string_view> &keys) {
    if (keys.size() < 2) return nullptr;
    std::sort(keys.begin(), keys.end());
    auto found = std::adjacent_find(keys.begin(), keys.end());
    return found == keys.end() ? nullptr : &*found;
}

}  // namespace pregao
