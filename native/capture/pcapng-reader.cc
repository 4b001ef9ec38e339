#include "capture/pcapng-reader.h"

#include "capture/pcap-reader.h"

namespace hellotap {

namespace {

// Block types, section 11.1 of the draft.
constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint32_t kInterfaceDescription = 1;
constexpr uint32_t kObsoletePacket = 2;
constexpr uint32_t kSimplePacket = 3;
constexpr uint32_t kNameResolution = 4;
constexpr uint32_t kInterfaceStatistics = 5;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kSystemdJournal = 9;
constexpr uint32_t kDecryptionSecrets = 10;
constexpr uint32_t kCustomCopied = 0x00000bad;
constexpr uint32_t kCustomNotCopied = 0x40000bad;

constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;

// Options of an interface, section 4.2.
constexpr uint16_t kEndOfOptions = 0;
constexpr uint16_t kTimestampResolution = 9;
constexpr uint16_t kTimestampOffset = 14;

constexpr uint32_t kMinBlock = 12;
// A packet of 256 KiB with ample options. What is longer is no packet, and is passed over without being held.
constexpr uint32_t kMaxHeldBlock = 1 << 20;
constexpr size_t kMaxInterfaces = 65536;
constexpr int64_t kMaxTime = (int64_t{1} << 53) - 1;  // what a JavaScript number holds exactly

bool isPacketType(uint32_t type) { return type == kEnhancedPacket || type == kSimplePacket || type == kObsoletePacket; }

bool isKnownType(uint32_t type) {
  switch (type) {
    case kInterfaceDescription:
    case kObsoletePacket:
    case kSimplePacket:
    case kNameResolution:
    case kInterfaceStatistics:
    case kEnhancedPacket:
    case kSystemdJournal:
    case kDecryptionSecrets:
    case kCustomCopied:
    case kCustomNotCopied:
      return true;
    default:
      return false;
  }
}

bool isLength(uint32_t length) { return length >= kMinBlock && length % 4 == 0; }

}  // namespace

struct PcapngReader::Reporter {
  AnomalyLog& anomalies;
  Counters& counters;
  int64_t offset;

  template <typename... Values>
  void bad(AnomalyCode code, const char* format, Values... values) {
    ++counters.damagedRecords;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    anomalies.report(code, offset, kNoTime, format, values...);
#pragma GCC diagnostic pop
  }
};

bool PcapngReader::isSectionStart(Fixed<kSectionStartBytes> bytes) {
  return bytes && bytes.be32<0>() == kSectionHeader &&
         (bytes.file32<8>(false) == kByteOrderMagic || bytes.file32<8>(true) == kByteOrderMagic);
}

void PcapngReader::startSection(Fixed<kSectionStartBytes> start) {
  swapped_ = start.file32<8>(false) != kByteOrderMagic;
  interfaces_.clear();
}

// Microseconds since 1970, kept within what JavaScript counts exactly.
int64_t PcapngReader::microseconds(uint64_t ticks, const Interface& from) {
  unsigned __int128 value = ticks;
  const unsigned exponent = from.resolution & 0x7f;
  if (from.resolution & 0x80) {
    value = value * 1000000 >> exponent;
  } else if (exponent == 9) {
    value = ticks / 1000;
  } else if (exponent < 6) {
    for (unsigned i = exponent; i < 6; ++i) value *= 10;
  } else {
    for (unsigned i = exponent; i > 6 && value > 0; --i) value /= 10;
  }
  __int128 time = static_cast<__int128>(value) + static_cast<__int128>(from.offsetSeconds) * 1000000;
  if (time < 0) time = 0;
  return time > kMaxTime ? kMaxTime : static_cast<int64_t>(time);
}

void PcapngReader::readInterface(Datum body, Reporter& report) {
  const auto fixed = body.take<8>();
  if (!fixed) return report.bad(AnomalyCode::bad_block, "an interface description of less than 8 bytes");
  if (interfaces_.size() == kMaxInterfaces) return report.bad(AnomalyCode::bad_block, "more than %zu interfaces in one section", kMaxInterfaces);
  Interface interface{fixed.file16<0>(swapped_), fixed.file32<4>(swapped_), 6, 0};
  while (const auto option = body.take<4>()) {
    const uint16_t code = option.file16<0>(swapped_);
    const uint16_t length = option.file16<2>(swapped_);
    if (code == kEndOfOptions) break;
    Datum value;
    if (!body.take(length, value)) break;
    body.skipUpTo((4 - length % 4) % 4);
    if (code == kTimestampResolution) {
      if (const auto resolution = value.take<1>()) interface.resolution = resolution.u8<0>();
    } else if (code == kTimestampOffset) {
      if (const auto offset = value.take<8>()) {
        const uint64_t low = offset.file32<0>(swapped_), high = offset.file32<4>(swapped_);
        interface.offsetSeconds = static_cast<int64_t>(swapped_ ? low << 32 | high : high << 32 | low);
      }
    }
  }
  interfaces_.push_back(interface);
}

void PcapngReader::addFrame(uint32_t interfaceId, uint64_t ticks, uint32_t captured, uint32_t original, Datum body, FrameBatch& out,
                            Reporter& report) {
  if (interfaceId >= interfaces_.size())
    return report.bad(AnomalyCode::unknown_interface, "a packet of interface %u, of which there is no description", interfaceId);
  const Interface& interface = interfaces_[interfaceId];
  if (captured > body.size())
    report.bad(AnomalyCode::bad_block, "a packet of %u bytes in a block that has room for %zu", captured, body.size());
  Frame& frame = out.add();
  frame.bytes = body.first(captured);
  frame.original = original < captured ? captured : original;
  frame.linkType = interface.linkType;
  frame.timestamp = lastTime_ = microseconds(ticks, interface);
  frame.offset = report.offset;
}

void PcapngReader::readEnhancedPacket(Datum body, FrameBatch& out, Reporter& report) {
  const auto fixed = body.take<20>();
  if (!fixed) return report.bad(AnomalyCode::bad_block, "an enhanced packet block without room for its fields");
  const uint64_t ticks = uint64_t{fixed.file32<4>(swapped_)} << 32 | fixed.file32<8>(swapped_);
  addFrame(fixed.file32<0>(swapped_), ticks, fixed.file32<12>(swapped_), fixed.file32<16>(swapped_), body, out, report);
}

void PcapngReader::readObsoletePacket(Datum body, FrameBatch& out, Reporter& report) {
  const auto fixed = body.take<20>();
  if (!fixed) return report.bad(AnomalyCode::bad_block, "a packet block without room for its fields");
  const uint64_t ticks = uint64_t{fixed.file32<4>(swapped_)} << 32 | fixed.file32<8>(swapped_);
  addFrame(fixed.file16<0>(swapped_), ticks, fixed.file32<12>(swapped_), fixed.file32<16>(swapped_), body, out, report);
}

void PcapngReader::readSimplePacket(Datum body, FrameBatch& out, Reporter& report) {
  const auto fixed = body.take<4>();
  if (!fixed) return report.bad(AnomalyCode::bad_block, "a simple packet block without room for its fields");
  if (interfaces_.empty()) return report.bad(AnomalyCode::unknown_interface, "a simple packet block before any interface description");
  const uint32_t original = fixed.file32<0>(swapped_);
  const uint32_t snaplen = interfaces_[0].snaplen;
  Frame& frame = out.add();
  frame.bytes = body.first(snaplen > 0 && snaplen < original ? snaplen : original);
  frame.original = original;
  frame.linkType = interfaces_[0].linkType;
  frame.timestamp = lastTime_;
  frame.offset = report.offset;
}

// Moves `at` to the next block whose type is known and whose two lengths agree.
bool PcapngReader::findBlock(Datum input, size_t& at, bool last, bool& needMore) const {
  needMore = false;
  for (;; ++at) {
    const auto start = input.peekAt<8>(at);
    if (!start) break;
    bool swapped = swapped_;
    if (start.be32<0>() == kSectionHeader) {
      const auto section = input.peekAt<kSectionStartBytes>(at);
      if (!section) break;
      if (!isSectionStart(section)) continue;
      swapped = section.file32<8>(false) != kByteOrderMagic;
    } else if (!isKnownType(start.file32<0>(swapped))) {
      continue;
    }
    const uint32_t length = start.file32<4>(swapped);
    if (!isLength(length) || length > kMaxHeldBlock) continue;
    const auto trailer = input.peekAt<4>(at + length - 4);
    if (trailer && trailer.file32<0>(swapped) == length) return true;
    if (!trailer && !last) {
      needMore = true;
      return false;
    }
  }
  needMore = !last;
  return false;
}

ReadStatus PcapngReader::read(Datum& input, bool last, FrameBatch& out, AnomalyLog& anomalies, Counters& counters) {
  const auto consume = [&](size_t length) {
    input.skipUpTo(length);
    offset_ += static_cast<int64_t>(length);
  };

  while (!out.full()) {
    Reporter report{anomalies, counters, offset_};
    const char* damage = nullptr;
    uint32_t length = 0;

    if (skip_ > 0) {
      const size_t skipped = skip_ < input.size() ? static_cast<size_t>(skip_) : input.size();
      consume(skipped);
      skip_ -= skipped;
      if (skip_ > 0) {
        if (last) report.bad(AnomalyCode::truncated_block, "the capture ends inside of a block");
        return last ? ReadStatus::kEnded : ReadStatus::kStarved;
      }
    }
    if (searching_) {
      damage = "";
    } else if (expectTrailer_ > 0) {
      const auto trailer = input.peek<4>();
      if (!trailer && !last) return ReadStatus::kStarved;
      if (trailer && trailer.file32<0>(swapped_) == expectTrailer_) {
        consume(4);
      } else {
        damage = "the two lengths of a block differ";
      }
      expectTrailer_ = 0;
      if (!damage) continue;
    } else {
      if (input.empty()) return last ? ReadStatus::kEnded : ReadStatus::kStarved;
      const auto start = input.peek<8>();
      const bool isSection = start && start.be32<0>() == kSectionHeader;
      const auto section = input.peek<kSectionStartBytes>();
      if (!start || (isSection && !section)) {
        if (!last) return ReadStatus::kStarved;
        report.bad(AnomalyCode::truncated_block, "the capture ends inside of a block header (%zu bytes)", input.size());
        consume(input.size());
        return ReadStatus::kEnded;
      }
      bool swapped = swapped_;
      if (isSection) {
        if (isSectionStart(section)) {
          swapped = section.file32<8>(false) != kByteOrderMagic;
        } else {
          damage = "a section header without byte-order magic";
        }
      }
      const uint32_t type = start.file32<0>(swapped);
      length = start.file32<4>(swapped);
      if (!damage && !isLength(length)) damage = "a block length that is no multiple of 4 or less than 12";
      const bool held = length <= kMaxHeldBlock;
      if (!damage && !held && (isPacketType(type) || isSection)) damage = "a packet block of more than 1 MiB";
      if (!damage && held && input.size() < length) {
        if (!last) return ReadStatus::kStarved;
        size_t at = 1;
        bool needMore = false;
        if (findBlock(input, at, last, needMore)) {
          damage = "a block length that reaches beyond the end";
        } else {
          report.bad(AnomalyCode::truncated_block, "the capture ends inside of a block (%zu of %u bytes)", input.size(), length);
          // What is there of a packet can still hold a hello.
          Datum body = input.behind(8);
          if (type == kEnhancedPacket) {
            const auto fixed = body.peek<20>();
            const uint32_t id = fixed ? fixed.file32<0>(swapped_) : 0;
            if (fixed && id < interfaces_.size()) {
              const uint64_t ticks = uint64_t{fixed.file32<4>(swapped_)} << 32 | fixed.file32<8>(swapped_);
              const uint32_t captured = fixed.file32<12>(swapped_);
              const Datum rest = body.behind(20);
              addFrame(id, ticks, captured < rest.size() ? captured : static_cast<uint32_t>(rest.size()), fixed.file32<16>(swapped_), rest,
                       out, report);
            }
          }
          consume(input.size());
          return ReadStatus::kEnded;
        }
      }
      if (!damage && !held) {
        skip_ = length - 4;
        expectTrailer_ = length;
        if (last && input.size() < length) {
          size_t at = 1;
          bool needMore = false;
          if (findBlock(input, at, last, needMore)) {
            damage = "a block length that reaches beyond the end";
            skip_ = expectTrailer_ = 0;
          }
        }
        if (!damage) continue;
      }
      if (!damage) {
        const auto trailer = input.peekAt<4>(length - 4);
        if (!trailer || trailer.file32<0>(swapped) != length) damage = "the two lengths of a block differ";
      }
      if (!damage) {
        Datum body = input.first(length - 4).behind(8);
        if (isSection) {
          startSection(section);
        } else if (type == kInterfaceDescription) {
          readInterface(body, report);
        } else if (type == kEnhancedPacket) {
          readEnhancedPacket(body, out, report);
        } else if (type == kSimplePacket) {
          readSimplePacket(body, out, report);
        } else if (type == kObsoletePacket) {
          readObsoletePacket(body, out, report);
        }
        consume(length);
        continue;
      }
    }

    size_t at = searching_ ? 0 : 1;
    bool needMore = false;
    const bool found = findBlock(input, at, last, needMore);
    if (!searching_) {
      if (found) {
        report.bad(AnomalyCode::bad_block, "%s; reading goes on %zu bytes further on", damage, at);
      } else {
        report.bad(AnomalyCode::bad_block, "%s; searching for the next block", damage);
      }
    }
    searching_ = needMore;
    consume(found || needMore ? at : input.size());
    if (needMore) return ReadStatus::kStarved;
    if (!found) return ReadStatus::kEnded;
  }
  return ReadStatus::kMore;
}

}  // namespace hellotap
