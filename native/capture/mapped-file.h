// A file in memory, read-only.
#ifndef HELLOTAP_CAPTURE_MAPPED_FILE_H_
#define HELLOTAP_CAPTURE_MAPPED_FILE_H_

#include <cstddef>
#include <cstdint>

#include "base/datum.h"

namespace hellotap {

class MappedFile {
 public:
  MappedFile() = default;
  ~MappedFile() { close(); }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // 0, or the system's error number. A folder is EISDIR, what can't be mapped (a pipe, a device) ENODEV.
  int open(const char* path);
  void close();
  Datum bytes() const { return Datum(memory_, size_); }

 private:
  uint8_t* memory_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hellotap

#endif  // HELLOTAP_CAPTURE_MAPPED_FILE_H_
