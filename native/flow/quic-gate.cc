#include "flow/quic-gate.h"

#include "flow/flow-id.h"
#include "net/tcp.h"

namespace hellotap {

namespace {

// Not for security: two ids that collide share their bound.
uint64_t digestOf(Datum connectionId) {
  uint64_t digest = 0xcbf29ce484222325;
  for (size_t i = 0; i < connectionId.size(); ++i) digest = (digest ^ connectionId.data()[i]) * 0x100000001b3;
  return digest;
}

bool isSame(const FlowKey& a, const FlowKey& b) {
  return a.low[0] == b.low[0] && a.low[1] == b.low[1] && a.high[0] == b.high[0] && a.high[1] == b.high[1] &&
         a.lowPort == b.lowPort && a.highPort == b.highPort && a.version == b.version;
}

}  // namespace

QuicGate::Entry& QuicGate::entryOf(const QuicDatagram& datagram, uint16_t realm, Notes& notes) {
  if (entries_.empty()) entries_.resize(kSets * kWays);
  Entry* set = &entries_[(hash_(datagram.key) & (kSets - 1)) * kWays];
  Entry* victim = set;
  Entry* possible = nullptr;
  for (size_t way = 0; way < kWays; ++way) {
    Entry& entry = set[way];
    if (entry.flowId != 0 && datagram.timestamp - entry.latest > kIdleMicroseconds) entry.flowId = 0;
    if (entry.flowId != 0 && isSame(entry.key, datagram.key)) {
      const RealmFit fit = entry.fit(datagram.direction, realm);
      if (fit == RealmFit::kSame) return entry;
      if (fit == RealmFit::kPossible && !possible) possible = &entry;
    }
    if (victim->flowId != 0 && (entry.flowId == 0 || entry.latest < victim->latest)) victim = &entry;
  }
  if (possible) return *possible;
  if (victim->flowId != 0) ++notes.counters.quicFlowsEvicted;
  ++notes.counters.quicFlows;
  *victim = Entry{};
  victim->key = datagram.key;
  victim->flowId = takeFlowId();
  return *victim;
}

void QuicGate::add(const IpPacket& ip, uint16_t sourcePort, uint16_t destinationPort, Datum payload,
                   const Envelope& envelope, int64_t timestamp, uint32_t input, Notes& notes) {
  ++notes.counters.quicInitials;
  QuicDatagram datagram;
  TcpHeader ports{};
  ports.sourcePort = sourcePort;
  ports.destinationPort = destinationPort;
  datagram.direction = makeFlowKey(ip, ports, datagram.key);
  datagram.timestamp = timestamp;
  const uint16_t realm = envelope.realm();
  Entry& entry = entryOf(datagram, realm, notes);
  if (timestamp > entry.latest) entry.latest = timestamp;
  Side& side = entry.sides[datagram.direction];
  const uint64_t connectionId = digestOf(payload.behind(6).first(payload.data()[5]));
  if (side.datagrams == 0 || side.connectionId != connectionId) side = {connectionId, 0, 0, realm};
  if (side.datagrams >= kMaxDatagrams || side.bytes + payload.size() > kMaxBytes) {
    ++notes.counters.quicInitialsDropped;
    return;
  }
  ++side.datagrams;
  side.bytes += static_cast<uint32_t>(payload.size());

  datagram.flowId = entry.flowId;
  datagram.envelope = envelope;
  datagram.input = input;
  datagram.payload = payload;
  queue_.push_back(datagram);
  starts_.push_back(bytes_.size());
  bytes_.insert(bytes_.end(), payload.data(), payload.data() + payload.size());
}

const QuicDatagram* QuicGate::ready() {
  if (handedOver_ == queue_.size()) return nullptr;
  QuicDatagram& next = queue_[handedOver_];
  next.payload = Datum(bytes_.data() + starts_[handedOver_], next.payload.size());
  return &next;
}

void QuicGate::releaseReady() {
  if (++handedOver_ < queue_.size()) return;
  queue_.clear();
  starts_.clear();
  bytes_.clear();
  handedOver_ = 0;
}

}  // namespace hellotap
