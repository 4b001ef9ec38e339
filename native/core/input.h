// Where frames come from: a file, the pieces of a capture on a stream, or frames that somebody else captured. Captures
// that are compressed are unpacked on the way.
#ifndef HELLOTAP_CORE_INPUT_H_
#define HELLOTAP_CORE_INPUT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/frame.h"
#include "base/notes.h"
#include "capture/capture-reader.h"
#include "capture/unpacker.h"

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
  // What is held and not read yet.
  Datum held() const { return Datum(held_.data() + begin_, end_ - begin_); }
  void clear() { begin_ = end_ = 0; }

 private:
  CaptureReader reader_;
  std::vector<uint8_t> held_;
  size_t begin_ = 0;  // of what is held and not read yet
  size_t end_ = 0;
};

// A capture, wherever its bytes come from.
class CaptureInput : public Input {
 public:
  const CaptureReader& reader() const { return window_.reader(); }
  // How the capture is compressed.
  Packing packing() const { return packing_; }
  // The first bytes that are not read yet, unpacked.
  Datum front() const { return window_.held(); }
  // Ends after about so many bytes, unpacked.
  void endAfter(size_t bytes) { most_ = bytes; }
  ReadStatus read(FrameBatch& out, Notes& notes) override;

 protected:
  enum class Fetched : uint8_t { kBytes, kNotNow, kEnd };
  // Puts the next bytes of the capture, as they are stored, into `room`; `got`: how many.
  virtual Fetched fetch(uint8_t* room, size_t size, size_t& got) = 0;
  // How many it puts there at most; room for more is made in vain.
  virtual size_t fetchable() const = 0;
  // More of the capture into the window.
  Fetched refill();
  // Once the first bytes are there: looks whether they are compressed.
  void findPacking();
  CaptureWindow& window() { return window_; }
  void setLast() { last_ = true; }
  bool isLast() const { return last_; }
  // Whatever the first bytes are, they are not compressed.
  void setPlain() { packing_ = Packing::kNone; }
  // Why reading stopped before the end; reported by the next call of `read`.
  void stopFor(AnomalyCode code, int64_t offset, const char* why);

 private:
  enum class Stop : uint8_t { kNone, kToBeTold, kTold };

  Fetched unpack(size_t wanted, size_t& filled);

  CaptureWindow window_;
  bool last_ = false;
  size_t most_ = SIZE_MAX;
  Packing packing_ = Packing::kUndecided;
  std::unique_ptr<Unpacker> unpacker_;
  std::vector<uint8_t> packed_;
  size_t packedBegin_ = 0;  // of what is in packed_ and not unpacked yet
  size_t packedEnd_ = 0;
  int64_t unpackedAt_ = 0;  // how much of what is stored was unpacked
  bool holdsMore_ = false;  // the unpacker may have output for which there was no room
  Stop stop_ = Stop::kNone;
  Anomaly stopped_{};
};

// A capture that comes in pieces.
class PiecewiseCapture : public CaptureInput {
 public:
  // `input`: its number.
  explicit PiecewiseCapture(uint32_t input = 0) : input_(input) {}
  // Takes up a classic pcap in the middle (PcapReader::continueAt); false where that isn't its header.
  bool continuePcap(Datum header, int64_t offset, size_t delivered);
  // What came before has to be read.
  void push(Datum piece);
  void end() { ended_ = true; }
  ReadStatus read(FrameBatch& out, Notes& notes) override;

 private:
  Fetched fetch(uint8_t* room, size_t size, size_t& got) override;
  size_t fetchable() const override { return piece_.size() - taken_; }

  uint32_t input_;
  std::vector<uint8_t> piece_;
  size_t taken_ = 0;
  bool ended_ = false;
};

// A capture file. It is read into one small buffer over and over: that stays in the processor's cache, and takes half
// the time of mapping the file. Nor does a file that shrinks meanwhile take the process with it.
class FileCapture : public CaptureInput {
 public:
  ~FileCapture() override;
  // 0, or the system's error number; EISDIR for a folder, ENODEV for what is no file. `follow`: the file is still being
  // written, so its end is only where it ends at the moment (kStarved).
  int open(const char* path, bool follow = false);
  // Its end is the end from here on.
  void endFollowing() { follow_ = false; }

 private:
  Fetched fetch(uint8_t* room, size_t size, size_t& got) override;
  size_t fetchable() const override { return SIZE_MAX; }

  int file_ = -1;
  int error_ = 0;
  int64_t size_ = 0;  // read so far
  bool follow_ = false;
};

// Frames of one link type, each behind a header of 16 bytes like that of a pcap record (little-endian, microseconds).
class FrameQueue : public Input {
 public:
  // `input`: its number.
  FrameQueue(uint16_t linkType, uint32_t input) : linkType_(linkType), input_(input) {}
  uint32_t input() const { return input_; }
  void push(Datum frames);
  void end() { last_ = true; }
  ReadStatus read(FrameBatch& out, Notes& notes) override;

 private:
  uint16_t linkType_;
  uint32_t input_;
  std::vector<uint8_t> held_;
  size_t read_ = 0;
  bool last_ = false;
};

}  // namespace hellotap

#endif  // HELLOTAP_CORE_INPUT_H_
