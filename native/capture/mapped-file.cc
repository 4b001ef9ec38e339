#include "capture/mapped-file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hellotap {

int MappedFile::open(const char* path) {
  close();
  const int file = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return errno;
  struct stat status;
  int error = 0;
  if (fstat(file, &status) != 0) {
    error = errno;
  } else if (S_ISDIR(status.st_mode)) {
    error = EISDIR;
  } else if (!S_ISREG(status.st_mode)) {
    error = ENODEV;
  } else if (status.st_size > 0) {
    const auto size = static_cast<size_t>(status.st_size);
    void* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED) {
      error = errno;
    } else {
      memory_ = static_cast<uint8_t*>(memory);
      size_ = size;
      madvise(memory, size, MADV_SEQUENTIAL);
    }
  }
  ::close(file);
  return error;
}

void MappedFile::close() {
  if (memory_) munmap(memory_, size_);
  memory_ = nullptr;
  size_ = 0;
}

}  // namespace hellotap
