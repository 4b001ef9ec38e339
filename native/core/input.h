// Where frames come from: a mapped file, the pieces of a capture on a stream, or frames that somebody else captured.
#ifndef HELLOTAP_CORE_INPUT_H_
#define HELLOTAP_CORE_INPUT_H_

#include <cstdint>
#include <vector>

#include "base/frame.h"
#include "capture/capture-reader.h"

namespace hellotap {

class Input {
 public:
  virtual ~Input() = default;
  // Fills the batch, whose frames stay valid until the next call of any function of this object.
  virtual ReadStatus read(FrameBatch& out, AnomalyLog& anomalies, Counters& counters) = 0;
};

// A capture that is there as a whole.
class WholeCapture : public Input {
 public:
  explicit WholeCapture(Datum bytes) : rest_(bytes) { reader_.sniff(rest_, true); }
  const CaptureReader& reader() const { return reader_; }
  ReadStatus read(FrameBatch& out, AnomalyLog& anomalies, Counters& counters) override {
    return reader_.read(rest_, true, out, anomalies, counters);
  }

 private:
  Datum rest_;
  CaptureReader reader_;
};

// A capture that comes in pieces. What has not been read of one is kept until the next; the reader bounds how much that can be.
class PiecewiseCapture : public Input {
 public:
  const CaptureReader& reader() const { return reader_; }
  void push(Datum piece) {
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = 0;
    held_.insert(held_.end(), piece.data(), piece.data() + piece.size());
  }
  void end() { last_ = true; }
  ReadStatus read(FrameBatch& out, AnomalyLog& anomalies, Counters& counters) override {
    Datum rest(held_.data() + read_, held_.size() - read_);
    const ReadStatus status = reader_.read(rest, last_, out, anomalies, counters);
    read_ = held_.size() - rest.size();
    return status;
  }

 private:
  CaptureReader reader_;
  std::vector<uint8_t> held_;
  size_t read_ = 0;  // of what is held
  bool last_ = false;
};

// Frames of one link type, each behind a header of 16 bytes like that of a pcap record (little-endian, microseconds).
class FrameQueue : public Input {
 public:
  explicit FrameQueue(uint16_t linkType) : linkType_(linkType) {}
  void push(Datum frames) { held_.assign(frames.data(), frames.data() + frames.size()); read_ = 0; }
  void end() { last_ = true; }
  ReadStatus read(FrameBatch& out, AnomalyLog&, Counters&) override {
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

 private:
  uint16_t linkType_;
  std::vector<uint8_t> held_;
  size_t read_ = 0;
  bool last_ = false;
};

}  // namespace hellotap

#endif  // HELLOTAP_CORE_INPUT_H_
