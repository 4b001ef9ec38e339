// Every flow that can still turn out to be TLS, or was handed over a short while ago. What is decided against costs
// nothing: it is forgotten, and a segment of an unknown flow is looked at only if it begins with a hello.
#ifndef HELLOTAP_FLOW_FLOW_TABLE_H_
#define HELLOTAP_FLOW_FLOW_TABLE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/notes.h"
#include "base/buffer-pool.h"
#include "flow/flow-clock.h"
#include "flow/flow-entries.h"
#include "flow/stream.h"

namespace hellotap {

struct FlowLimits {
  uint32_t maxFlows = 1u << 19;          // entries of 64 bytes
  uint64_t reassemblyBytes = 32u << 20;  // for all flows that are being followed
  uint32_t openingBeyond = 0;            // bytes of a direction to pass on behind the end of its clear text
};

struct Segment {
  FlowKey key;
  uint64_t hash;
  unsigned direction;  // as makeFlowKey says
  uint8_t flags;       // of TCP
  uint32_t sequence;
  uint32_t acknowledgement;
  Datum payload;
  uint32_t missing;  // bytes behind the payload that were not captured
  int64_t timestamp;
  Envelope envelope;
};

class FlowTable {
 public:
  FlowTable(const FlowLimits& limits, const uint64_t (&secret)[4], Notes& notes);
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  // False where the system had no memory for the table.
  bool isUsable() const { return entries_.isUsable(); }

  uint64_t hash(const FlowKey& key) const { return hash_(key); }
  void prefetch(uint64_t hash) const { entries_.prefetch(hash); }
  // Whether segments without payload and flags matter: only where bytes are missing.
  bool wantsAcknowledgements() const { return waiting_ > 0; }

  // The input that the segments to come are from.
  void selectInput(uint32_t input) { input_ = input; }
  void add(const Segment& segment);

  // At least so many bytes of a direction are passed on behind the end of its clear text from here on.
  void passOnBeyond(uint32_t bytes) {
    if (limits_.openingBeyond < bytes) limits_.openingBeyond = bytes;
  }

  // Time as the packets tell it; ends what was idle too long.
  void advance(int64_t timestamp) {
    const FlowClock::Step step = clock_.advance(timestamp);
    if (__builtin_expect(step == FlowClock::Step::kSame, 1)) return;
    if (step == FlowClock::Step::kJump) entries_.refresh(clock_.jumpedAt(), clock_.now());
    expire();
  }
  // The end of the input: what is being followed is handed over as it is.
  void finish();

  // Flows that are over, the first of them; null where there is none.
  const Stream* ready() const { return ready_.first; }
  void releaseReady();
  // What their bytes take.
  size_t readyBytes() const { return ready_.bytes; }

  uint32_t flowCount() const { return entries_.size(); }

 private:
  static constexpr uint32_t kNone = FlowEntries::kNone;
  static constexpr uint32_t kChunk = 64;

  struct ReadyQueue {
    Stream* first = nullptr;
    Stream* last = nullptr;
    size_t bytes = 0;
  };

  Stream& streamAt(uint32_t index) { return streams_[index / kChunk][index % kChunk]; }
  size_t followedBytes() const { return pool_.inUse() + streamsInUse_ * sizeof(Stream) - ready_.bytes; }

  uint32_t admit(const Segment& segment);
  uint32_t onSyn(uint32_t index, const Segment& segment);
  bool onData(uint32_t index, const Segment& segment);
  void place(uint32_t index, Stream& stream, const Segment& segment, uint32_t sequence);
  void rewind(uint32_t index, Stream& stream, const Segment& segment, uint32_t sequence);
  bool gate(Stream& stream, unsigned direction);
  bool decide(Stream& stream, unsigned direction);
  bool search(Stream& stream, unsigned direction);
  void begin(Stream& stream, unsigned direction, Opening opening);
  void noteFin(uint32_t index, Stream& stream, const Segment& segment);
  void noteAcknowledgement(uint32_t index, Stream& stream, const Segment& segment);
  void noteWaiting(Stream& stream);

  Stream* follow(uint32_t index);
  void makeEntryRoom();
  bool makeByteRoom(size_t bytes, uint32_t keep);
  bool ensureBuffer(uint32_t index, Direction& direction, uint32_t end);
  void handOver(uint32_t index);
  void forget(uint32_t index);
  void releaseStream(Stream& stream);
  void expire();

  FlowLimits limits_;
  FlowHash hash_;
  Notes& notes_;
  FlowClock clock_;
  FlowEntries entries_;
  BufferPool pool_;
  std::vector<std::unique_ptr<Stream[]>> streams_;
  std::vector<uint32_t> freeStreams_;
  size_t streamsInUse_ = 0;
  size_t waiting_ = 0;  // streams in which bytes are missing
  int64_t now_ = 0;     // timestamp of the segment at hand
  uint32_t input_ = 0;  // and its input
  ReadyQueue ready_;
};

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_FLOW_TABLE_H_
