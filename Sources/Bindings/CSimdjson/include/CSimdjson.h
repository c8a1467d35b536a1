#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define PREGAO_NOEXCEPT noexcept
#else
#define PREGAO_NOEXCEPT
#endif

// simdjson behind C. Every document is validated as a whole, UTF-8 included, before anything is handed out.
// No exception crosses: without memory the process ends, as it does where Swift finds none. Texts and arrays handed out are valid until the owner's next call.

enum {
    PREGAO_JSON_OK = 0,
    PREGAO_JSON_MALFORMED,
    PREGAO_JSON_NOT_UTF8,
    PREGAO_JSON_TOO_LARGE,
    PREGAO_JSON_TOO_DEEP,
    PREGAO_JSON_NOT_AN_OBJECT,
    PREGAO_JSON_DUPLICATE_KEY,
    PREGAO_JSON_NUMBER,
};

enum {
    PREGAO_JSON_MISSING = 0,
    PREGAO_JSON_NULL,
    PREGAO_JSON_STRING,
    PREGAO_JSON_INTEGER,
    PREGAO_JSON_DOUBLE,
    PREGAO_JSON_BOOLEAN,
    PREGAO_JSON_OTHER,
};

typedef struct {
    const char *text;
    size_t length;
    int64_t integer;
    double number;
    uint8_t kind;
    bool boolean;
} pregao_json_slot;

typedef struct pregao_json_reader pregao_json_reader;

// A level is an object or an array that holds something.
pregao_json_reader *pregao_json_reader_new(size_t maximum_bytes, size_t maximum_depth) PREGAO_NOEXCEPT;
void pregao_json_reader_add_field(pregao_json_reader *reader, const char *name, size_t length) PREGAO_NOEXCEPT;
void pregao_json_reader_free(pregao_json_reader *reader) PREGAO_NOEXCEPT;
// Reads the wanted members of one object; one of the codes above.
int pregao_json_reader_read(pregao_json_reader *reader, const char *bytes, size_t length) PREGAO_NOEXCEPT;
// Gives back what a large document took; the slots' texts are gone.
void pregao_json_reader_forget(pregao_json_reader *reader) PREGAO_NOEXCEPT;
// One slot a field, in the order in which they were added; the place stays the same once all fields are added.
const pregao_json_slot *pregao_json_reader_slots(const pregao_json_reader *reader) PREGAO_NOEXCEPT;
// What the last fault is about: the duplicate key, or simdjson's words.
const char *pregao_json_reader_detail(const pregao_json_reader *reader, size_t *length) PREGAO_NOEXCEPT;

enum {
    PREGAO_JSON_NODE_NULL = 0,
    PREGAO_JSON_NODE_BOOLEAN,
    PREGAO_JSON_NODE_NUMBER,
    PREGAO_JSON_NODE_STRING,
    PREGAO_JSON_NODE_ARRAY,
    PREGAO_JSON_NODE_OBJECT,
};

// A value in document order: an array's or object's `count` children follow it, each with all of its own.
typedef struct {
    const char *key;
    size_t key_length;
    const char *text;  // a string's contents; a number's digits as the document has them
    size_t length;
    size_t count;
    uint8_t kind;
    bool boolean;
} pregao_json_node;

// Reads a whole document with this thread's parser; the nodes are valid until the thread's next call.
int pregao_json_tree_read(
    const char *bytes, size_t length, size_t maximum_bytes, size_t maximum_depth, const pregao_json_node **nodes,
    const char **detail, size_t *detail_length) PREGAO_NOEXCEPT;
// Gives back what a large document took; its nodes are gone.
void pregao_json_tree_forget(void) PREGAO_NOEXCEPT;

#ifdef __cplusplus
}
#endif
