// pcapng: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html. Sections of either byte order, any number
// of interfaces, enhanced, simple and obsolete packet blocks, TLS key logs of decryption secrets blocks; other blocks
// are passed over. Works on whatever part of the capture has arrived; where a block makes no sense it searches for the
// next one.
#ifndef HELLOTAP_CAPTURE_PCAPNG_READER_H_
#define HELLOTAP_CAPTURE_PCAPNG_READER_H_

#include <cstdint>
#include <vector>

#include "base/datum.h"
#include "base/frame.h"
#include "base/notes.h"

namespace hellotap {

class PcapngReader {
 public:
  // Type, length and byte-order magic of a section header.
  static constexpr size_t kSectionStartBytes = 12;

  static bool isSectionStart(Fixed<kSectionStartBytes> bytes);

  // Consumes whole blocks from the front of `input`, which continues where the call before left off.
  // `last`: nothing comes behind `input`.
  ReadStatus read(Datum& input, bool last, FrameBatch& out, Notes& notes);

 private:
  struct Interface {
    uint16_t linkType;
    uint32_t snaplen;
    uint8_t resolution;     // if_tsresol as it stands
    int64_t offsetSeconds;  // if_tsoffset
  };
  struct BlockStart {
    uint32_t type;
    uint32_t length;
    bool swapped;
    const char* damage;  // why it is none, or null
  };
  enum class Search : uint8_t { kFound, kNeedMore, kNone };

  ReadStatus next(Datum& input, bool last, FrameBatch& out, Notes& notes);
  ReadStatus passOver(Datum& input, bool last, Notes& notes);
  ReadStatus beyondInput(Datum& input, bool last, const BlockStart& block, FrameBatch& out, Notes& notes);
  ReadStatus damaged(Datum& input, bool last, const char* why, Notes& notes);
  ReadStatus search(Datum& input, bool last, size_t from);
  Search findBlock(Datum input, size_t& at, bool last) const;
  BlockStart startOf(Datum input) const;
  void consume(Datum& input, size_t length);

  void readBlock(const BlockStart& block, Datum content, bool isWhole, FrameBatch& out, Notes& notes);
  void readInterface(Datum body, Notes& notes);
  void readTimedPacket(Datum body, bool isObsolete, bool isWhole, FrameBatch& out, Notes& notes);
  void readSimplePacket(Datum body, FrameBatch& out, Notes& notes);
  // The length of the key log of a decryption secrets block whose body begins like this; 0 where it is no TLS key log.
  uint32_t keyLogBytes(Datum body) const;
  void readSecrets(Datum body, Notes& notes);
  static int64_t microseconds(uint64_t ticks, const Interface& from);

  bool swapped_ = false;
  std::vector<Interface> interfaces_;
  int64_t offset_ = 0;          // of the front of the input in the capture
  int64_t lastTime_ = 0;        // simple packet blocks have none of their own
  uint64_t skip_ = 0;           // bytes of a long block that is not wanted
  uint32_t expectTrailer_ = 0;  // the length that has to stand behind it
  uint64_t keyLogLeft_ = 0;     // how much of it, from the front, is a key log
  bool searching_ = false;
};

}  // namespace hellotap

#endif  // HELLOTAP_CAPTURE_PCAPNG_READER_H_
