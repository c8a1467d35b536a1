#include "Faults.h"

using namespace simdjson;

struct pregao_json_reader {
    dom::parser parser;
    size_t maximum_bytes;
    size_t maximum_depth;
    std::vector<std::string> names;
    std::vector<pregao_json_slot> slots;
    std::vector<std::string_view> strangers;
    std::string detail;

    void allocate() {
        // A failure shows again, as an error, in the next read.
        (void)parser.allocate(1024, pregao::simdjson_depth(maximum_depth));
    }

    int fail(int code, std::string_view about) {
        detail.assign(about);
        return code;
    }

    int fail(error_code error) { return fail(pregao::code_of(error), error_message(error)); }

    // Messages of one writer have their members in one order, so the field after the last one found is tried first.
    size_t index_of(std::string_view key, size_t expected) const {
        const size_t count = names.size();
        if (expected < count && names[expected] == key) return expected;
        for (size_t index = 0; index < count; index++) {
            if (names[index] == key) return index;
        }
        return count;
    }
};

static void fill(pregao_json_slot &slot, dom::element value) {
    switch (value.type()) {
    case dom::element_type::STRING: {
        std::string_view text;
        if (value.get(text)) break;
        slot.kind = PREGAO_JSON_STRING;
        slot.text = text.data();
        slot.length = text.size();
        return;
    }
    case dom::element_type::INT64:
        if (value.get(slot.integer)) break;
        slot.kind = PREGAO_JSON_INTEGER;
        return;
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
        if (value.get(slot.number)) break;
        slot.kind = PREGAO_JSON_DOUBLE;
        return;
    case dom::element_type::BOOL:
        if (value.get(slot.boolean)) break;
        slot.kind = PREGAO_JSON_BOOLEAN;
        return;
    case dom::element_type::NULL_VALUE:
        slot.kind = PREGAO_JSON_NULL;
        return;
    default: break;
    }
    slot.kind = PREGAO_JSON_OTHER;
}

pregao_json_reader *pregao_json_reader_new(size_t maximum_bytes, size_t maximum_depth) noexcept {
    auto *reader = new pregao_json_reader;
    reader->maximum_bytes = maximum_bytes;
    reader->maximum_depth = maximum_depth;
    reader->allocate();
    return reader;
}

void pregao_json_reader_add_field(pregao_json_reader *reader, const char *name, size_t length) noexcept {
    reader->names.emplace_back(name, length);
    reader->slots.push_back({});
}

void pregao_json_reader_free(pregao_json_reader *reader) noexcept { delete reader; }

int pregao_json_reader_read(pregao_json_reader *reader, const char *bytes, size_t length) noexcept {
    std::fill(reader->slots.begin(), reader->slots.end(), pregao_json_slot{});
    if (length > reader->maximum_bytes) return reader->fail(PREGAO_JSON_TOO_LARGE, "");
    dom::element root;
    if (auto error = reader->parser.parse(bytes, length, true).get(root)) return reader->fail(error);
    dom::object object;
    if (root.get(object)) return reader->fail(PREGAO_JSON_NOT_AN_OBJECT, "");

    const bool check_texts = pregao::has_unicode_escape({bytes, length});
    reader->strangers.clear();
    size_t expected = 0;
    for (auto member : object) {
        const size_t index = reader->index_of(member.key, expected);
        if (index == reader->names.size()) {
            reader->strangers.push_back(member.key);
            continue;
        }
        auto &slot = reader->slots[index];
        if (slot.kind != PREGAO_JSON_MISSING) return reader->fail(PREGAO_JSON_DUPLICATE_KEY, member.key);
        fill(slot, member.value);
        if (check_texts && slot.kind == PREGAO_JSON_STRING && !pregao::is_text({slot.text, slot.length})) {
            return reader->fail(PREGAO_JSON_MALFORMED, "a surrogate without its pair");
        }
        expected = index + 1;
    }
    if (auto *key = pregao::duplicate(reader->strangers)) return reader->fail(PREGAO_JSON_DUPLICATE_KEY, *key);
    return PREGAO_JSON_OK;
}

void pregao_json_reader_forget(pregao_json_reader *reader) noexcept {
    if (reader->parser.capacity() <= pregao::kept) return;
    reader->parser = dom::parser();
    reader->allocate();
}

const pregao_json_slot *pregao_json_reader_slots(const pregao_json_reader *reader) noexcept { return reader->slots.data(); }

const char *pregao_json_reader_detail(const pregao_json_reader *reader, size_t *length) noexcept {
    *length = reader->detail.size();
    return reader->detail.data();
}
