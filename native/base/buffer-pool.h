// Memory for bytes that are put together: four sizes, kept for reuse, with a count of what is handed out.
#ifndef HELLOTAP_BASE_BUFFER_POOL_H_
#define HELLOTAP_BASE_BUFFER_POOL_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace hellotap {

class BufferPool {
 public:
  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool() {
    for (Free*& list : free_)
      while (list) std::free(pop(list));
  }

  // The smallest size that holds `bytes`; 0 where none does.
  static uint32_t sizeFor(uint32_t bytes) {
    for (const uint32_t size : kSizes)
      if (bytes <= size) return size;
    return 0;
  }

  // A buffer of one of the sizes, or null where the system has none left.
  uint8_t* take(uint32_t size) {
    Free*& list = free_[indexOf(size)];
    void* buffer;
    if (list) {
      buffer = pop(list);
      freeBytes_ -= size;
    } else {
      buffer = std::malloc(size);
    }
    if (buffer) inUse_ += size;
    return static_cast<uint8_t*>(buffer);
  }

  void give(uint8_t* buffer, uint32_t size) {
    if (!buffer) return;
    inUse_ -= size;
    if (freeBytes_ + size > kMaxFreeBytes) return std::free(buffer);
    freeBytes_ += size;
    Free*& list = free_[indexOf(size)];
    Free* entry = reinterpret_cast<Free*>(buffer);
    entry->next = list;
    list = entry;
  }

  size_t inUse() const { return inUse_; }

 private:
  struct Free {
    Free* next;
  };
  static constexpr uint32_t kSizes[] = {2048, 8192, 32768, 65536};
  static constexpr size_t kMaxFreeBytes = 4 << 20;

  static size_t indexOf(uint32_t size) { return size == 2048 ? 0 : size == 8192 ? 1 : size == 32768 ? 2 : 3; }
  static void* pop(Free*& list) {
    Free* entry = list;
    list = entry->next;
    return entry;
  }

  Free* free_[4] = {};
  size_t inUse_ = 0;
  size_t freeBytes_ = 0;
};

}  // namespace hellotap

#endif  // HELLOTAP_BASE_BUFFER_POOL_H_
