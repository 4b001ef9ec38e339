// Classic pcap: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html, with the magics for nanoseconds and for
// Kuznetzov's patch (eight more bytes in each record header). Works on whatever part of the capture has arrived; where a record
// header makes no sense it searches for the next place from which records follow one another again.
#ifndef HELLOTAP_CAPTURE_PCAP_READER_H_
#define HELLOTAP_CAPTURE_PCAP_READER_H_

#include <cstdint>

#include "base/anomaly.h"
#include "base/counters.h"
#include "base/datum.h"
#include "base/frame.h"

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
  uint32_t snaplen() const { return snaplen_; }

  // Consumes whole records from the front of `input`, which continues where the call before left off. The record read last is
  // consumed only by the next call: if a damaged length made it swallow others, they are searched for in it.
  // `last`: nothing comes behind `input`.
  ReadStatus read(Datum& input, bool last, FrameBatch& out, AnomalyLog& anomalies, Counters& counters);

 private:
  struct RecordHeader {
    uint32_t seconds;
    uint32_t fraction;
    uint32_t captured;
    uint32_t original;
  };
  enum class Search : uint8_t { kFound, kNeedMore, kNone };

  RecordHeader fields(Fixed<16> header) const;
  bool isPlausible(const RecordHeader& header) const;
  Search chainFrom(Datum input, size_t at, bool last) const;
  Search findRecord(Datum input, size_t& at, bool last) const;
  uint32_t maxCaptured() const;

  bool swapped_ = false;
  uint16_t linkType_ = 0;
  uint32_t snaplen_ = 0;
  uint32_t fractionsPerSecond_ = 1000000;
  uint32_t headerBytes_ = 16;
  int64_t offset_ = kFileHeaderBytes;  // of the front of the input in the capture
  size_t delivered_ = 0;               // bytes at the front that were handed out by the call before
  uint64_t skip_ = 0;                  // bytes of an oversized record that are not wanted
  bool searching_ = false;
};

}  // namespace hellotap

#endif  // HELLOTAP_CAPTURE_PCAP_READER_H_
