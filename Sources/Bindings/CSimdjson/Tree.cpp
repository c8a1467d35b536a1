#include "Faults.h"

#include <memory>

using namespace simdjson;

namespace {

// The DOM parser validates the whole document; the on-demand one then gives each number as the document has it,
// which the DOM, holding doubles, cannot.
struct tree {
    dom::parser validator;
    ondemand::parser walker;
    size_t maximum_depth = 0;
    std::vector<char> padded;
    std::vector<pregao_json_node> nodes;
    std::string detail;
    bool check_texts = false;

    int fail(int code, std::string_view about) {
        detail.assign(about);
        return code;
    }

    int fail(error_code error) { return fail(pregao::code_of(error), error_message(error)); }

    int read(const char *bytes, size_t length, size_t depth) {
        nodes.clear();
        padded.resize(length + SIMDJSON_PADDING);
        std::copy_n(bytes, length, padded.data());
        if (depth != maximum_depth) {
            const size_t capacity = std::max(length, size_t(1024));
            if (auto error = validator.allocate(capacity, pregao::simdjson_depth(depth))) return fail(error);
            // On-demand counts the document itself and its innermost values as levels.
            if (auto error = walker.allocate(capacity, pregao::simdjson_depth(depth) + 2)) return fail(error);
            maximum_depth = depth;
        }
        if (auto error = validator.parse(padded.data(), length, false).error()) return fail(error);
        check_texts = pregao::has_unicode_escape({bytes, length});
        ondemand::document document;
        if (auto error = walker.iterate(padded.data(), length, padded.size()).get(document)) return fail(error);
        return walk(document, {});
    }

    template <typename Value> int walk(Value &value, std::string_view key) {
        ondemand::json_type type;
        if (auto error = value.type().get(type)) return fail(error);
        const size_t index = nodes.size();
        nodes.push_back({key.data(), key.size(), nullptr, 0, 0, PREGAO_JSON_NODE_NULL, false});
        switch (type) {
        case ondemand::json_type::null: return PREGAO_JSON_OK;
        case ondemand::json_type::boolean:
            nodes[index].kind = PREGAO_JSON_NODE_BOOLEAN;
            if (auto error = value.get_bool().get(nodes[index].boolean)) return fail(error);
            return PREGAO_JSON_OK;
        case ondemand::json_type::number: return number(value, index);
        case ondemand::json_type::string: return string(value, index);
        case ondemand::json_type::array: return array(value, index);
        case ondemand::json_type::object: return object(value, index);
        }
        return fail(PREGAO_JSON_MALFORMED, "a value of no known type");
    }

    template <typename Value> int number(Value &value, size_t index) {
        std::string_view token;
        if (auto error = simdjson_result<std::string_view>(value.raw_json_token()).get(token)) return fail(error);
        const size_t end = token.find_last_not_of(" \t\r\n");
        nodes[index].kind = PREGAO_JSON_NODE_NUMBER;
        nodes[index].text = token.data();
        nodes[index].length = end == std::string_view::npos ? 0 : end + 1;
        return PREGAO_JSON_OK;
    }

    template <typename Value> int string(Value &value, size_t index) {
        std::string_view text;
        if (auto error = value.get_string().get(text)) return fail(error);
        if (check_texts && !pregao::is_text(text)) return fail(PREGAO_JSON_MALFORMED, "a surrogate without its pair");
        nodes[index].kind = PREGAO_JSON_NODE_STRING;
        nodes[index].text = text.data();
        nodes[index].length = text.size();
        return PREGAO_JSON_OK;
    }

    template <typename Value> int array(Value &value, size_t index) {
        ondemand::array elements;
        if (auto error = value.get_array().get(elements)) return fail(error);
        size_t count = 0;
        for (auto element : elements) {
            ondemand::value child;
            if (auto error = std::move(element).get(child)) return fail(error);
            if (int code = walk(child, {})) return code;
            count++;
        }
        nodes[index].kind = PREGAO_JSON_NODE_ARRAY;
        nodes[index].count = count;
        return PREGAO_JSON_OK;
    }

    template <typename Value> int object(Value &value, size_t index) {
        ondemand::object members;
        if (auto error = value.get_object().get(members)) return fail(error);
        std::vector<std::string_view> keys;
        for (auto result : members) {
            ondemand::field member;
            if (auto error = std::move(result).get(member)) return fail(error);
            std::string_view key;
            if (auto error = member.unescaped_key().get(key)) return fail(error);
            if (check_texts && !pregao::is_text(key)) return fail(PREGAO_JSON_MALFORMED, "a surrogate without its pair");
            keys.push_back(key);
            if (int code = walk(member.value(), key)) return code;
        }
        nodes[index].kind = PREGAO_JSON_NODE_OBJECT;
        nodes[index].count = keys.size();
        if (auto *key = pregao::duplicate(keys)) return fail(PREGAO_JSON_DUPLICATE_KEY, *key);
        return PREGAO_JSON_OK;
    }
};

thread_local tree small_documents;
thread_local std::unique_ptr<tree> large_document;

}  // namespace

int pregao_json_tree_read(
    const char *bytes, size_t length, size_t maximum_bytes, size_t maximum_depth, const pregao_json_node **nodes,
    const char **detail, size_t *detail_length) noexcept {
    if (length > maximum_bytes) {
        *detail_length = 0;
        return PREGAO_JSON_TOO_LARGE;
    }
    if (length > pregao::kept) large_document = std::make_unique<tree>();
    tree &used = length > pregao::kept ? *large_document : small_documents;
    const int code = used.read(bytes, length, maximum_depth);
    *nodes = used.nodes.data();
    *detail = used.detail.data();
    *detail_length = used.detail.size();
    return code;
}

void pregao_json_tree_forget(void) noexcept { large_document.reset(); }
