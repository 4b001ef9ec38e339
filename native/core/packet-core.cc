#include "core/packet-core.h"

#include "net/ip.h"
#include "net/tcp.h"
#include "net/tunnel.h"

namespace hellotap {

// False where the batch is full.
bool PacketCore::writeReady(BatchWriter& out) {
  size_t written = 0;
  while (written < notes_.anomalies.size() && out.write(notes_.anomalies[written])) ++written;
  notes_.anomalies.removeFirst(written);
  if (notes_.anomalies.size() > 0) return false;
  // Before the flows that they open.
  while (!notes_.secrets.empty())
    if (!out.write(notes_.secrets)) return false;
  while (const Stream* stream = table_.ready()) {
    if (!out.write(*stream)) return false;
    table_.releaseReady();
  }
  while (const QuicDatagram* datagram = quic_.ready()) {
    if (!out.write(*datagram)) return false;
    quic_.releaseReady();
  }
  return true;
}

ReadStatus PacketCore::drain(Input& input, BatchWriter& out, uint64_t budget) {
  const uint64_t until = notes_.counters.bytes + budget;
  for (;;) {
    if (!writeReady(out) || notes_.counters.bytes >= until) return ReadStatus::kMore;
    // All is handed over before more is read, so what waits to be is bounded: of QUIC the datagrams of one batch, of TCP
    // what was being followed.
    static_assert(FrameBatch::kCapacity * QuicGate::kMaxBytes <= 1 << 20, "Initials that wait take a MiB at most");
    frames_.clear();
    const ReadStatus status = input.read(frames_, notes_);
    if (__builtin_expect(!notes_.secrets.empty(), 0)) table_.passOnBeyond(kBeyondWithKeys);
    process();
    if (status != ReadStatus::kMore) return writeReady(out) ? status : ReadStatus::kMore;
  }
}

bool PacketCore::finish(BatchWriter& out) {
  fragments_.finish();
  table_.finish();
  return !writeReady(out);
}

void PacketCore::process() {
  notes_.anomalies.select(frames_.input);
  table_.selectInput(frames_.input);
  // Decode them all first: by the time that the table is asked, its slots are in the cache.
  Wanted wanted[FrameBatch::kCapacity];
  for (size_t i = 0; i < frames_.count; ++i) {
    const Frame& frame = frames_.frames[i];
    ++notes_.counters.packets;
    notes_.counters.bytes += frame.bytes.size();
    wanted[i] = decode(frame, segments_[i]);
  }
  for (size_t i = 0; i < frames_.count; ++i) {
    table_.advance(frames_.frames[i].timestamp);
    // Most of a busy link is nothing but acknowledgements, and mostly nobody waits for one.
    if (wanted[i] == Wanted::kIfWaiting && table_.wantsAcknowledgements()) {
      segments_[i].hash = table_.hash(segments_[i].key);
      wanted[i] = Wanted::kYes;
    }
    if (wanted[i] == Wanted::kYes) table_.add(segments_[i]);
  }
  fragments_.release();
}

PacketCore::Wanted PacketCore::complain(AnomalyCode code, const Frame& frame, const char* detail) {
  ++notes_.counters.malformedPackets;
  // What the snap length cut off is no fault of the packet's.
  if (frame.original > frame.bytes.size() && code != AnomalyCode::bad_ip_header && code != AnomalyCode::bad_tcp_header)
    code = AnomalyCode::snaplen_cut;
  if (notes_.anomalies.isNew(code))
    notes_.anomalies.report(code, frame.offset, frame.timestamp, "%s (%zu of %u bytes captured)", detail,
                            frame.bytes.size(), frame.original);
  return Wanted::kNo;
}

// Of UDP (RFC 768) nothing matters but QUIC Initials that are there to their end.
void PacketCore::takeDatagram(const IpPacket& ip, const Envelope& envelope, int64_t timestamp) {
  ++notes_.counters.udpPackets;
  Datum payload = ip.payload;
  const auto header = payload.take<8>();
  if (!header || header.be16<4>() < 8 || !beginsWithQuicInitial(payload)) return;
  // What lies behind the length in the header is padding of the link.
  payload = payload.first(header.be16<4>() - 8u);
  if (payload.size() < header.be16<4>() - 8u || payload.size() < 6 || payload.size() < 6u + payload.data()[5]) return;
  quic_.add(ip, header.be16<0>(), header.be16<2>(), payload, envelope, timestamp, frames_.input, notes_);
}

__attribute__((always_inline)) PacketCore::Wanted PacketCore::takeSegment(IpPacket& ip, const Frame& frame,
                                                                          Segment& segment) {
  ++notes_.counters.tcpPackets;
  TcpHeader tcp;
  switch (decodeTcp(ip.payload, ip.missing, tcp)) {
    case TcpResult::kSegment:
      break;
    case TcpResult::kTruncated:
      ++notes_.counters.cutPackets;
      return complain(AnomalyCode::truncated_tcp_header, frame, "a packet ends inside of its TCP header");
    case TcpResult::kMalformed:
    default:
      return complain(AnomalyCode::bad_tcp_header, frame, "a TCP header that contradicts itself");
  }
  if (__builtin_expect(ip.missing > 0, 0)) {
    ++notes_.counters.cutPackets;
    if (frame.original > frame.bytes.size() && notes_.anomalies.isNew(AnomalyCode::snaplen_cut))
      notes_.anomalies.report(AnomalyCode::snaplen_cut, frame.offset, frame.timestamp,
                              "packets were cut when they were captured (%zu of %u bytes here)", frame.bytes.size(),
                              frame.original);
  }
  segment.direction = makeFlowKey(ip, tcp, segment.key);
  segment.flags = tcp.flags;
  segment.sequence = tcp.sequence;
  segment.acknowledgement = tcp.acknowledgement;
  segment.payload = ip.payload;
  segment.missing = ip.missing;
  segment.timestamp = frame.timestamp;
  if (ip.payload.empty() && !(tcp.flags & (kSyn | kFin | kRst))) return Wanted::kIfWaiting;
  segment.hash = table_.hash(segment.key);
  table_.prefetch(segment.hash);
  return Wanted::kYes;
}

PacketCore::Wanted PacketCore::decode(const Frame& frame, Segment& segment) {
  if (__builtin_expect(filter_ != nullptr, 0) && !filter_->matches(frame, notes_)) {
    ++notes_.counters.filteredPackets;
    return Wanted::kNo;
  }
  Datum packet = frame.bytes;
  auto uncaptured = static_cast<uint32_t>(frame.original - frame.bytes.size());
  Envelope& envelope = segment.envelope;
  envelope.clear();
  IpPacket ip;
  NetworkKind kind = decodeLink(frame.linkType, packet, envelope);
  for (;;) {
    IpResult result;
    if (__builtin_expect(kind == NetworkKind::kIpv4, 1))
      result = decodeIpv4(packet, uncaptured, ip);
    else if (kind == NetworkKind::kIpv6)
      result = decodeIpv6(packet, uncaptured, ip);
    else
      return setAside(kind, frame);
    if (__builtin_expect(result == IpResult::kFragment, 0)) {
      if (!fragments_.join(ip, envelope.realm(), frame.timestamp)) return Wanted::kNo;
      result = decodeJoined(ip);
    }
    if (__builtin_expect(result != IpResult::kPacket, 0)) return setAside(result, frame);
    if (__builtin_expect(ip.protocol == kProtocolTcp, 1)) return takeSegment(ip, frame, segment);
    if (__builtin_expect(!mayBeTunnel(ip), 1)) break;
    // Each turn takes a layer of the envelope, of which there are only so many.
    kind = openTunnel(ip, packet, envelope);
    if (kind == NetworkKind::kNoTunnel) break;
    if (envelope.tunnels.depth == 1) ++notes_.counters.tunnelledPackets;
    uncaptured = ip.missing;
  }
  if (ip.protocol == kProtocolUdp)
    takeDatagram(ip, envelope, frame.timestamp);
  else
    ++notes_.counters.otherPackets;
  return Wanted::kNo;
}

// A frame in which there is no packet to be read.
PacketCore::Wanted PacketCore::setAside(NetworkKind kind, const Frame& frame) {
  switch (kind) {
    case NetworkKind::kTruncated:
      return complain(AnomalyCode::truncated_link_header, frame, "a frame ends inside of its link header");
    case NetworkKind::kUnsupported:
      ++notes_.counters.unsupportedLinkType;
      if (notes_.anomalies.isNew(AnomalyCode::unsupported_link_type))
        notes_.anomalies.report(AnomalyCode::unsupported_link_type, frame.offset, frame.timestamp,
                                "packets of link type %u are not decoded", frame.linkType);
      return Wanted::kNo;
    case NetworkKind::kEncrypted:
      ++notes_.counters.encryptedFrames;
      return Wanted::kNo;
    case NetworkKind::kTooDeep:
      ++notes_.counters.tunnelsTooDeep;
      if (notes_.anomalies.isNew(AnomalyCode::tunnel_too_deep))
        notes_.anomalies.report(AnomalyCode::tunnel_too_deep, frame.offset, frame.timestamp,
                                "a packet in more than %zu tunnels, one in the other", Tunnels::kMax);
      return Wanted::kNo;
    default:
      ++notes_.counters.otherPackets;
      return Wanted::kNo;
  }
}

PacketCore::Wanted PacketCore::setAside(IpResult result, const Frame& frame) {
  if (result == IpResult::kTruncated)
    return complain(AnomalyCode::truncated_ip_header, frame, "a packet ends inside of its IP header");
  return complain(AnomalyCode::bad_ip_header, frame, "an IP header that contradicts itself");
}

}  // namespace hellotap
