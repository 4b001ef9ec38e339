#include "core/batch.h"

#include <cstring>

namespace hellotap {

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
  const size_t bytes = sizeof(FlowRecordHeader) + fromBytes.size() + toBytes.size();
  uint8_t* at = reserve(bytes);
  if (!at) return false;

  const Direction& timed = from.firstTime != kNoTime ? from : to;
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
  header.vlanCount = timed.vlan.count;
  header.headerBytes = sizeof(FlowRecordHeader);
  header.clientBytes = static_cast<uint32_t>(fromBytes.size());
  header.serverBytes = static_cast<uint32_t>(toBytes.size());
  header.clientFirstApplicationData = from.walk.firstApplicationData();
  header.serverFirstApplicationData = to.walk.firstApplicationData();
  for (size_t i = 0; i < timed.vlan.count; ++i) header.vlan[i] = timed.vlan.ids[i];

  std::memcpy(at, &header, sizeof header);
  at += sizeof header;
  if (!fromBytes.empty()) std::memcpy(at, fromBytes.data(), fromBytes.size());
  if (!toBytes.empty()) std::memcpy(at + fromBytes.size(), toBytes.data(), toBytes.size());
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
  header.detailBytes = static_cast<uint32_t>(length);
  header.damage = kind.damage ? 1 : 0;
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, anomaly.detail, length);
  return true;
}

bool BatchWriter::write(const QuicDatagram& datagram) {
  const Datum payload = datagram.payload;
  const size_t bytes = sizeof(QuicRecordHeader) + payload.size();
  uint8_t* at = reserve(bytes);
  if (!at) return false;
  const FlowKey& key = datagram.key;
  const bool isLow = datagram.direction == 0;
  QuicRecordHeader header{};
  header.recordBytes = static_cast<uint32_t>((bytes + 7) & ~size_t{7});
  header.kind = RecordKind::kQuic;
  header.ipVersion = key.version;
  header.vlanCount = datagram.vlan.count;
  header.flowId = static_cast<double>(datagram.flowId);
  header.timestamp = static_cast<double>(datagram.timestamp);
  std::memcpy(header.sourceAddress, isLow ? key.low : key.high, 16);
  std::memcpy(header.destinationAddress, isLow ? key.high : key.low, 16);
  header.sourcePort = isLow ? key.lowPort : key.highPort;
  header.destinationPort = isLow ? key.highPort : key.lowPort;
  header.payloadBytes = static_cast<uint16_t>(payload.size());
  header.headerBytes = sizeof(QuicRecordHeader);
  for (size_t i = 0; i < datagram.vlan.count; ++i) header.vlan[i] = datagram.vlan.ids[i];
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, payload.data(), payload.size());
  return true;
}

}  // namespace hellotap
