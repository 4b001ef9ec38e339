#include "core/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace hellotap {

namespace {
// Fits into the cache of one core, and is large enough that system calls don't count.
constexpr size_t kReadBytes = 256 * 1024;
}  // namespace

ReadStatus CaptureWindow::read(bool last, FrameBatch& out, Notes& notes) {
  Datum rest(held_.data() + begin_, end_ - begin_);
  const ReadStatus status = reader_.read(rest, last, out, notes);
  begin_ = end_ - rest.size();
  return status;
}

void CaptureWindow::sniff(bool last) {
  Datum rest(held_.data() + begin_, end_ - begin_);
  reader_.sniff(rest, last);
  begin_ = end_ - rest.size();
}

uint8_t* CaptureWindow::room(size_t bytes) {
  if (begin_ > 0) std::memmove(held_.data(), held_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (held_.size() < end_ + bytes) held_.resize(end_ + bytes);
  return held_.data() + end_;
}

void PiecewiseCapture::push(Datum piece) {
  if (piece.empty()) return;
  std::memcpy(window_.room(piece.size()), piece.data(), piece.size());
  window_.add(piece.size());
}

FileCapture::~FileCapture() {
  if (file_ >= 0) ::close(file_);
}

int FileCapture::open(const char* path) {
  file_ = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) return errno;
  struct stat status;
  if (fstat(file_, &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (!S_ISREG(status.st_mode)) return ENODEV;
#ifdef POSIX_FADV_SEQUENTIAL
  posix_fadvise(file_, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
  if (const int error = refill()) return error;
  window_.sniff(last_);
  return 0;
}

// More of the file; 0, or the system's error number.
int FileCapture::refill() {
  uint8_t* room = window_.room(kReadBytes);
  ssize_t got;
  do {
    got = ::read(file_, room, kReadBytes);
  } while (got < 0 && errno == EINTR);
  last_ = got <= 0;
  if (got < 0) return errno;
  window_.add(static_cast<size_t>(got));
  size_ += got;
  return 0;
}

ReadStatus FileCapture::read(FrameBatch& out, Notes& notes) {
  for (;;) {
    const ReadStatus status = window_.read(last_, out, notes);
    if (status != ReadStatus::kStarved) return status;
    // The frames point into the buffer: they go first.
    if (out.count > 0) return ReadStatus::kMore;
    if (const int error = refill())
      notes.anomalies.report(AnomalyCode::read_error, size_, kNoTime, "reading stopped: %s", std::strerror(error));
  }
}

void FrameQueue::push(Datum frames) {
  held_.assign(frames.data(), frames.data() + frames.size());
  read_ = 0;
}

ReadStatus FrameQueue::read(FrameBatch& out, Notes&) {
  Datum rest(held_.data() + read_, held_.size() - read_);
  while (!out.full()) {
    Datum at = rest, body;
    const auto header = at.take<16>();
    if (!header || !at.take(header.file32<8>(false), body)) break;
    const uint32_t captured = header.file32<8>(false), original = header.file32<12>(false);
    out.add() = Frame{body, original < captured ? captured : original, linkType_,
                      int64_t{header.file32<0>(false)} * 1000000 + header.file32<4>(false), kNoOffset};
    rest = at;
  }
  read_ = held_.size() - rest.size();
  return out.full() ? ReadStatus::kMore : last_ ? ReadStatus::kEnded : ReadStatus::kStarved;
}

}  // namespace hellotap
