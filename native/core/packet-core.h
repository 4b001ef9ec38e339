// Frames in, batches of flows out: the way of a packet from its link layer to the flow table.
#ifndef HELLOTAP_CORE_PACKET_CORE_H_
#define HELLOTAP_CORE_PACKET_CORE_H_

#include <cstdint>

#include "base/frame.h"
#include "base/notes.h"
#include "core/batch.h"
#include "core/input.h"
#include "flow/flow-table.h"
#include "flow/quic-gate.h"
#include "link/link-layer.h"
#include "net/fragment-joiner.h"

namespace hellotap {

// Says of each frame whether it is wanted.
class FrameFilter {
 public:
  virtual ~FrameFilter() = default;
  virtual bool matches(const Frame& frame, Notes& notes) = 0;
};

class PacketCore {
 public:
  PacketCore(const FlowLimits& limits, const uint64_t (&secret)[4])
      : fragments_(secret, notes_), table_(limits, secret, notes_), quic_(secret) {}

  bool isUsable() const { return table_.isUsable(); }
  // `filter` outlives the core, or is taken out again with null.
  void setFilter(FrameFilter* filter) { filter_ = filter; }
  // Reads on, until the batch or the budget (bytes of frames) is used up or the input has no more at the moment.
  ReadStatus drain(Input& input, BatchWriter& out, uint64_t budget);
  // Moves the clock while no packets come (microseconds since 1970).
  void advance(int64_t timestamp) { table_.advance(timestamp); }
  // After the end of all input: hands over what is still being followed. True while there is more than fitted.
  bool finish(BatchWriter& out);

  const Counters& counters() const { return notes_.counters; }
  uint32_t flowCount() const { return table_.flowCount(); }

 private:
  // Whether the flow table is to see a segment; one without payload and flags only where bytes are waited for.
  enum class Wanted : uint8_t { kNo, kYes, kIfWaiting };

  // From where a capture has brought keys: bytes of a direction behind its clear text. Enough for a flight with a long
  // chain of certificates, and a ticket or an alert behind it.
  static constexpr uint32_t kBeyondWithKeys = 32 * 1024;

  bool writeReady(BatchWriter& out);
  void process();
  Wanted decode(const Frame& frame, Segment& segment);
  inline Wanted takeSegment(IpPacket& ip, const Frame& frame, Segment& segment);
  void takeDatagram(const IpPacket& ip, const Envelope& envelope, int64_t timestamp);
  Wanted setAside(NetworkKind kind, const Frame& frame);
  Wanted setAside(IpResult result, const Frame& frame);
  Wanted complain(AnomalyCode code, const Frame& frame, const char* detail);

  Notes notes_;
  FragmentJoiner fragments_;
  FlowTable table_;
  QuicGate quic_;
  FrameFilter* filter_ = nullptr;
  FrameBatch frames_;
  Segment segments_[FrameBatch::kCapacity];
};

}  // namespace hellotap

#endif  // HELLOTAP_CORE_PACKET_CORE_H_
