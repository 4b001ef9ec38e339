#include "capture/pcap-reader.h"

#include <initializer_list>

namespace hellotap {

namespace {

// Section 4 of the draft; as numbers in the writer's byte order.
constexpr uint32_t kMagicMicroseconds = 0xa1b2c3d4;
constexpr uint32_t kMagicNanoseconds = 0xa1b23c4d;
constexpr uint32_t kMagicKuznetzov = 0xa1b2cd34;

// Link types whose packets may be as long as 128 MiB (D-Bus, USBPcap, EBHSCR); none is decoded here.
constexpr uint32_t kMaxOversized = 128u << 20;
bool isOversizedLinkType(uint16_t linkType) { return linkType == 231 || linkType == 249 || linkType == 279; }

// A record in which the search takes up reading again is followed by so many in all that make sense, or by the end.
constexpr int kChainRecords = 3;
constexpr uint32_t kChainSeconds = 86400;

uint32_t apart(uint32_t a, uint32_t b) { return a > b ? a - b : b - a; }

}  // namespace

bool PcapReader::isMagic(uint32_t first) {
  const uint32_t other = __builtin_bswap32(first);
  for (const uint32_t magic : {kMagicMicroseconds, kMagicNanoseconds, kMagicKuznetzov})
    if (first == magic || other == magic) return true;
  return false;
}

bool PcapReader::open(Fixed<kFileHeaderBytes> header) {
  if (!header || !isMagic(header.be32<0>())) return false;
  uint32_t magic = header.file32<0>(false);
  swapped_ = magic != kMagicMicroseconds && magic != kMagicNanoseconds && magic != kMagicKuznetzov;
  if (swapped_) magic = __builtin_bswap32(magic);
  fractionsPerSecond_ = magic == kMagicNanoseconds ? 1000000000 : 1000000;
  headerBytes_ = magic == kMagicKuznetzov ? 24 : 16;
  linkType_ = static_cast<uint16_t>(header.file32<20>(swapped_));  // the upper half tells of frame check sequences
  return true;
}

uint32_t PcapReader::maxCaptured() const { return isOversizedLinkType(linkType_) ? kMaxOversized : kMaxFrameBytes; }

inline PcapReader::RecordHeader PcapReader::fields(Fixed<16> header) const {
  return {header.file32<0>(swapped_), header.file32<4>(swapped_), header.file32<8>(swapped_),
          header.file32<12>(swapped_)};
}

inline bool PcapReader::isOrdinary(const RecordHeader& header) const {
  return header.captured > 0 && header.captured <= kMaxFrameBytes && header.original >= header.captured &&
         header.fraction < fractionsPerSecond_;
}

bool PcapReader::isPlausible(const RecordHeader& header) const { return isOrdinary(header) && header.seconds > 0; }

inline void PcapReader::addFrame(const RecordHeader& header, Datum body, size_t at, FrameBatch& out) {
  Frame& frame = out.add();
  frame.bytes = body;
  frame.original = header.original < header.captured ? header.captured : header.original;
  frame.linkType = linkType_;
  frame.timestamp =
      int64_t{header.seconds} * 1000000 + (fractionsPerSecond_ == 1000000 ? header.fraction : header.fraction / 1000);
  frame.offset = offsetOf(at);
  lastSeconds_ = header.seconds;
}

ReadStatus PcapReader::read(Datum& input, bool last, FrameBatch& out, Notes& notes) {
  if (skip_ > 0) {
    const size_t skipped = skip_ < input.size() ? static_cast<size_t>(skip_) : input.size();
    input.skipUpTo(skipped);
    offset_ += static_cast<int64_t>(skipped);
    skip_ -= skipped;
    if (skip_ > 0) return last ? ReadStatus::kEnded : ReadStatus::kStarved;
  }
  Cursor cursor{input, last, 0, delivered_};
  ReadStatus status = ReadStatus::kMore;
  while (!out.full() && status == ReadStatus::kMore) {
    if (const auto bytes = input.peekAt<16>(cursor.at); __builtin_expect(bytes && !searching_, 1)) {
      const RecordHeader header = fields(bytes);
      const size_t end = cursor.at + headerBytes_ + header.captured;
      if (__builtin_expect(isOrdinary(header) && end <= input.size(), 1)) {
        addFrame(header, input.behind(cursor.at + headerBytes_).first(header.captured), cursor.at, out);
        cursor.previous = cursor.at;
        cursor.at = end;
        continue;
      }
    }
    status = unusual(cursor, out, notes);
  }
  input.skipUpTo(cursor.previous);
  offset_ += static_cast<int64_t>(cursor.previous);
  delivered_ = cursor.at - cursor.previous;
  return status;
}

ReadStatus PcapReader::unusual(Cursor& cursor, FrameBatch& out, Notes& notes) {
  if (searching_) return search(cursor);
  const size_t left = cursor.input.behind(cursor.at).size();
  const auto bytes = cursor.input.peekAt<16>(cursor.at);
  if (!bytes || left < headerBytes_) {
    if (!cursor.last) return ReadStatus::kStarved;
    if (left == 0) return endInside(cursor, notes, nullptr, 0, 0);
    return endInside(cursor, notes, "a record header", left, headerBytes_);
  }
  const RecordHeader header = fields(bytes);
  if (header.captured > maxCaptured()) return damaged(cursor, header.captured, notes);
  if (!isOrdinary(header) && header.captured <= kMaxFrameBytes) {
    const Search judged = judge(cursor, header);
    if (judged == Search::kNeedMore) return ReadStatus::kStarved;
    if (judged == Search::kNone) return damaged(cursor, header.captured, notes);
  }
  if (left - headerBytes_ < header.captured) return incomplete(cursor, header, out, notes);
  addFrame(header, cursor.input.behind(cursor.at + headerBytes_).first(header.captured), cursor.at, out);
  cursor.previous = cursor.at;
  cursor.at += headerBytes_ + header.captured;
  return ReadStatus::kMore;
}

// A record that does not end within the input.
ReadStatus PcapReader::incomplete(Cursor& cursor, const RecordHeader& header, FrameBatch& out, Notes& notes) {
  const size_t have = cursor.input.size() - cursor.at - headerBytes_;
  if (header.captured > kMaxFrameBytes) {
    // Of a link type that isn't decoded: counted, and passed over without being held.
    skip_ = header.captured - have;
    addFrame(header, Datum(), cursor.at, out);
    cursor.previous = cursor.at = cursor.input.size();
    return ReadStatus::kMore;
  }
  if (!cursor.last) return ReadStatus::kStarved;
  Cursor ahead = cursor;
  ++ahead.at;
  if (findRecord(ahead) == Search::kFound) return damaged(cursor, header.captured, notes);
  // To what is behind here it is as long as what is there of it; that it is cut is told once, below.
  const RecordHeader rest{header.seconds, header.fraction, static_cast<uint32_t>(have), static_cast<uint32_t>(have)};
  addFrame(rest, cursor.input.behind(cursor.at + headerBytes_), cursor.at, out);
  return endInside(cursor, notes, "a packet", have, header.captured);
}

// The end of the input, with nothing or with something cut short.
ReadStatus PcapReader::endInside(Cursor& cursor, Notes& notes, const char* what, size_t have, size_t whole) {
  if (what) {
    ++notes.counters.damagedRecords;
    notes.anomalies.report(AnomalyCode::truncated_record, offsetOf(cursor.at), kNoTime,
                           "the capture ends inside of %s (%zu of %zu bytes)", what, have, whole);
  }
  cursor.previous = cursor.at = cursor.input.size();
  return ReadStatus::kEnded;
}

ReadStatus PcapReader::damaged(Cursor& cursor, uint32_t captured, Notes& notes) {
  const size_t bad = cursor.at;
  cursor.at = cursor.previous < bad ? cursor.previous + headerBytes_ : bad + 1;
  searching_ = true;
  const ReadStatus status = search(cursor);
  ++notes.counters.damagedRecords;
  const int64_t offset = offsetOf(bad);
  if (status != ReadStatus::kMore) {
    notes.anomalies.report(AnomalyCode::bad_record_header, offset, kNoTime,
                           "no record header here (captured length %u); no other was found so far", captured);
  } else if (cursor.at < bad) {
    notes.anomalies.report(AnomalyCode::bad_record_header, offset, kNoTime,
                           "no record header here (captured length %u): the length of the record before is wrong; "
                           "reading goes on %zu bytes "
                           "further back",
                           captured, bad - cursor.at);
  } else {
    notes.anomalies.report(AnomalyCode::bad_record_header, offset, kNoTime,
                           "no record header here (captured length %u); reading goes on %zu bytes further on", captured,
                           cursor.at - bad);
  }
  return status;
}

ReadStatus PcapReader::search(Cursor& cursor) {
  const Search found = findRecord(cursor);
  searching_ = found == Search::kNeedMore;
  if (found == Search::kNone) cursor.at = cursor.input.size();
  cursor.previous = cursor.at;
  return found == Search::kFound  ? ReadStatus::kMore
         : found == Search::kNone ? ReadStatus::kEnded
                                  : ReadStatus::kStarved;
}

// Moves to the next place from which records follow one another, or to the first that cannot be judged yet.
PcapReader::Search PcapReader::findRecord(Cursor& cursor) const {
  for (;; ++cursor.at) {
    const auto bytes = cursor.input.peekAt<16>(cursor.at);
    if (!bytes) return cursor.last ? Search::kNone : Search::kNeedMore;
    if (!isPlausible(fields(bytes))) continue;
    const Search found = chainFrom(cursor, cursor.at);
    if (found != Search::kNone) return found;
  }
}

// Whether records follow one another from `at` on. Three in a row do; fewer do at the end of the input, if their time
// is that of the records before the damage, because packets are full of small numbers that look like a header.
PcapReader::Search PcapReader::chainFrom(const Cursor& cursor, uint64_t at) const {
  const Datum& input = cursor.input;
  uint32_t firstSeconds = 0;
  bool isCloseToLast = false;
  for (int records = 0; records < kChainRecords; ++records) {
    if (cursor.last && at == input.size()) return records > (isCloseToLast ? 0 : 1) ? Search::kFound : Search::kNone;
    const auto bytes = input.peekAt<16>(static_cast<size_t>(at));
    const Search atEnd = !cursor.last                   ? Search::kNeedMore
                         : isCloseToLast && records > 0 ? Search::kFound
                                                        : Search::kNone;
    if (!bytes) return atEnd;
    const RecordHeader header = fields(bytes);
    if (records == 0) {
      firstSeconds = header.seconds;
      isCloseToLast = lastSeconds_ > 0 && apart(firstSeconds, lastSeconds_) <= kChainSeconds;
    }
    if (!isPlausible(header) || apart(header.seconds, firstSeconds) > kChainSeconds) return Search::kNone;
    at += headerBytes_ + uint64_t{header.captured};
    if (at > input.size()) return atEnd;
  }
  return Search::kFound;
}

// A header with an odd time or length, as some writers make them: damage only if what follows is no record either.
PcapReader::Search PcapReader::judge(const Cursor& cursor, const RecordHeader& header) const {
  const size_t next = cursor.at + headerBytes_ + header.captured;
  if (next == cursor.input.size() && cursor.last) return Search::kFound;
  const auto bytes = cursor.input.peekAt<16>(next);
  if (!bytes) return cursor.last ? Search::kNone : Search::kNeedMore;
  const RecordHeader following = fields(bytes);
  const bool fits = following.captured <= maxCaptured() && apart(following.seconds, header.seconds) <= kChainSeconds;
  return fits ? Search::kFound : Search::kNone;
}

}  // namespace hellotap
