// pcapng: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html. Sections of either byte order, any number of
// interfaces, enhanced, simple and obsolete packet blocks; other blocks are passed over. Works on whatever part of the capture
// has arrived; where a block makes no sense it searches for the next one.
#ifndef HELLOTAP_CAPTURE_PCAPNG_READER_H_
#define HELLOTAP_CAPTURE_PCAPNG_READER_H_

#include <cstdint>
#include <vector>

#include "base/anomaly.h"
#include "base/counters.h"
#include "base/datum.h"
#include "base/frame.h"

namespace hellotap {

class PcapngReader {
 public:
  // Type, length and byte-order magic of a section header.
  static constexpr size_t kSectionStartBytes = 12;

  static bool isSectionStart(Fixed<kSectionStartBytes> bytes);

  // As PcapReader::read.
  ReadStatus read(Datum& input, bool last, FrameBatch& out, AnomalyLog& anomalies, Counters& counters);

 private:
  struct Interface {
    uint16_t linkType;
    uint32_t snaplen;
    uint8_t resolution;     // if_tsresol as it stands
    int64_t offsetSeconds;  // if_tsoffset
  };
  struct Reporter;

  void startSection(Fixed<kSectionStartBytes> start);
  void readInterface(Datum body, Reporter& report);
  void readEnhancedPacket(Datum body, FrameBatch& out, Reporter& report);
  void readObsoletePacket(Datum body, FrameBatch& out, Reporter& report);
  void readSimplePacket(Datum body, FrameBatch& out, Reporter& report);
  void addFrame(uint32_t interfaceId, uint64_t ticks, uint32_t captured, uint32_t original, Datum body, FrameBatch& out,
                Reporter& report);
  bool findBlock(Datum input, size_t& at, bool last, bool& needMore) const;
  static int64_t microseconds(uint64_t ticks, const Interface& from);

  bool swapped_ = false;
  std::vector<Interface> interfaces_;
  int64_t offset_ = 0;     // of the front of the input in the capture
  int64_t lastTime_ = 0;   // simple packet blocks have none of their own
  uint64_t skip_ = 0;      // bytes of a long block that is not wanted
  uint32_t expectTrailer_ = 0;  // the length that has to stand behind it
  bool searching_ = false;
};

}  // namespace hellotap

#endif  // HELLOTAP_CAPTURE_PCAPNG_READER_H_
