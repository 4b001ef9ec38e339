#include "net/fragment-joiner.h"

#include <cstring>

namespace hellotap {

bool FragmentJoiner::Packet::isOf(const IpPacket& ip, uint16_t itsRealm) const {
  // What IPv6 calls the next header may differ from fragment to fragment; only the first one's counts.
  return version == ip.version && id == ip.fragment.id && realm == itsRealm &&
         (version == 6 || protocol == ip.protocol) && source[0] == ip.source[0] && source[1] == ip.source[1] &&
         destination[0] == ip.destination[0] && destination[1] == ip.destination[1];
}

FragmentJoiner::FragmentJoiner(const uint64_t (&secret)[4], Notes& notes)
    : secret_{secret[0] | 1, secret[1] | 1}, notes_(notes) {}

FragmentJoiner::~FragmentJoiner() {
  release();
  for (Packet& packet : packets_) pool_.give(packet.buffer, packet.capacity);
}

// A keyed hash, so that nobody can choose packets that all fall into one set.
uint64_t FragmentJoiner::hash(const IpPacket& ip) const {
  uint64_t mixed = secret_[0] ^ ip.fragment.id;
  for (const uint64_t word : {ip.source[0], ip.source[1], ip.destination[0], ip.destination[1]}) {
    const unsigned __int128 product = static_cast<unsigned __int128>(mixed ^ word) * secret_[1];
    mixed = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  return mixed;
}

// The packet that a fragment is of; a new one in place of the oldest of its set where none has come yet.
FragmentJoiner::Packet& FragmentJoiner::packetOf(const IpPacket& ip, uint16_t realm, int64_t timestamp) {
  if (packets_.empty()) packets_.resize(kSets * kWays);
  Packet* set = &packets_[(hash(ip) & (kSets - 1)) * kWays];
  Packet* victim = set;
  for (size_t way = 0; way < kWays; ++way) {
    Packet& packet = set[way];
    if (packet.version != 0 && timestamp - packet.since > (packet.isDone ? kDoneMicroseconds : kMaxMicroseconds))
      giveUp(packet, notes_.counters.joiningExpired);
    if (packet.isOf(ip, realm)) return packet;
    if (victim->version != 0 && (packet.version == 0 || packet.since < victim->since)) victim = &packet;
  }
  if (victim->version != 0) giveUp(*victim, notes_.counters.joiningEvicted);
  *victim = Packet();
  std::memcpy(victim->source, ip.source, sizeof ip.source);
  std::memcpy(victim->destination, ip.destination, sizeof ip.destination);
  victim->id = ip.fragment.id;
  victim->realm = realm;
  victim->version = ip.version;
  victim->protocol = ip.protocol;
  victim->since = timestamp;
  return *victim;
}

// Notes that bytes are there, without copying them.
FragmentJoiner::Placed FragmentJoiner::place(Packet& packet, uint32_t begin, uint32_t end) {
  Range* const range = packet.range;
  unsigned at = 0;
  while (at < packet.ranges && range[at].end < begin) ++at;
  // `at` is the first that reaches up to `begin`.
  if (at < packet.ranges && range[at].end == begin) {
    const bool hasNext = at + 1 < packet.ranges;
    if (hasNext && range[at + 1].begin < end) return Placed::kOverlap;
    range[at].end = end;
    if (hasNext && range[at + 1].begin == end) {
      range[at].end = range[at + 1].end;
      for (unsigned i = at + 2; i < packet.ranges; ++i) range[i - 1] = range[i];
      --packet.ranges;
    }
    return Placed::kNew;
  }
  if (at < packet.ranges && range[at].begin < end)
    return range[at].begin <= begin && range[at].end >= end ? Placed::kRepeat : Placed::kOverlap;
  if (at < packet.ranges && range[at].begin == end) {
    range[at].begin = begin;
    return Placed::kNew;
  }
  if (packet.ranges == kMaxRanges) return Placed::kTooMany;
  for (unsigned i = packet.ranges; i > at; --i) range[i] = range[i - 1];
  range[at] = {begin, end};
  ++packet.ranges;
  return Placed::kNew;
}

bool FragmentJoiner::ensureBuffer(Packet& packet, uint32_t end) {
  const uint32_t size = BufferPool::sizeFor(end);
  if (size <= packet.capacity) return true;
  for (size_t turns = 0; pool_.inUse() + size > kMaxBytes; ++turns) {
    if (turns == packets_.size()) return false;
    Packet& oldest = packets_[hand_++ % packets_.size()];
    if (oldest.version != 0 && &oldest != &packet) giveUp(oldest, notes_.counters.joiningEvicted);
  }
  uint8_t* buffer = pool_.take(size);
  if (!buffer) return false;
  if (packet.ranges > 0) std::memcpy(buffer, packet.buffer, packet.range[packet.ranges - 1].end);
  pool_.give(packet.buffer, packet.capacity);
  packet.buffer = buffer;
  packet.capacity = size;
  return true;
}

bool FragmentJoiner::join(IpPacket& ip, uint16_t realm, int64_t timestamp) {
  ++notes_.counters.fragments;
  const IpFragment& fragment = ip.fragment;
  const auto size = static_cast<uint32_t>(ip.payload.size());
  const uint32_t begin = fragment.offset, end = begin + size;
  // All but the last have a multiple of eight bytes; what was not captured will not come.
  if (size == 0 || ip.missing > 0 || end > kMaxLength || (fragment.more && size % 8 != 0)) {
    ++notes_.counters.fragmentsDropped;
    report(ip.protocol, timestamp);
    return false;
  }
  Packet& packet = packetOf(ip, realm, timestamp);
  if (packet.isDone) return false;
  const uint32_t last = packet.ranges > 0 ? packet.range[packet.ranges - 1].end : 0;
  const bool isBeyond = packet.length > 0 && (end > packet.length || (!fragment.more && end != packet.length));
  if (isBeyond || (!fragment.more && last > end)) {
    giveUp(packet, notes_.counters.joiningOverlaps);
    return false;
  }
  if (!ensureBuffer(packet, end)) {
    giveUp(packet, notes_.counters.joiningEvicted);
    return false;
  }
  switch (place(packet, begin, end)) {
    case Placed::kNew:
      break;
    case Placed::kRepeat:
      return false;
    case Placed::kOverlap:
      giveUp(packet, notes_.counters.joiningOverlaps);
      return false;
    case Placed::kTooMany:
      giveUp(packet, notes_.counters.joiningEvicted);
      return false;
  }
  std::memcpy(packet.buffer + begin, ip.payload.data(), size);
  if (!fragment.more) packet.length = end;
  if (begin == 0) packet.protocol = ip.protocol;
  if (!packet.isWhole()) return false;
  ++notes_.counters.packetsJoined;
  ip.protocol = packet.protocol;
  ip.payload = Datum(packet.buffer, packet.length);
  whole_.push_back({packet.buffer, packet.capacity});
  packet.buffer = nullptr;
  packet.capacity = 0;
  packet.isDone = true;
  packet.since = timestamp;
  return true;
}

void FragmentJoiner::release() {
  for (const Buffer& buffer : whole_) pool_.give(buffer.bytes, buffer.size);
  whole_.clear();
}

void FragmentJoiner::finish() {
  for (Packet& packet : packets_)
    if (packet.version != 0) giveUp(packet, notes_.counters.joiningExpired);
}

// Forgets a packet, and counts it where it was not whole.
void FragmentJoiner::giveUp(Packet& packet, uint64_t& counter) {
  if (!packet.isDone) {
    ++counter;
    report(packet.protocol, packet.since);
  }
  pool_.give(packet.buffer, packet.capacity);
  packet = Packet();
}

// Only of TCP is it a loss: hardly any datagram is looked at.
void FragmentJoiner::report(uint8_t protocol, int64_t timestamp) {
  if (protocol == kProtocolTcp && notes_.anomalies.isNew(AnomalyCode::fragment_not_joined))
    notes_.anomalies.report(AnomalyCode::fragment_not_joined, kNoOffset, timestamp,
                            "an IP packet with TCP in it was given up: fragments are missing, cut, or overlap");
}

}  // namespace hellotap
