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

// Secrets type of a decryption secrets block, section 4.7.
constexpr uint32_t kTlsKeyLog = 0x544c534b;
const uint8_t kLineEnd[] = {'\n'};

// Options of an interface, section 4.2.
constexpr uint16_t kEndOfOptions = 0;
constexpr uint16_t kTimestampResolution = 9;
constexpr uint16_t kTimestampOffset = 14;

constexpr uint32_t kMinBlock = 12;
// A packet of 256 KiB with ample options. What is longer is no packet, and is passed over without being held; up to a
// length behind which so much would be lost that it is rather taken for damage.
constexpr uint32_t kMaxHeldBlock = 1 << 20;
constexpr uint32_t kMaxSkippedBlock = 16 << 20;
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

__attribute__((format(printf, 4, 5))) void noteDamage(Notes& notes, AnomalyCode code, int64_t offset,
                                                      const char* format, ...) {
  ++notes.counters.damagedRecords;
  va_list arguments;
  va_start(arguments, format);
  notes.anomalies.reportList(code, offset, kNoTime, format, arguments);
  va_end(arguments);
}

}  // namespace

bool PcapngReader::isSectionStart(Fixed<kSectionStartBytes> bytes) {
  return bytes && bytes.be32<0>() == kSectionHeader &&
         (bytes.file32<8>(false) == kByteOrderMagic || bytes.file32<8>(true) == kByteOrderMagic);
}

void PcapngReader::consume(Datum& input, size_t length) {
  input.skipUpTo(length);
  offset_ += static_cast<int64_t>(length);
}

ReadStatus PcapngReader::read(Datum& input, bool last, FrameBatch& out, Notes& notes) {
  ReadStatus status = ReadStatus::kMore;
  while (!out.full() && status == ReadStatus::kMore) {
    if (searching_) {
      status = search(input, last, 0);
    } else if (expectTrailer_ > 0) {
      status = passOver(input, last, notes);
    } else {
      status = next(input, last, out, notes);
    }
  }
  return status;
}

// The header of the block at the front, of which 8 bytes are there (12 of a section).
PcapngReader::BlockStart PcapngReader::startOf(Datum input) const {
  const auto start = input.peek<8>();
  bool swapped = swapped_;
  const char* damage = nullptr;
  if (start.be32<0>() == kSectionHeader) {
    const auto section = input.peek<kSectionStartBytes>();
    if (isSectionStart(section)) {
      swapped = section.file32<8>(false) != kByteOrderMagic;
    } else {
      damage = "a section header without byte-order magic";
    }
  }
  const BlockStart block{start.file32<0>(swapped), start.file32<4>(swapped), swapped, nullptr};
  if (!damage && !isLength(block.length)) damage = "a block length that is no multiple of 4, or less than 12";
  const bool hasToBeHeld =
      isPacketType(block.type) || block.type == kSectionHeader || block.type == kInterfaceDescription;
  if (!damage && block.length > (hasToBeHeld ? kMaxHeldBlock : kMaxSkippedBlock))
    damage = "a block that is longer than any can be";
  return {block.type, block.length, swapped, damage};
}

ReadStatus PcapngReader::next(Datum& input, bool last, FrameBatch& out, Notes& notes) {
  if (input.empty()) return last ? ReadStatus::kEnded : ReadStatus::kStarved;
  const auto start = input.peek<8>();
  if (!start || (start.be32<0>() == kSectionHeader && !input.peek<kSectionStartBytes>())) {
    if (!last) return ReadStatus::kStarved;
    noteDamage(notes, AnomalyCode::truncated_block, offset_, "the capture ends inside of a block header (%zu bytes)",
               input.size());
    consume(input, input.size());
    return ReadStatus::kEnded;
  }
  const BlockStart block = startOf(input);
  if (block.damage) return damaged(input, last, block.damage, notes);
  if (block.length > kMaxHeldBlock) {
    constexpr size_t kBodyStart = 16;  // type, length, and the first two fields
    if (block.type == kDecryptionSecrets) {
      if (input.size() < kBodyStart && !last) return ReadStatus::kStarved;
      keyLogLeft_ = keyLogBytes(input.behind(8));
    }
    const size_t start = keyLogLeft_ > 0 ? kBodyStart : 0;
    if (keyLogLeft_ > block.length - kBodyStart - 4) keyLogLeft_ = block.length - kBodyStart - 4;
    consume(input, start);
    skip_ = block.length - start - 4;
    expectTrailer_ = block.length;
    return ReadStatus::kMore;
  }
  if (block.length > input.size()) return beyondInput(input, last, block, out, notes);
  if (input.peekAt<4>(block.length - 4).file32<0>(block.swapped) != block.length)
    return damaged(input, last, "the two lengths of a block differ", notes);
  readBlock(block, input.first(block.length - 4).behind(8), true, out, notes);
  consume(input, block.length);
  return ReadStatus::kMore;
}

// A block that does not end within the input.
ReadStatus PcapngReader::beyondInput(Datum& input, bool last, const BlockStart& block, FrameBatch& out, Notes& notes) {
  if (last) {
    size_t at = 1;
    if (findBlock(input, at, last) == Search::kFound)
      return damaged(input, last, "a block length that reaches beyond the end", notes);
    noteDamage(notes, AnomalyCode::truncated_block, offset_, "the capture ends inside of a block (%zu of %u bytes)",
               input.size(), block.length);
    // What is there of a packet can still hold a hello.
    if (block.type == kEnhancedPacket || block.type == kObsoletePacket)
      readBlock(block, input.behind(8), false, out, notes);
    consume(input, input.size());
    return ReadStatus::kEnded;
  }
  return ReadStatus::kStarved;
}

// On with a block that is too long to be held, up to the length that ends it.
ReadStatus PcapngReader::passOver(Datum& input, bool last, Notes& notes) {
  const size_t skipped = skip_ < input.size() ? static_cast<size_t>(skip_) : input.size();
  if (keyLogLeft_ > 0) {
    const Datum text = input.first(skipped < keyLogLeft_ ? skipped : static_cast<size_t>(keyLogLeft_));
    notes.secrets.add(text);
    keyLogLeft_ -= text.size();
    if (keyLogLeft_ == 0) notes.secrets.add(Datum(kLineEnd, sizeof kLineEnd));
  }
  consume(input, skipped);
  skip_ -= skipped;
  const auto trailer = input.peek<4>();
  if (skip_ > 0 || !trailer) {
    if (!last) return ReadStatus::kStarved;
    noteDamage(notes, AnomalyCode::truncated_block, offset_, "the capture ends inside of a block of %u bytes",
               expectTrailer_);
    consume(input, input.size());
    return ReadStatus::kEnded;
  }
  const bool fits = trailer.file32<0>(swapped_) == expectTrailer_;
  expectTrailer_ = 0;
  if (!fits) return damaged(input, last, "the two lengths of a block differ", notes);
  consume(input, 4);
  return ReadStatus::kMore;
}

ReadStatus PcapngReader::damaged(Datum& input, bool last, const char* why, Notes& notes) {
  const int64_t bad = offset_;
  const ReadStatus status = search(input, last, 1);
  if (status == ReadStatus::kMore) {
    noteDamage(notes, AnomalyCode::bad_block, bad, "%s; reading goes on %lld bytes further on", why,
               static_cast<long long>(offset_ - bad));
  } else {
    noteDamage(notes, AnomalyCode::bad_block, bad, "%s; no other block was found so far", why);
  }
  return status;
}

ReadStatus PcapngReader::search(Datum& input, bool last, size_t from) {
  size_t at = from;
  const Search found = findBlock(input, at, last);
  searching_ = found == Search::kNeedMore;
  consume(input, found == Search::kNone ? input.size() : at);
  return found == Search::kFound  ? ReadStatus::kMore
         : found == Search::kNone ? ReadStatus::kEnded
                                  : ReadStatus::kStarved;
}

// Moves `at` to the next block whose type is known and whose two lengths agree, or to the first that cannot be judged
// yet.
PcapngReader::Search PcapngReader::findBlock(Datum input, size_t& at, bool last) const {
  for (;; ++at) {
    const Datum rest = input.behind(at);
    const auto start = rest.peek<8>();
    const bool isSection = start && start.be32<0>() == kSectionHeader;
    if (!start || (isSection && !rest.peek<kSectionStartBytes>())) return last ? Search::kNone : Search::kNeedMore;
    if (!isSection && !isKnownType(start.file32<0>(swapped_))) continue;
    const BlockStart block = startOf(rest);
    if (block.damage || block.length > kMaxHeldBlock) continue;
    const auto trailer = rest.peekAt<4>(block.length - 4);
    if (!trailer && !last) return Search::kNeedMore;
    if (trailer && trailer.file32<0>(block.swapped) == block.length) return Search::kFound;
  }
}

// `content`: what is between the two lengths, unless the input ends before it is whole.
void PcapngReader::readBlock(const BlockStart& block, Datum content, bool isWhole, FrameBatch& out, Notes& notes) {
  switch (block.type) {
    case kEnhancedPacket:
      return readTimedPacket(content, false, isWhole, out, notes);
    case kObsoletePacket:
      return readTimedPacket(content, true, isWhole, out, notes);
    case kSimplePacket:
      return readSimplePacket(content, out, notes);
    case kInterfaceDescription:
      return readInterface(content, notes);
    case kDecryptionSecrets:
      return readSecrets(content, notes);
    case kSectionHeader:
      swapped_ = block.swapped;
      interfaces_.clear();
      return;
    default:
      return;
  }
}

void PcapngReader::readInterface(Datum body, Notes& notes) {
  const auto fixed = body.take<8>();
  if (!fixed || interfaces_.size() == kMaxInterfaces)
    return noteDamage(notes, AnomalyCode::bad_block, offset_,
                      "an interface description that is too short, or of one of too many interfaces");
  Interface interface { fixed.file16<0>(swapped_), fixed.file32<4>(swapped_), 6, 0 };
  while (const auto option = body.take<4>()) {
    const uint16_t code = option.file16<0>(swapped_);
    const uint16_t length = option.file16<2>(swapped_);
    Datum value;
    if (code == kEndOfOptions || !body.take(length, value)) break;
    body.skipUpTo((4 - length % 4) % 4);
    if (code == kTimestampResolution) {
      if (const auto resolution = value.take<1>()) interface.resolution = resolution.u8<0>();
    } else if (code == kTimestampOffset) {
      if (const auto offset = value.take<8>()) {
        const uint64_t first = offset.file32<0>(swapped_), second = offset.file32<4>(swapped_);
        interface.offsetSeconds = static_cast<int64_t>(swapped_ ? first << 32 | second : second << 32 | first);
      }
    }
  }
  interfaces_.push_back(interface);
}

// Enhanced and obsolete packet blocks differ in how wide the interface's number is.
void PcapngReader::readTimedPacket(Datum body, bool isObsolete, bool isWhole, FrameBatch& out, Notes& notes) {
  const auto fixed = body.take<20>();
  if (!fixed) return noteDamage(notes, AnomalyCode::bad_block, offset_, "a packet block without room for its fields");
  const uint32_t id = isObsolete ? fixed.file16<0>(swapped_) : fixed.file32<0>(swapped_);
  const uint64_t ticks = uint64_t{fixed.file32<4>(swapped_)} << 32 | fixed.file32<8>(swapped_);
  const uint32_t captured = fixed.file32<12>(swapped_);
  const uint32_t original = fixed.file32<16>(swapped_);
  if (id >= interfaces_.size())
    return noteDamage(notes, AnomalyCode::unknown_interface, offset_,
                      "a packet of interface %u, of which there is no description", id);
  Frame& frame = out.add();
  frame.bytes = body.first(captured);
  frame.original = original < captured ? captured : original;
  if (captured > body.size()) {
    if (isWhole)
      noteDamage(notes, AnomalyCode::bad_block, offset_, "a packet of %u bytes in a block that has %zu", captured,
                 body.size());
    frame.original = static_cast<uint32_t>(body.size());
  }
  frame.linkType = interfaces_[id].linkType;
  frame.timestamp = lastTime_ = microseconds(ticks, interfaces_[id]);
  frame.offset = offset_;
}

void PcapngReader::readSimplePacket(Datum body, FrameBatch& out, Notes& notes) {
  const auto fixed = body.take<4>();
  if (!fixed)
    return noteDamage(notes, AnomalyCode::bad_block, offset_, "a simple packet block without room for its fields");
  if (interfaces_.empty())
    return noteDamage(notes, AnomalyCode::unknown_interface, offset_,
                      "a simple packet block before any interface description");
  const uint32_t original = fixed.file32<0>(swapped_);
  const uint32_t snaplen = interfaces_[0].snaplen;
  Frame& frame = out.add();
  frame.bytes = body.first(snaplen > 0 && snaplen < original ? snaplen : original);
  frame.original = original;
  frame.linkType = interfaces_[0].linkType;
  frame.timestamp = lastTime_;
  frame.offset = offset_;
}

uint32_t PcapngReader::keyLogBytes(Datum body) const {
  const auto fixed = body.peek<8>();
  return fixed && fixed.file32<0>(swapped_) == kTlsKeyLog ? fixed.file32<4>(swapped_) : 0;
}

void PcapngReader::readSecrets(Datum body, Notes& notes) {
  const uint32_t length = keyLogBytes(body);
  if (length == 0) return;
  const Datum text = body.behind(8);
  if (length > text.size())
    noteDamage(notes, AnomalyCode::bad_block, offset_, "a key log of %u bytes in a block that has %zu", length,
               text.size());
  notes.secrets.add(text.first(length));
  notes.secrets.add(Datum(kLineEnd, sizeof kLineEnd));
}

// Microseconds since 1970, kept within what JavaScript counts exactly.
int64_t PcapngReader::microseconds(uint64_t ticks, const Interface& from) {
  unsigned __int128 value = ticks;
  const unsigned exponent = from.resolution & 0x7f;
  if (from.resolution & 0x80) {
    value = value * 1000000 >> exponent;
  } else if (exponent == 9) {
    value = ticks / 1000;
  } else {
    for (unsigned i = exponent; i < 6; ++i) value *= 10;
    for (unsigned i = exponent; i > 6 && value > 0; --i) value /= 10;
  }
  const __int128 time = static_cast<__int128>(value) + static_cast<__int128>(from.offsetSeconds) * 1000000;
  return time < 0 ? 0 : time > kMaxTime ? kMaxTime : static_cast<int64_t>(time);
}

}  // namespace hellotap
