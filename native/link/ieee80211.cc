#include "link/ieee80211.h"

namespace hellotap {

// IEEE 802.11-2020 section 9.2.4.1.
NetworkKind decodeIeee80211(Datum& packet, Envelope& envelope, bool isPadded) {
  enum : uint8_t {  // of the first byte: the version, 0; then the type, 2 for data; then bits that say what is there
    kVersionAndType = 0x0f,
    kData = 0x08,
    kNoData = 0x40,
    kQualityOfService = 0x80,
  };
  enum : uint8_t { kBothToAndFrom = 0x03, kProtected = 0x40, kOrder = 0x80 };  // of the second
  constexpr uint8_t kAggregated = 0x80;                                        // of the QoS control field
  const auto header = packet.peek<24>();
  if (!header) return packet.size() >= 10 ? NetworkKind::kOther : NetworkKind::kTruncated;  // a control frame is short
  // All frames that there are have version 0 in their first byte, and data that comes from or goes to an access point has
  // bits set at the same place in the second: the access points of one vendor swap the two in a tunnel.
  const bool isSwapped = header.u8<0>() & 3;
  const uint8_t type = isSwapped ? header.u8<1>() : header.u8<0>();
  const uint8_t flags = isSwapped ? header.u8<0>() : header.u8<1>();
  if ((type & kVersionAndType) != kData || type & kNoData) return NetworkKind::kOther;
  if (flags & kProtected) return NetworkKind::kEncrypted;
  size_t length = 24;
  if ((flags & kBothToAndFrom) == kBothToAndFrom) length += 6;  // a fourth address
  bool isAggregated = false;
  if (type & kQualityOfService) {
    const auto control = packet.peekAt<2>(length);
    if (!control) return NetworkKind::kTruncated;
    isAggregated = control.u8<0>() & kAggregated;
    length += flags & kOrder ? 6 : 2;  // with a field for high throughput
  }
  if (isPadded) length = (length + 3) & ~size_t{3};
  if (!packet.skip(length)) return NetworkKind::kTruncated;
  // Several packets in one frame: the first of them, behind two addresses and a length.
  if (isAggregated && !packet.skip(14)) return NetworkKind::kTruncated;
  return decodeSnap(packet, envelope);
}

// https://www.radiotap.org: version 0, length, and a bit per field that follows, little-endian.
NetworkKind decodeRadiotap(Datum& packet, Envelope& envelope) {
  constexpr uint32_t kTimer = 1, kFlags = 2, kMoreBits = 0x80000000;
  constexpr uint8_t kPadded = 0x20;
  constexpr int kMaxWords = 32;
  const auto header = packet.peek<8>();
  if (!header) return NetworkKind::kTruncated;
  const uint16_t length = header.file16<2>(false);
  if (header.u8<0>() != 0 || length < 8) return NetworkKind::kOther;
  const uint32_t present = header.file32<4>(false);
  const Datum fields = packet.first(length);
  if (!packet.skip(length)) return NetworkKind::kTruncated;
  if (!(present & kFlags)) return decodeIeee80211(packet, envelope);
  size_t at = 8;
  uint32_t word = present;
  for (int words = 0; word & kMoreBits && words < kMaxWords; ++words, at += 4) {
    const auto next = fields.peekAt<4>(at);
    if (!next) return NetworkKind::kOther;
    word = next.file32<0>(false);
  }
  if (present & kTimer) at = ((at + 7) & ~size_t{7}) + 8;
  const auto flags = fields.peekAt<1>(at);
  return decodeIeee80211(packet, envelope, flags && flags.u8<0>() & kPadded);
}

}  // namespace hellotap
