#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <utility>
#include <vector>

namespace baseline {

// A client of librdkafka's; none where a property or the library says no, which is told on standard error.
struct Client {
  rd_kafka_t *handle = nullptr;

  Client(rd_kafka_type_t type, const std::vector<std::pair<const char *, const char *>> &properties) {
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    char words[512];
    for (const auto &[name, value] : properties) {
      if (rd_kafka_conf_set(configuration, name, value, words, sizeof words) == RD_KAFKA_CONF_OK) continue;
      fprintf(stderr, "%s\n", words);
      rd_kafka_conf_destroy(configuration);
      return;
    }
    handle = rd_kafka_new(type, configuration, words, sizeof words);
    if (handle) {
      if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(handle);
      return;
    }
    fprintf(stderr, "%s\n", words);
    rd_kafka_conf_destroy(configuration);
  }

  ~Client() {
    if (handle) rd_kafka_destroy(handle);
  }

  Client(const Client &) = delete;
  Client &operator=(const Client &) = delete;
};

// All of a topic's partitions.
struct Partitions {
  rd_kafka_topic_partition_list_t *list;

  Partitions(const char *topic, int32_t count) : list(rd_kafka_topic_partition_list_new(count)) {
    for (int32_t partition = 0; partition < count; partition++) {
      rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
  }

  ~Partitions() { rd_kafka_topic_partition_list_destroy(list); }

  Partitions(const Partitions &) = delete;
  Partitions &operator=(const Partitions &) = delete;
};

}  // namespace baseline
