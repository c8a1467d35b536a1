#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdio>

#include "Client.h"
#include "KafkaBaseline.h"

namespace {

rd_kafka_resp_err_t commit(baseline::Client &producer, baseline::Client &consumer, const baseline::Partitions &position,
                           const char *topic, const void *value, size_t length) {
  const auto produced = rd_kafka_producev(producer.handle, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                          RD_KAFKA_V_VALUE(const_cast<void *>(value), length), RD_KAFKA_V_END);
  if (produced) return produced;
  if (auto code = rd_kafka_flush(producer.handle, 30000)) return code;
  position.list->elems[0].offset++;
  return rd_kafka_commit(consumer.handle, position.list, 0);
}

}  // namespace

int kafka_baseline_commits(const char *brokers, const char *group, const char *topic, const char *appended_topic,
                           const void *value, size_t value_length, double *seconds, size_t count) {
  baseline::Client producer(
      RD_KAFKA_PRODUCER,
      {{"bootstrap.servers", brokers}, {"enable.idempotence", "true"}, {"compression.codec", "zstd"}});
  baseline::Client consumer(RD_KAFKA_CONSUMER,
                            {{"bootstrap.servers", brokers}, {"group.id", group}, {"enable.auto.commit", "false"}});
  if (!producer.handle || !consumer.handle) return -1;
  baseline::Partitions position(topic, 1);
  position.list->elems[0].offset = 0;
  // The first finds out where the topic and the group are.
  for (size_t round = 0; round <= count; round++) {
    const auto start = std::chrono::steady_clock::now();
    const auto code = commit(producer, consumer, position, appended_topic, value, value_length);
    if (code) {
      fprintf(stderr, "a commit at least once: %s\n", rd_kafka_err2str(code));
      return -1;
    }
    if (round) seconds[round - 1] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return 0;
}
