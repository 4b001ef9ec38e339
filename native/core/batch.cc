#include "core/batch.h"

#include <cstring>

namespace hellotap {

namespace {

// What comes behind a header, where there is something.
class Writer {
 public:
  explicit Writer(uint8_t* at) : at_(at) {}
  void put(const void* bytes, size_t count) {
    if (count > 0) std::memcpy(at_, bytes, count);
    at_ += count;
  }

 private:
  uint8_t* at_;
};

size_t bytesOf(const Tunnels& tunnels) { return tunnels.count > 0 ? sizeof tunnels : 0; }

}  // namespace

size_t countRecords(const uint8_t* batch, size_t bytes) {
  size_t count = 0;
  uint32_t length;
  for (size_t at = 0; at < bytes; at += length, ++count) std::memcpy(&length, batch + at, sizeof length);
  return count;
}

uint8_t* BatchWriter::reserve(size_t bytes) {
  const size_t padded = (bytes + 7) & ~size_t{7};
  if (size_ - written_ < padded) return nullptr;
  uint8_t* at = memory_ + written_;
  std::memset(at + padded - 8, 0, 8);
  written_ += padded;
  return at;
}

bool BatchWriter::write(const Stream& stream) {
  const auto client = static_cast<unsigned>(stream.client);
  const Direction& from = stream.directions[client];
  const Direction& to = stream.directions[!client];
  const Datum fromBytes = from.openingBytes();
  const Datum toBytes = to.openingBytes();
  const bool isClientTimed = from.firstTime != kNoTime;
  const Direction& timed = isClientTimed ? from : to;
  Tunnels tunnels = timed.envelope.tunnels;
  if (!isClientTimed) tunnels.turn();
  const size_t headerBytes = sizeof(FlowRecordHeader) + bytesOf(tunnels);
  const size_t bytes = headerBytes + fromBytes.size() + toBytes.size();
  uint8_t* at = reserve(bytes);
  if (!at) return false;

  const FlowKey& key = stream.key;
  FlowRecordHeader header{};
  header.recordBytes = static_cast<uint32_t>((bytes + 7) & ~size_t{7});
  header.kind = RecordKind::kFlow;
  header.ipVersion = key.version;
  header.clientEnd = from.end;
  header.serverEnd = to.end;
  header.flowId = static_cast<double>(stream.flowId);
  header.timestamp = static_cast<double>(timed.firstTime);
  std::memcpy(header.clientAddress, client == 0 ? key.low : key.high, 16);
  std::memcpy(header.serverAddress, client == 0 ? key.high : key.low, 16);
  header.clientPort = client == 0 ? key.lowPort : key.highPort;
  header.serverPort = client == 0 ? key.highPort : key.lowPort;
  header.changeCipherSpec =
      static_cast<uint8_t>((from.walk.changeCipherSpec() ? 1 : 0) | (to.walk.changeCipherSpec() ? 2 : 0));
  header.vlanCount = timed.envelope.vlan.count;
  header.headerBytes = static_cast<uint16_t>(headerBytes);
  header.clientBytes = static_cast<uint32_t>(fromBytes.size());
  header.serverBytes = static_cast<uint32_t>(toBytes.size());
  header.clientFirstApplicationData = from.walk.firstApplicationData();
  header.serverFirstApplicationData = to.walk.firstApplicationData();
  for (size_t i = 0; i < header.vlanCount; ++i) header.vlan[i] = timed.envelope.vlan.ids[i];
  header.input = timed.firstInput;

  Writer writer(at);
  writer.put(&header, sizeof header);
  writer.put(&tunnels, bytesOf(tunnels));
  writer.put(fromBytes.data(), fromBytes.size());
  writer.put(toBytes.data(), toBytes.size());
  return true;
}

bool BatchWriter::write(const Anomaly& anomaly) {
  const size_t length = strnlen(anomaly.detail, sizeof anomaly.detail);
  const size_t bytes = sizeof(AnomalyRecordHeader) + length;
  uint8_t* at = reserve(bytes);
  if (!at) return false;
  const AnomalyKind& kind = anomalyKind(anomaly.code);
  AnomalyRecordHeader header{};
  header.recordBytes = static_cast<uint32_t>((bytes + 7) & ~size_t{7});
  header.kind = RecordKind::kAnomaly;
  header.layer = kind.layer;
  header.code = static_cast<uint16_t>(anomaly.code);
  header.offset = static_cast<double>(anomaly.offset);
  header.timestamp = anomaly.timestamp == kNoTime ? -1 : static_cast<double>(anomaly.timestamp);
  header.detailBytes = static_cast<uint16_t>(length);
  header.input = anomaly.input;
  header.damage = kind.damage ? 1 : 0;
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, anomaly.detail, length);
  return true;
}

bool BatchWriter::write(SecretsQueue& secrets) {
  constexpr size_t kLeast = 256;
  const size_t room = size_ - written_;
  if (room < sizeof(SecretsRecordHeader) + kLeast) return false;
  const SecretsQueue::Piece piece = secrets.front(room - sizeof(SecretsRecordHeader) - 8);
  const size_t bytes = sizeof(SecretsRecordHeader) + piece.text.size();
  uint8_t* at = reserve(bytes);
  if (!at) return false;
  SecretsRecordHeader header{};
  header.recordBytes = static_cast<uint32_t>((bytes + 7) & ~size_t{7});
  header.kind = RecordKind::kSecrets;
  header.textBytes = static_cast<uint32_t>(piece.text.size());
  header.input = piece.input;
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, piece.text.data(), piece.text.size());
  secrets.remove(piece.text.size());
  return true;
}

bool BatchWriter::write(const QuicDatagram& datagram) {
  const Datum payload = datagram.payload;
  const VlanTags& vlan = datagram.envelope.vlan;
  const Tunnels& tunnels = datagram.envelope.tunnels;
  const size_t headerBytes = sizeof(QuicRecordHeader) + bytesOf(tunnels);
  const size_t bytes = headerBytes + payload.size();
  uint8_t* at = reserve(bytes);
  if (!at) return false;
  const FlowKey& key = datagram.key;
  const bool isLow = datagram.direction == 0;
  QuicRecordHeader header{};
  header.recordBytes = static_cast<uint32_t>((bytes + 7) & ~size_t{7});
  header.kind = RecordKind::kQuic;
  header.ipVersion = key.version;
  header.vlanCount = vlan.count;
  header.flowId = static_cast<double>(datagram.flowId);
  header.timestamp = static_cast<double>(datagram.timestamp);
  std::memcpy(header.sourceAddress, isLow ? key.low : key.high, 16);
  std::memcpy(header.destinationAddress, isLow ? key.high : key.low, 16);
  header.sourcePort = isLow ? key.lowPort : key.highPort;
  header.destinationPort = isLow ? key.highPort : key.lowPort;
  header.payloadBytes = static_cast<uint16_t>(payload.size());
  header.headerBytes = static_cast<uint16_t>(headerBytes);
  for (size_t i = 0; i < vlan.count; ++i) header.vlan[i] = vlan.ids[i];
  header.input = datagram.input;
  Writer writer(at);
  writer.put(&header, sizeof header);
  writer.put(&tunnels, bytesOf(tunnels));
  writer.put(payload.data(), payload.size());
  return true;
}

}  // namespace hellotap
