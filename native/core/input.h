// Where frames come from: a file, the pieces of a capture on a stream, or frames that somebody else captured.
#ifndef HELLOTAP_CORE_INPUT_H_
#define HELLOTAP_CORE_INPUT_H_

#include <cstdint>
#include <vector>

#include "base/frame.h"
#include "base/notes.h"
#include "capture/capture-reader.h"

namespace hellotap {

class Input {
 public:
  virtual ~Input() = default;
  // Fills the batch, whose frames stay valid until the next call of any function of this object.
  virtual ReadStatus read(FrameBatch& out, Notes& notes) = 0;
};

// The part of a capture that is in memory. What has been read makes room for what comes; the readers bound how much has
// to stay.
class CaptureWindow {
 public:
  const CaptureReader& reader() const { return reader_; }
  CaptureReader& reader() { return reader_; }
  ReadStatus read(bool last, FrameBatch& out, Notes& notes);
  // Tells the format, as soon as enough bytes are there.
  void sniff(bool last);
  // Room for so many bytes behind those that are held; `add` says how many were put there.
  uint8_t* room(size_t bytes);
  void add(size_t bytes) { end_ += bytes; }

 private:
  CaptureReader reader_;
  std::vector<uint8_t> held_;
  size_t begin_ = 0;  // of what is held and not read yet
  size_t end_ = 0;
};

// A capture that comes in pieces.
class PiecewiseCapture : public Input {
 public:
  const CaptureReader& reader() const { return window_.reader(); }
  // Takes up a classic pcap in the middle (PcapReader::continueAt); false where that isn't its header.
  bool continuePcap(Datum header, int64_t offset, size_t delivered) {
    return window_.reader().continuePcap(header.peek<PcapReader::kFileHeaderBytes>(), offset, delivered);
  }
  void push(Datum piece);
  void end() { last_ = true; }
  ReadStatus read(FrameBatch& out, Notes& notes) override { return window_.read(last_, out, notes); }

 private:
  CaptureWindow window_;
  bool last_ = false;
};

// A capture file. It is read into one small buffer over and over: that stays in the processor's cache, and takes half
// the time of mapping the file. Nor does a file that shrinks meanwhile take the process with it.
class FileCapture : public Input {
 public:
  ~FileCapture() override;
  // 0, or the system's error number; EISDIR for a folder, ENODEV for what is no file.
  int open(const char* path);
  const CaptureReader& reader() const { return window_.reader(); }
  ReadStatus read(FrameBatch& out, Notes& notes) override;

 private:
  int refill();

  CaptureWindow window_;
  int file_ = -1;
  int64_t size_ = 0;  // read so far
  bool last_ = false;
};

// Frames of one link type, each behind a header of 16 bytes like that of a pcap record (little-endian, microseconds).
class FrameQueue : public Input {
 public:
  explicit FrameQueue(uint16_t linkType) : linkType_(linkType) {}
  void push(Datum frames);
  void end() { last_ = true; }
  ReadStatus read(FrameBatch& out, Notes& notes) override;

 private:
  uint16_t linkType_;
  std::vector<uint8_t> held_;
  size_t read_ = 0;
  bool last_ = false;
};

}  // namespace hellotap

#endif  // HELLOTAP_CORE_INPUT_H_
