// Classic pcap: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html, with the magics for nanoseconds and for
// Kuznetzov's patch (eight more bytes in each record header). Works on whatever part of the capture has arrived; where
// a record header makes no sense it searches for the next place from which records follow one another again.
#ifndef HELLOTAP_CAPTURE_PCAP_READER_H_
#define HELLOTAP_CAPTURE_PCAP_READER_H_

#include <cstdint>

#include "base/datum.h"
#include "base/frame.h"
#include "base/notes.h"

namespace hellotap {

// What libpcap and Wireshark read at most of one packet.
constexpr uint32_t kMaxFrameBytes = 262144;

class PcapReader {
 public:
  static constexpr size_t kFileHeaderBytes = 24;

  static bool isMagic(uint32_t firstBytesBigEndian);
  // Takes the file header; false where it isn't one of this format.
  bool open(Fixed<kFileHeaderBytes> header);
  uint16_t linkType() const { return linkType_; }
  // Reading goes on in the middle: what comes next is at this offset of the capture, and begins with a record (of so
  // many bytes with its header, or none) that was delivered already.
  void continueAt(int64_t offset, size_t delivered) {
    offset_ = offset;
    delivered_ = delivered;
  }

  // Consumes whole records from the front of `input`, which continues where the call before left off. The record read
  // last is consumed only by the next call: if a damaged length made it swallow others, they are searched for in it.
  // `last`: nothing comes behind `input`.
  ReadStatus read(Datum& input, bool last, FrameBatch& out, Notes& notes);

 private:
  struct RecordHeader {
    uint32_t seconds;
    uint32_t fraction;
    uint32_t captured;
    uint32_t original;
  };
  // What a call is at.
  struct Cursor {
    Datum input;
    bool last;
    size_t previous;  // the record delivered last
    size_t at;        // the next one
  };
  enum class Search : uint8_t { kFound, kNeedMore, kNone };

  RecordHeader fields(Fixed<16> header) const;
  bool isOrdinary(const RecordHeader& header) const;
  bool isPlausible(const RecordHeader& header) const;
  uint32_t maxCaptured() const;
  int64_t offsetOf(size_t at) const { return offset_ + static_cast<int64_t>(at); }

  void addFrame(const RecordHeader& header, Datum body, size_t at, FrameBatch& out);
  // What to do where not simply another record follows; kMore: go on.
  ReadStatus unusual(Cursor& cursor, FrameBatch& out, Notes& notes);
  ReadStatus incomplete(Cursor& cursor, const RecordHeader& header, FrameBatch& out, Notes& notes);
  ReadStatus damaged(Cursor& cursor, uint32_t captured, Notes& notes);
  ReadStatus search(Cursor& cursor);
  ReadStatus endInside(Cursor& cursor, Notes& notes, const char* what, size_t have, size_t whole);

  Search chainFrom(const Cursor& cursor, uint64_t at) const;
  Search findRecord(Cursor& cursor) const;
  Search judge(const Cursor& cursor, const RecordHeader& header) const;

  bool swapped_ = false;
  uint16_t linkType_ = 0;
  uint32_t fractionsPerSecond_ = 1000000;
  uint32_t headerBytes_ = 16;
  int64_t offset_ = kFileHeaderBytes;  // of the front of the input in the capture
  uint32_t lastSeconds_ = 0;           // of the last record; 0 before the first
  size_t delivered_ = 0;               // bytes at the front that were handed out by the call before
  uint64_t skip_ = 0;                  // bytes of an oversized record that are not wanted
  bool searching_ = false;
};

}  // namespace hellotap

#endif  // HELLOTAP_CAPTURE_PCAP_READER_H_
