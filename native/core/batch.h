// The layout of what crosses into JavaScript, and the writer of it. src/capture/flow-batch.ts is its mirror: change
// both.
//
// A batch is records, one behind the other; each begins at a multiple of 8 and says how long it is. All numbers are
// little-endian.
#ifndef HELLOTAP_CORE_BATCH_H_
#define HELLOTAP_CORE_BATCH_H_

#include <cstddef>
#include <cstdint>

#include "base/anomaly.h"
#include "base/secrets.h"
#include "flow/quic-gate.h"
#include "flow/stream.h"

namespace hellotap {

constexpr uint32_t kBatchLayoutVersion = 4;

enum class RecordKind : uint8_t { kFlow = 1, kAnomaly = 2, kQuic = 3, kSecrets = 4 };

// Followed by Tunnels (link/envelope.h) where the packets came in some, which shows in `headerBytes`; then by the bytes
// of the client, those of the server, and padding to a multiple of 8.
struct FlowRecordHeader {
  uint32_t recordBytes;
  RecordKind kind;
  uint8_t ipVersion;
  DirectionEnd clientEnd;
  DirectionEnd serverEnd;
  double flowId;
  double timestamp;           // microseconds since 1970
  uint8_t clientAddress[16];  // an IPv4 address in the first four bytes
  uint8_t serverAddress[16];
  uint16_t clientPort;
  uint16_t serverPort;
  uint8_t changeCipherSpec;  // bit 0: client, bit 1: server
  uint8_t vlanCount;
  uint16_t headerBytes;  // where the client's bytes begin
  uint32_t clientBytes;
  uint32_t serverBytes;
  uint32_t clientFirstApplicationData;
  uint32_t serverFirstApplicationData;
  uint16_t vlan[VlanTags::kMax];
  uint32_t input;  // with the packet that the time stamp is of
  uint32_t reserved;
};
static_assert(sizeof(FlowRecordHeader) == 96 && offsetof(FlowRecordHeader, clientPort) == 56 &&
                  offsetof(FlowRecordHeader, vlan) == 80 && offsetof(FlowRecordHeader, input) == 88,
              "layout as src/capture/flow-batch.ts reads it");

// Followed by the detail, UTF-8, then padding to a multiple of 8.
struct AnomalyRecordHeader {
  uint32_t recordBytes;
  RecordKind kind;
  Layer layer;
  uint16_t code;     // index in the addon's anomalyCodes
  double offset;     // -1: none
  double timestamp;  // -1: none
  uint16_t detailBytes;
  uint16_t damage;  // 0 or 1
  uint32_t input;
};
static_assert(sizeof(AnomalyRecordHeader) == 32 && offsetof(AnomalyRecordHeader, detailBytes) == 24,
              "layout as src/capture/flow-batch.ts reads it");

// A datagram that begins with a QUIC Initial. Followed by Tunnels as above, its payload, and padding to a multiple
// of 8.
struct QuicRecordHeader {
  uint32_t recordBytes;
  RecordKind kind;
  uint8_t ipVersion;
  uint8_t vlanCount;
  uint8_t reserved;
  double flowId;
  double timestamp;
  uint8_t sourceAddress[16];  // an IPv4 address in the first four bytes
  uint8_t destinationAddress[16];
  uint16_t sourcePort;
  uint16_t destinationPort;
  uint16_t payloadBytes;
  uint16_t headerBytes;  // where the payload begins
  uint16_t vlan[VlanTags::kMax];
  uint32_t input;
  uint32_t reserved2;
};
static_assert(sizeof(QuicRecordHeader) == 80 && offsetof(QuicRecordHeader, sourcePort) == 56 &&
                  offsetof(QuicRecordHeader, vlan) == 64 && offsetof(QuicRecordHeader, input) == 72,
              "layout as src/capture/flow-batch.ts reads it");

// A part of a key log that stands in the capture. Followed by the text, then padding to a multiple of 8. The parts of
// one input belong together, wherever a line is cut.
struct SecretsRecordHeader {
  uint32_t recordBytes;
  RecordKind kind;
  uint8_t reserved[3];
  uint32_t textBytes;
  uint32_t input;
};
static_assert(sizeof(SecretsRecordHeader) == 16, "layout as src/capture/flow-batch.ts reads it");

// The longest record: a flow with all that both directions may have.
constexpr size_t kMaxRecordBytes = sizeof(FlowRecordHeader) + sizeof(Tunnels) + 2 * Reassembler::kMaxBytes + 8;

// How many records are in a batch.
size_t countRecords(const uint8_t* batch, size_t bytes);

class BatchWriter {
 public:
  BatchWriter(uint8_t* memory, size_t size) : memory_(memory), size_(size) {}

  // False, and nothing written, where the record does not fit any more.
  bool write(const Stream& stream);
  bool write(const Anomaly& anomaly);
  bool write(const QuicDatagram& datagram);
  // Takes what fits; false where none does.
  bool write(SecretsQueue& secrets);

  size_t written() const { return written_; }

 private:
  uint8_t* reserve(size_t bytes);

  uint8_t* memory_;
  size_t size_;
  size_t written_ = 0;
};

}  // namespace hellotap

#endif  // HELLOTAP_CORE_BATCH_H_
