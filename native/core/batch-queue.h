// Batches on their way from capture threads to JavaScript. A tap can't wait for its reader: beyond a bound whole
// batches are dropped, and their records counted.
#ifndef HELLOTAP_CORE_BATCH_QUEUE_H_
#define HELLOTAP_CORE_BATCH_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

namespace hellotap {

class BatchQueue {
 public:
  // `wake` is called, in a writer's thread, when there is something to take or the last writer has ended.
  BatchQueue(unsigned writers, std::function<void()> wake) : wake_(std::move(wake)), writers_(writers) {}

  // Takes a copy of a batch (core/batch.h).
  void push(const uint8_t* batch, size_t bytes);
  // One writer less.
  void end();
  // Copies the oldest batch and returns its length; 0: there is none at the moment.
  size_t take(uint8_t* out, size_t size);
  // Whether nothing waits and nothing will come.
  bool isEnded() const;
  // Records that were dropped because too many bytes were waiting.
  uint64_t dropped() const;

 private:
  static constexpr size_t kMaxBytes = 64 * 1024 * 1024;

  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::deque<std::vector<uint8_t>> batches_;
  size_t bytes_ = 0;
  uint64_t dropped_ = 0;
  unsigned writers_;
};

}  // namespace hellotap

#endif  // HELLOTAP_CORE_BATCH_QUEUE_H_
