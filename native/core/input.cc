#include "core/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
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

ReadStatus CaptureInput::read(FrameBatch& out, Notes& notes) {
  for (;;) {
    const ReadStatus status = window_.read(last_, out, notes);
    if (stop_ == Stop::kToBeTold) {
      notes.anomalies.report(stopped_.code, stopped_.offset, kNoTime, "%s", stopped_.detail);
      ++notes.counters.damagedRecords;
      stop_ = Stop::kTold;
    }
    if (status != ReadStatus::kStarved) return status;
    // The frames point into the window: they go first.
    if (out.count > 0) return ReadStatus::kMore;
    const Fetched fetched = most_ > 0 ? refill() : Fetched::kEnd;
    if (fetched == Fetched::kNotNow) return ReadStatus::kStarved;
    if (fetched == Fetched::kEnd) last_ = true;
  }
}

void CaptureInput::stopFor(AnomalyCode code, int64_t offset, const char* why) {
  if (stop_ != Stop::kNone) return;
  stop_ = Stop::kToBeTold;
  stopped_.code = code;
  stopped_.offset = offset;
  std::snprintf(stopped_.detail, sizeof stopped_.detail, "%s", why);
}

CaptureInput::Fetched CaptureInput::refill() {
  size_t got = 0;
  const size_t wanted = std::min({most_, kReadBytes, unpacker_ ? kReadBytes : fetchable()});
  const Fetched fetched = unpacker_ ? unpack(wanted, got) : fetch(window_.room(wanted), wanted, got);
  window_.add(got);
  most_ -= got < most_ ? got : most_;
  if (packing_ == Packing::kUndecided && (window_.held().size() >= kMagicBytes || fetched == Fetched::kEnd))
    findPacking();
  return fetched;
}

void CaptureInput::findPacking() {
  const Datum held = window_.held();
  packing_ = packingOf(held);
  if (packing_ == Packing::kNone) return;
  unpacker_ = makeUnpacker(packing_);
  packed_.assign(held.data(), held.data() + held.size());
  packedEnd_ = packed_.size();
  most_ += packedEnd_;  // it counts what is unpacked
  window_.clear();
}

// Fills the room in the window, unless there is no more to unpack: so whoever reads gets large pieces, and however much
// a little unpacks to, it takes no more than that room.
CaptureInput::Fetched CaptureInput::unpack(size_t wanted, size_t& filled) {
  uint8_t* out = window_.room(wanted);
  while (filled < wanted) {
    if (packedBegin_ == packedEnd_ && !holdsMore_) {
      const size_t room = std::min(kReadBytes, fetchable());
      if (packed_.size() < room) packed_.resize(room);
      packedBegin_ = packedEnd_ = 0;
      size_t got = 0;
      const Fetched fetched = fetch(packed_.data(), room, got);
      packedEnd_ = got;
      if (fetched == Fetched::kEnd && !unpacker_->isWhole())
        stopFor(AnomalyCode::truncated_compression, unpackedAt_, "the compressed data ends before its end");
      if (fetched != Fetched::kBytes) return filled > 0 ? Fetched::kBytes : fetched;
    }
    Datum packed(packed_.data() + packedBegin_, packedEnd_ - packedBegin_);
    const size_t before = packed.size();
    size_t made = 0;
    const bool isGood = unpacker_->unpack(packed, out + filled, wanted - filled, made);
    filled += made;
    packedBegin_ = packedEnd_ - packed.size();
    unpackedAt_ += static_cast<int64_t>(before - packed.size());
    holdsMore_ = filled == wanted;
    if (isGood && (made > 0 || packed.size() < before || packed.empty())) continue;
    char why[160];
    std::snprintf(why, sizeof why, "the compressed data is damaged (%s)", isGood ? "no progress" : unpacker_->why());
    stopFor(AnomalyCode::damaged_compression, unpackedAt_, why);
    return Fetched::kEnd;
  }
  return Fetched::kBytes;
}

bool PiecewiseCapture::continuePcap(Datum header, int64_t offset, size_t delivered) {
  setPlain();
  return window().reader().continuePcap(header.peek<PcapReader::kFileHeaderBytes>(), offset, delivered);
}

void PiecewiseCapture::push(Datum piece) {
  piece_.assign(piece.data(), piece.data() + piece.size());
  taken_ = 0;
}

ReadStatus PiecewiseCapture::read(FrameBatch& out, Notes& notes) {
  out.input = input_;
  notes.select(input_);
  return CaptureInput::read(out, notes);
}

CaptureInput::Fetched PiecewiseCapture::fetch(uint8_t* room, size_t size, size_t& got) {
  const Datum rest = Datum(piece_.data(), piece_.size()).behind(taken_).first(size);
  if (rest.empty()) return ended_ ? Fetched::kEnd : Fetched::kNotNow;
  std::memcpy(room, rest.data(), rest.size());
  taken_ += got = rest.size();
  return Fetched::kBytes;
}

FileCapture::~FileCapture() {
  if (file_ >= 0) ::close(file_);
}

int FileCapture::open(const char* path, bool follow) {
  follow_ = follow;
  file_ = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) return errno;
  struct stat status;
  if (fstat(file_, &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (!S_ISREG(status.st_mode)) return ENODEV;
#ifdef POSIX_FADV_SEQUENTIAL
  posix_fadvise(file_, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
  if (refill() == Fetched::kEnd) setLast();
  // What was read first may have turned out to be packed.
  if (window().held().empty() && !isLast() && refill() == Fetched::kEnd) setLast();
  if (error_ != 0) return error_;
  window().sniff(isLast());
  return 0;
}

CaptureInput::Fetched FileCapture::fetch(uint8_t* room, size_t size, size_t& got) {
  ssize_t bytes;
  do {
    bytes = ::read(file_, room, size);
  } while (bytes < 0 && errno == EINTR);
  if (bytes > 0) {
    got = static_cast<size_t>(bytes);
    size_ += bytes;
    return Fetched::kBytes;
  }
  if (bytes == 0) return follow_ ? Fetched::kNotNow : Fetched::kEnd;
  error_ = errno;
  char why[160];
  std::snprintf(why, sizeof why, "reading stopped: %s", std::strerror(error_));
  stopFor(AnomalyCode::read_error, size_, why);
  return Fetched::kEnd;
}

void FrameQueue::push(Datum frames) {
  held_.assign(frames.data(), frames.data() + frames.size());
  read_ = 0;
}

ReadStatus FrameQueue::read(FrameBatch& out, Notes& notes) {
  out.input = input_;
  notes.select(input_);
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
