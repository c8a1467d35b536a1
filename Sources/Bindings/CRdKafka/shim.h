#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

// rd_kafka_producev is variadic, which Swift does not import. Key and value are copied; the headers are taken over,
// unless it fails.
static inline rd_kafka_resp_err_t crdkafka_produce(rd_kafka_t *client, const char *topic, int32_t partition,
                                                   const void *key, size_t key_length, const void *value,
                                                   size_t value_length, rd_kafka_headers_t *headers, void *opaque) {
    if (headers)
        return rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_length),
                                 RD_KAFKA_V_VALUE((void *)value, value_length), RD_KAFKA_V_HEADERS(headers),
                                 RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
    return rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_length),
                             RD_KAFKA_V_VALUE((void *)value, value_length), RD_KAFKA_V_OPAQUE(opaque),
                             RD_KAFKA_V_END);
}

// Macros that are casts, which Swift does not import.
static const int32_t crdkafka_any_partition = RD_KAFKA_PARTITION_UA;
static const int64_t crdkafka_no_offset = RD_KAFKA_OFFSET_INVALID;
static const int64_t crdkafka_first_offset = RD_KAFKA_OFFSET_BEGINNING;
static const int64_t crdkafka_last_offset = RD_KAFKA_OFFSET_END;
