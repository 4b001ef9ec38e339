#include "core/batch-queue.h"

#include <cstring>

#include "core/batch.h"

namespace hellotap {

void BatchQueue::push(const uint8_t* batch, size_t bytes) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (bytes_ + bytes > kMaxBytes) {
      dropped_ += countRecords(batch, bytes);
      return;
    }
    batches_.emplace_back(batch, batch + bytes);
    bytes_ += bytes;
  }
  wake_();
}

void BatchQueue::end() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    --writers_;
  }
  wake_();
}

size_t BatchQueue::take(uint8_t* out, size_t size) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (batches_.empty() || batches_.front().size() > size) return 0;
  const size_t bytes = batches_.front().size();
  std::memcpy(out, batches_.front().data(), bytes);
  batches_.pop_front();
  bytes_ -= bytes;
  return bytes;
}

bool BatchQueue::isEnded() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return writers_ == 0 && batches_.empty();
}

uint64_t BatchQueue::dropped() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return dropped_;
}

}  // namespace hellotap
