#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdio>

#include "../../Flusher/Baseline/QuoteFile.h"
#include "Client.h"
#include "KafkaBaseline.h"

namespace {

int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

struct Partition {
  baseline::QuoteFile file;
  size_t message_bytes = 0;
  bool is_open = false;
  bool has_ended = false;
};

class Drain {
 public:
  Drain(int32_t partitions, const char *folder, size_t limit, kafka_drained &drained)
      : partitions_(static_cast<size_t>(partitions)), folder_(folder), limit_(limit), drained_(drained) {}

  arrow::Status take(const rd_kafka_message_t &message) {
    Partition &partition = partitions_[static_cast<size_t>(message.partition)];
    if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      ended_ += partition.has_ended ? 0 : 1;
      partition.has_ended = true;
      return close(partition);
    }
    if (message.err) return arrow::Status::Invalid(rd_kafka_message_errstr(&message));
    if (drained_.messages++ == 0) drained_.began = now();
    if (!partition.is_open) ARROW_RETURN_NOT_OK(partition.file.open(message.partition));
    partition.is_open = true;
    ARROW_RETURN_NOT_OK(partition.file.add(static_cast<const uint8_t *>(message.payload), message.len, message.offset));
    partition.message_bytes += message.len + message.key_len;
    return partition.message_bytes >= limit_ ? close(partition) : arrow::Status::OK();
  }

  bool is_done() const { return ended_ == partitions_.size(); }

 private:
  arrow::Status close(Partition &partition) {
    if (!partition.is_open) return arrow::Status::OK();
    partition.is_open = false;
    partition.message_bytes = 0;
    ARROW_ASSIGN_OR_RAISE(auto encoded, partition.file.finish());
    const std::string path = folder_ + "/" + std::to_string(drained_.files++) + ".parquet";
    if (baseline::write_file(*encoded, path.c_str()) < 0) return arrow::Status::IOError("cannot write ", path);
    drained_.file_bytes += encoded->size();
    return arrow::Status::OK();
  }

  std::vector<Partition> partitions_;
  size_t ended_ = 0;
  std::string folder_;
  size_t limit_;
  kafka_drained &drained_;
};

arrow::Status drain(baseline::Client &client, const char *topic, int32_t partitions, Drain &drain) {
  baseline::Partitions list(topic, partitions);
  if (auto code = rd_kafka_assign(client.handle, list.list)) return arrow::Status::Invalid(rd_kafka_err2str(code));
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client.handle);
  std::vector<rd_kafka_message_t *> messages(1024);
  arrow::Status status;
  while (status.ok() && !drain.is_done()) {
    const ssize_t count = rd_kafka_consume_batch_queue(queue, 100, messages.data(), messages.size());
    for (ssize_t message = 0; message < count; message++) {
      if (status.ok()) status = drain.take(*messages[static_cast<size_t>(message)]);
      rd_kafka_message_destroy(messages[static_cast<size_t>(message)]);
    }
  }
  rd_kafka_queue_destroy(queue);
  return status;
}

}  // namespace

int kafka_baseline_drain(const char *brokers, const char *topic, int32_t partitions, const char *folder,
                         size_t file_message_bytes, struct kafka_drained *drained) {
  *drained = {};
  // Room for all that waits: librdkafka 2.0 sleeps up to a second once its queue was full.
  baseline::Client client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                              {"group.id", "bare"},
                                              {"enable.auto.commit", "false"},
                                              {"enable.auto.offset.store", "false"},
                                              {"enable.partition.eof", "true"},
                                              {"isolation.level", "read_committed"},
                                              {"auto.offset.reset", "earliest"},
                                              {"queued.min.messages", "10000000"},
                                              {"queued.max.messages.kbytes", "2097151"}});
  if (!client.handle) return -1;
  Drain state(partitions, folder, file_message_bytes, *drained);
  const arrow::Status status = drain(client, topic, partitions, state);
  drained->ended = now();
  if (!status.ok()) fprintf(stderr, "the bare loop: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : -1;
}
