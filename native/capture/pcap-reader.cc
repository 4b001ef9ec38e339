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

// A record in which the search takes up reading again is followed by this many that make sense too, or by the end.
constexpr int kChainRecords = 3;
constexpr uint32_t kChainSeconds = 86400;

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
  snaplen_ = header.file32<16>(swapped_);
  linkType_ = static_cast<uint16_t>(header.file32<20>(swapped_));  // the upper half tells of frame check sequences
  return true;
}

uint32_t PcapReader::maxCaptured() const { return isOversizedLinkType(linkType_) ? kMaxOversized : kMaxFrameBytes; }

inline PcapReader::RecordHeader PcapReader::fields(Fixed<16> header) const {
  return {header.file32<0>(swapped_), header.file32<4>(swapped_), header.file32<8>(swapped_), header.file32<12>(swapped_)};
}

// Stricter than what is accepted in passing: an empty packet, for one, is no sign of a record.
bool PcapReader::isPlausible(const RecordHeader& header) const {
  return header.captured > 0 && header.captured <= maxCaptured() && header.original >= header.captured &&
         header.fraction < fractionsPerSecond_ && header.seconds > 0;
}

// Whether records follow one another from `at` on.
PcapReader::Search PcapReader::chainFrom(Datum input, size_t at, bool last) const {
  uint32_t firstSeconds = 0;
  for (int records = 0; records < kChainRecords; ++records) {
    if (last && at == input.size()) return records > 0 ? Search::kFound : Search::kNone;
    const auto bytes = input.peekAt<16>(at);
    if (!bytes) return !last ? Search::kNeedMore : records > 1 ? Search::kFound : Search::kNone;
    const RecordHeader header = fields(bytes);
    if (!isPlausible(header)) return Search::kNone;
    if (records == 0) firstSeconds = header.seconds;
    const uint32_t apart = header.seconds > firstSeconds ? header.seconds - firstSeconds : firstSeconds - header.seconds;
    if (apart > kChainSeconds) return Search::kNone;
    const uint64_t next = uint64_t{at} + headerBytes_ + header.captured;
    if (next > input.size()) return !last ? Search::kNeedMore : records > 0 ? Search::kFound : Search::kNone;
    at = static_cast<size_t>(next);
  }
  return Search::kFound;
}

// Moves `at` to the next place from which records follow one another, or to the first that cannot be judged yet.
PcapReader::Search PcapReader::findRecord(Datum input, size_t& at, bool last) const {
  for (;; ++at) {
    const auto bytes = input.peekAt<16>(at);
    if (!bytes) return last ? Search::kNone : Search::kNeedMore;
    if (!isPlausible(fields(bytes))) continue;
    const Search found = chainFrom(input, at, last);
    if (found != Search::kNone) return found;
  }
}

ReadStatus PcapReader::read(Datum& input, bool last, FrameBatch& out, AnomalyLog& anomalies, Counters& counters) {
  if (skip_ > 0) {
    const size_t skipped = skip_ < input.size() ? static_cast<size_t>(skip_) : input.size();
    input.skipUpTo(skipped);
    offset_ += static_cast<int64_t>(skipped);
    skip_ -= skipped;
    if (skip_ > 0) return last ? ReadStatus::kEnded : ReadStatus::kStarved;
  }

  size_t previous = 0;      // the record delivered last
  size_t at = delivered_;   // the next one
  ReadStatus status = ReadStatus::kMore;

  while (!out.full()) {
    bool damaged = searching_;
    RecordHeader header{};
    if (!damaged) {
      const auto bytes = input.peekAt<16>(at);
      if (__builtin_expect(!bytes || input.size() - at < headerBytes_, 0)) {
        if (!last) {
          status = ReadStatus::kStarved;
          break;
        }
        if (at < input.size()) {
          ++counters.damagedRecords;
          anomalies.report(AnomalyCode::truncated_record, offset_ + static_cast<int64_t>(at), kNoTime,
                           "the capture ends inside of a record header (%zu of %u bytes)", input.size() - at, headerBytes_);
        }
        previous = at = input.size();
        status = ReadStatus::kEnded;
        break;
      }
      header = fields(bytes);
      damaged = header.captured > maxCaptured();
      if (__builtin_expect(!damaged && (header.original < header.captured || header.fraction >= fractionsPerSecond_), 0)) {
        // Some writers do this. It is damage only if what follows is no record either.
        const uint64_t next = uint64_t{at} + headerBytes_ + header.captured;
        const Search follows = next > input.size() ? (last ? Search::kNone : Search::kNeedMore)
                               : next == input.size() && last
                                   ? Search::kFound
                                   : chainFrom(input, static_cast<size_t>(next), last);
        if (follows == Search::kNeedMore) {
          status = ReadStatus::kStarved;
          break;
        }
        const auto following = next <= input.size() ? input.peekAt<16>(static_cast<size_t>(next)) : Fixed<16>(nullptr);
        damaged = follows == Search::kNone && !(following && fields(following).captured <= maxCaptured() &&
                                                fields(following).fraction < fractionsPerSecond_);
      }
    }

    const uint64_t available = input.size() - at;
    if (__builtin_expect(!damaged && uint64_t{headerBytes_} + header.captured > available, 0)) {
      if (header.captured > kMaxFrameBytes) {
        // Of a link type that isn't decoded: pass over the bytes without holding them.
        skip_ = uint64_t{headerBytes_} + header.captured - available;
        Frame& frame = out.add();
        frame = Frame{Datum(), header.original, linkType_, 0, offset_ + static_cast<int64_t>(at)};
        previous = at = input.size();
        status = last ? ReadStatus::kEnded : ReadStatus::kStarved;
        break;
      }
      if (!last) {
        status = ReadStatus::kStarved;
        break;
      }
      size_t found = at + 1;
      damaged = findRecord(input, found, last) == Search::kFound;
      if (!damaged) {
        ++counters.damagedRecords;
        anomalies.report(AnomalyCode::truncated_record, offset_ + static_cast<int64_t>(at), kNoTime,
                         "the capture ends inside of a packet (%llu of %u bytes)",
                         static_cast<unsigned long long>(available - headerBytes_), header.captured);
        Datum rest = input.behind(at + headerBytes_);
        if (header.original < header.captured) header.original = header.captured;
        out.add() = Frame{rest, header.original, linkType_,
                          int64_t{header.seconds} * 1000000 + (fractionsPerSecond_ == 1000000 ? header.fraction : header.fraction / 1000),
                          offset_ + static_cast<int64_t>(at)};
        previous = at = input.size();
        status = ReadStatus::kEnded;
        break;
      }
    }

    if (__builtin_expect(damaged, 0)) {
      const size_t bad = at;
      if (!searching_) {
        ++counters.damagedRecords;
        at = previous < at ? previous + headerBytes_ : at + 1;
      }
      const Search found = findRecord(input, at, last);
      if (!searching_) {
        const int64_t offset = offset_ + static_cast<int64_t>(bad);
        if (found == Search::kFound && at >= bad) {
          anomalies.report(AnomalyCode::bad_record_header, offset, kNoTime, "no record header here (captured length %u); reading goes on %zu bytes further on",
                           header.captured, at - bad);
        } else if (found == Search::kFound) {
          anomalies.report(AnomalyCode::bad_record_header, offset, kNoTime, "no record header here (captured length %u): the record before has a wrong length; reading goes on inside of it",
                           header.captured);
        } else {
          anomalies.report(AnomalyCode::bad_record_header, offset, kNoTime, "no record header here (captured length %u); searching for the next one",
                           header.captured);
        }
      }
      searching_ = found == Search::kNeedMore;
      previous = at;
      if (found == Search::kFound) continue;
      if (found == Search::kNone) previous = at = input.size();
      status = found == Search::kNone ? ReadStatus::kEnded : ReadStatus::kStarved;
      break;
    }

    Datum record = input.behind(at + headerBytes_);
    Datum body;
    if (!record.take(header.captured, body)) break;  // checked above
    Frame& frame = out.add();
    frame.bytes = body;
    frame.original = header.original < header.captured ? header.captured : header.original;
    frame.linkType = linkType_;
    frame.timestamp = int64_t{header.seconds} * 1000000 + (fractionsPerSecond_ == 1000000 ? header.fraction : header.fraction / 1000);
    frame.offset = offset_ + static_cast<int64_t>(at);
    previous = at;
    at += headerBytes_ + header.captured;
  }

  input.skipUpTo(previous);
  offset_ += static_cast<int64_t>(previous);
  delivered_ = at - previous;
  return status;
}

}  // namespace hellotap
