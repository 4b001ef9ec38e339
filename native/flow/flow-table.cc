#include "flow/flow-table.h"

#include <new>

#include "flow/flow-id.h"
#include "flow/prelude.h"

namespace hellotap {

namespace {

// Idle times, in ticks of the flow clock.
constexpr uint32_t kNewTicks = FlowClock::ticks(30);
constexpr uint32_t kFollowingTicks = FlowClock::ticks(60);
constexpr uint32_t kClosingTicks = FlowClock::ticks(1);
constexpr uint32_t kDoneTicks = FlowClock::ticks(30);

// So many packets of a flow may come until bytes that were acknowledged, but not seen, count as lost by the capture.
constexpr uint16_t kMaxLagging = 32;

bool isRecordOfHandshake(Datum bytes) {
  const auto type = bytes.peek<1>();
  return type && (type.u8<0>() == tls_record::kHandshake || type.u8<0>() == tls_record::kAlert);
}

// Whether a flow that begins with these bytes is not TLS from its first byte on.
bool isForeign(Datum bytes, Opening opening) {
  return opening == Opening::kNotTls || (opening == Opening::kOtherRecord && !isRecordOfHandshake(bytes));
}

bool beginsWithHello(Datum bytes) {
  const Opening opening = classifyMidStream(bytes);
  return opening == Opening::kClientHello || opening == Opening::kServerHello;
}

int32_t distance(uint32_t to, uint32_t from) { return static_cast<int32_t>(to - from); }

}  // namespace

FlowTable::FlowTable(const FlowLimits& limits, const uint64_t (&secret)[4], Notes& notes)
    : limits_(limits), hash_(secret), notes_(notes), entries_(limits.maxFlows) {}

FlowTable::~FlowTable() {
  for (auto& chunk : streams_)
    for (uint32_t i = 0; i < kChunk; ++i)
      for (Direction& direction : chunk[i].directions) direction.data.release(pool_);
}

void FlowTable::add(const Segment& segment) {
  const uint16_t realm = segment.envelope.realm();
  uint32_t index = entries_.find(segment.key, segment.hash, segment.direction, realm);
  if (index == kNone) {
    index = admit(segment);
    if (index == kNone) return;
  } else if (entries_[index].list == FlowList::kDone && (segment.flags & (kSyn | kAck)) != kSyn) {
    return;
  }
  now_ = segment.timestamp;
  entries_[index].note(segment.direction, realm);
  if (segment.flags & kSyn) {
    index = onSyn(index, segment);
    if (index == kNone) return;
  }
  if (!segment.payload.empty() && !onData(index, segment)) return;

  FlowEntry& entry = entries_[index];
  if (entry.stream == kNone) {
    if (segment.flags & kRst) forget(index);
    return;
  }
  Stream& stream = streamAt(entry.stream);
  if (segment.flags & kFin) noteFin(index, stream, segment);
  if (segment.flags & kAck) noteAcknowledgement(index, stream, segment);
  if (segment.flags & kRst && entry.list == FlowList::kFollowing) {
    stream.reset = true;
    entries_.moveTo(index, FlowList::kClosing, clock_.now());
  } else if (entry.list == FlowList::kFollowing && entry.tick != clock_.now()) {
    entries_.moveTo(index, FlowList::kFollowing, clock_.now());
  }
  if (stream.directions[0].done && stream.directions[1].done) return handOver(index);
  // Another protocol that ends, or of which bytes are missing: a hello is known by itself if it still comes.
  if (stream.prelude && !stream.isTls() && (stream.directions[0].done || stream.directions[1].done)) {
    ++notes_.counters.flowsNotTls;
    return forget(index);
  }
  noteWaiting(stream);
}

// An entry for a flow that is not in the table, where the segment is worth one.
uint32_t FlowTable::admit(const Segment& segment) {
  if (!(segment.flags & kSyn) && classifyMidStream(segment.payload) == Opening::kNotTls &&
      !beginsWithProxyHeader(segment.payload))
    return kNone;
  if (segment.flags & kRst) return kNone;
  if (entries_.full()) makeEntryRoom();
  ++notes_.counters.flowsTracked;
  return entries_.insert(segment.key, segment.hash, FlowList::kNew, clock_.now());
}

// The entry that the segment belongs to, or kNone where there is nothing more to do for it.
uint32_t FlowTable::onSyn(uint32_t index, const Segment& segment) {
  const unsigned direction = segment.direction;
  const uint32_t first = segment.sequence + 1;
  const bool isOpening = !(segment.flags & kAck);
  if (FlowEntry& entry = entries_[index]; entry.isStarted(direction) && entry.start[direction] == first)
    return entry.list == FlowList::kDone ? kNone : index;  // a repeat

  if (entries_[index].stream != kNone) {
    const Stream& stream = streamAt(entries_[index].stream);
    const Reassembler& data = stream.directions[direction].data;
    if (stream.directions[direction].arrived() > 0 || data.hasHoles()) {
      if (!isOpening) return kNone;
      // The ports are used again.
      const bool stays = stream.isTls();
      handOver(index);
      if (!stays) index = entries_.insert(segment.key, segment.hash, FlowList::kNew, clock_.now());
    }
  }
  FlowEntry& entry = entries_[index];
  if (isOpening && entry.stream == kNone && (entry.isStarted(direction) || entry.list == FlowList::kDone)) {
    entry.started = 0;
    entry.sides = 0;
    entries_.moveTo(index, FlowList::kNew, clock_.now());
  }
  entry.note(direction, segment.envelope.realm());
  entry.setStart(direction, first);
  if (!isOpening && !entry.isStarted(!direction)) entry.setStart(!direction, segment.acknowledgement);
  return index;
}

// False where the flow is not in the table any more.
bool FlowTable::onData(uint32_t index, const Segment& segment) {
  const unsigned direction = segment.direction;
  const uint32_t sequence = segment.sequence + (segment.flags & kSyn ? 1 : 0);
  FlowEntry& entry = entries_[index];
  const bool isMidStream = entry.started == 0;
  if (!entry.isStarted(direction)) entry.setStart(direction, sequence);
  if (segment.flags & kAck && !entry.isStarted(!direction)) entry.setStart(!direction, segment.acknowledgement);

  if (entry.stream == kNone) {
    if (sequence == entry.start[direction]) {
      const Opening opening = classifyOpening(segment.payload);
      if (isForeign(segment.payload, opening) && classifyPrelude(segment.payload) == Prelude::kNo) {
        ++notes_.counters.flowsNotTls;
        forget(index);
        return false;
      }
    } else {
      const int32_t offset = distance(sequence, entry.start[direction]);
      const bool isInWindow = offset > 0 && static_cast<uint32_t>(offset) < Reassembler::kMaxBytes;
      if (!isInWindow && !beginsWithHello(segment.payload)) return true;
    }
    Stream* stream = follow(index);
    if (!stream) {
      forget(index);
      return false;
    }
    stream->midStream = isMidStream;
  }
  Stream& stream = streamAt(entry.stream);
  rewind(index, stream, segment, sequence);
  if (!stream.directions[direction].done) place(index, stream, segment, sequence);
  return entries_[index].stream != kNone;
}

// A hello before what counts as the beginning of its direction, because that was guessed or is a later hello: it was
// overtaken, and the direction begins with it.
void FlowTable::rewind(uint32_t index, Stream& stream, const Segment& segment, uint32_t sequence) {
  FlowEntry& entry = entries_[index];
  Direction& side = stream.directions[segment.direction];
  const int32_t before = distance(entry.start[segment.direction] + side.skipped, sequence);
  if (before <= 0 || !beginsWithHello(segment.payload)) return;
  const auto bytes = static_cast<uint32_t>(before);
  if (bytes > side.skipped && !stream.midStream) return;
  const uint32_t end = side.data.extent() + bytes;
  if (bytes >= Reassembler::kMaxBytes || end > Reassembler::kMaxBytes) return;
  if (!ensureBuffer(index, side, end) || !side.data.shift(bytes)) return;
  if (bytes > side.skipped) {
    side.finOffset += bytes - side.skipped;
    side.skipped = 0;
    entry.setStart(segment.direction, sequence);
  } else {
    side.skipped -= bytes;
  }
  side.walk = RecordWalk();
  side.opening = Opening::kUndecided;
  side.firstTime = kNoTime;
  side.done = false;
}

// Puts a segment to its place, and looks at what is there in order now.
void FlowTable::place(uint32_t index, Stream& stream, const Segment& segment, uint32_t sequence) {
  const unsigned direction = segment.direction;
  FlowEntry& entry = entries_[index];
  Direction& side = stream.directions[direction];
  Datum payload = segment.payload;
  int32_t offset = distance(sequence, entry.start[direction] + side.skipped);
  const bool isOutside =
      offset >= static_cast<int32_t>(Reassembler::kMaxBytes) || offset + static_cast<int64_t>(payload.size()) <= 0;
  if (isOutside) {
    // A first SYN or SYN-ACK that did not count, or a start that was guessed from an acknowledgement.
    if (side.data.contiguous() == 0 && !side.data.hasHoles() && beginsWithHello(payload)) {
      entry.setStart(direction, sequence);
      side.skipped = 0;
      offset = 0;
    } else {
      if (offset > 0 && ++side.lagging > kMaxLagging) side.finish(DirectionEnd::kGap);
      return;
    }
  }
  if (offset < 0) {
    payload.skipUpTo(static_cast<size_t>(-offset));
    offset = 0;
  }
  if (side.opening == Opening::kUndecided && static_cast<uint32_t>(offset) > side.data.contiguous() &&
      beginsWithHello(payload)) {
    // What is missing before it does not matter, unless it is a hello, too (see rewind).
    stream.prelude = true;
    side.skip(static_cast<uint32_t>(offset));
    offset = 0;
  }
  const auto begin = static_cast<uint32_t>(offset);
  const uint32_t end = begin + static_cast<uint32_t>(payload.size());
  if (!ensureBuffer(index, side, end)) {
    ++notes_.counters.segmentsDropped;
    return;
  }
  const uint32_t endOfSegment = side.skipped + end;
  const Reassembler::Added added = side.data.add(begin, payload);
  if (begin == 0 && side.firstTime == kNoTime) {
    side.firstTime = segment.timestamp;
    side.envelope = segment.envelope;
    side.firstInput = input_;
  }
  switch (added) {
    case Reassembler::Added::kOutOfOrder:
      ++notes_.counters.segmentsOutOfOrder;
      return;
    case Reassembler::Added::kTooMany:
    case Reassembler::Added::kNoMemory:
      ++notes_.counters.segmentsDropped;
      return;
    case Reassembler::Added::kNothing:
      return;
    case Reassembler::Added::kInOrder:
      side.lagging = 0;
      break;
  }
  if (!gate(stream, direction)) {
    ++notes_.counters.flowsNotTls;
    forget(index);
    return;
  }
  if (side.done) return;
  if (side.data.contiguous() >= Reassembler::kMaxBytes) {
    side.finish(DirectionEnd::kLimit);
  } else if (segment.missing > 0 && side.arrived() == endOfSegment) {
    side.finish(DirectionEnd::kGap);  // the snap length cut it here
  } else if (side.fin && side.arrived() >= side.finOffset) {
    side.finish(DirectionEnd::kFin);
  }
}

// Looks at the opening of a direction and follows its records; false where the flow is no TLS.
bool FlowTable::gate(Stream& stream, unsigned direction) {
  if (stream.directions[direction].opening == Opening::kUndecided && !decide(stream, direction)) return false;
  if (!stream.isTls()) return true;
  for (Direction& each : stream.directions) {
    if (each.done || each.opening == Opening::kUndecided) continue;
    if (each.walk.advance(each.data.bytes(), each.opening, limits_.openingBeyond)) each.finish(each.walk.end());
  }
  return true;
}

// What a direction begins with, as soon as that can be told; false where the flow is no TLS.
bool FlowTable::decide(Stream& stream, unsigned direction) {
  if (stream.prelude) return search(stream, direction);
  const Datum bytes = stream.directions[direction].data.bytes();
  const bool isStrict = stream.midStream && !stream.isTls();
  const Opening opening = isStrict ? classifyMidStream(bytes) : classifyOpening(bytes);
  if (opening == Opening::kUndecided) return true;
  if (!stream.isTls() && isForeign(bytes, opening)) {
    if (stream.midStream && !beginsWithProxyHeader(bytes)) return false;
    const Prelude prelude = classifyPrelude(bytes);
    if (prelude != Prelude::kYes) return prelude == Prelude::kUndecided;
    stream.prelude = true;
    return search(stream, !direction) && search(stream, direction);
  }
  begin(stream, direction, opening);
  return true;
}

// Looks for a hello behind another protocol, and lets go of what holds none; false where that has been enough.
bool FlowTable::search(Stream& stream, unsigned direction) {
  Direction& side = stream.directions[direction];
  const FoundRecord found = findRecord(side.data.bytes(), stream.isTls());
  if (found.at > 0) {
    side.skip(found.at);
    side.firstTime = side.data.contiguous() > 0 ? now_ : kNoTime;
    side.firstInput = input_;
    if (side.skipped > kMaxPreludeBytes) return false;
  }
  if (found.opening != Opening::kUndecided) begin(stream, direction, found.opening);
  return true;
}

// The first record of a direction is there.
void FlowTable::begin(Stream& stream, unsigned direction, Opening opening) {
  Direction& side = stream.directions[direction];
  side.opening = opening;
  if (!stream.isTls()) {
    if (opening == Opening::kClientHello) stream.client = static_cast<int>(direction);
    if (opening == Opening::kServerHello) stream.client = static_cast<int>(!direction);
    return;
  }
  const bool isClient = stream.client == static_cast<int>(direction);
  const Opening wrong = isClient ? Opening::kServerHello : Opening::kClientHello;
  if (opening != Opening::kNotTls && opening != wrong) return;
  side.opening = Opening::kNotTls;
  side.finish(DirectionEnd::kNotTls);
}

void FlowTable::noteFin(uint32_t index, Stream& stream, const Segment& segment) {
  FlowEntry& entry = entries_[index];
  Direction& side = stream.directions[segment.direction];
  const uint32_t end = segment.sequence + static_cast<uint32_t>(segment.payload.size()) + segment.missing;
  if (!entry.isStarted(segment.direction)) entry.setStart(segment.direction, end);
  const int32_t offset = distance(end, entry.start[segment.direction]);
  if (side.done || side.fin || offset < 0) return;
  side.fin = true;
  side.finOffset = static_cast<uint32_t>(offset);
  if (side.arrived() >= side.finOffset) side.finish(DirectionEnd::kFin);
}

// What the other side acknowledges it has got: if it was not seen here, and does not come soon, the capture has lost
// it.
void FlowTable::noteAcknowledgement(uint32_t index, Stream& stream, const Segment& segment) {
  FlowEntry& entry = entries_[index];
  const unsigned other = !segment.direction;
  Direction& side = stream.directions[other];
  if (side.done || !entry.isStarted(other)) return;
  if (distance(segment.acknowledgement, entry.start[other]) <= static_cast<int32_t>(side.arrived())) return;
  if (++side.lagging > kMaxLagging) side.finish(entry.isSeen(other) ? DirectionEnd::kGap : DirectionEnd::kNone);
}

void FlowTable::noteWaiting(Stream& stream) {
  bool waiting = false;
  for (const Direction& side : stream.directions) waiting |= !side.done && (side.lagging > 0 || side.data.hasHoles());
  if (waiting != stream.waiting) waiting_ += waiting ? 1 : -1;
  stream.waiting = waiting;
}

// A stream for an entry that had none.
Stream* FlowTable::follow(uint32_t index) {
  if (!makeByteRoom(sizeof(Stream), index)) return nullptr;
  if (freeStreams_.empty()) {
    const auto first = static_cast<uint32_t>(streams_.size() * kChunk);
    streams_.emplace_back(new (std::nothrow) Stream[kChunk]);
    if (!streams_.back()) {
      streams_.pop_back();
      return nullptr;
    }
    for (uint32_t i = kChunk; i-- > 0;) freeStreams_.push_back(first + i);
  }
  const uint32_t at = freeStreams_.back();
  freeStreams_.pop_back();
  ++streamsInUse_;
  Stream& stream = streamAt(at);
  stream = Stream();
  stream.index = at;
  stream.key = entries_[index].key();
  entries_[index].stream = at;
  entries_.moveTo(index, FlowList::kFollowing, clock_.now());
  return &stream;
}

// Forgets the entry that matters least.
void FlowTable::makeEntryRoom() {
  if (notes_.anomalies.isNew(AnomalyCode::flow_table_full))
    notes_.anomalies.report(AnomalyCode::flow_table_full, kNoOffset, now_,
                            "all %u entries of the flow table are in use; the oldest go first", limits_.maxFlows);
  if (const uint32_t done = entries_.first(FlowList::kDone); done != kNone) {
    ++notes_.counters.doneEvicted;
    return forget(done);
  }
  if (const uint32_t fresh = entries_.first(FlowList::kNew); fresh != kNone) {
    ++notes_.counters.pendingEvicted;
    return forget(fresh);
  }
  for (const FlowList list : {FlowList::kClosing, FlowList::kFollowing}) {
    const uint32_t oldest = entries_.first(list);
    if (oldest == kNone) continue;
    ++notes_.counters.flowsEvicted;
    handOver(oldest);
    if (const uint32_t done = entries_.first(FlowList::kDone); done != kNone) forget(done);
    return;
  }
}

// Hands the oldest flows over until there is room for so many bytes more; false where that doesn't help.
bool FlowTable::makeByteRoom(size_t bytes, uint32_t keep) {
  while (followedBytes() + bytes > limits_.reassemblyBytes) {
    if (notes_.anomalies.isNew(AnomalyCode::reassembly_memory_full))
      notes_.anomalies.report(AnomalyCode::reassembly_memory_full, kNoOffset, now_,
                              "%llu bytes of reassembly are in use; the oldest flows go first",
                              static_cast<unsigned long long>(limits_.reassemblyBytes));
    uint32_t oldest = entries_.first(FlowList::kClosing);
    if (oldest == kNone || oldest == keep) oldest = entries_.first(FlowList::kFollowing);
    if (oldest == keep && oldest != kNone) oldest = entries_[oldest].next;
    if (oldest == kNone) return false;
    ++notes_.counters.flowsEvicted;
    handOver(oldest);
  }
  return true;
}

bool FlowTable::ensureBuffer(uint32_t index, Direction& direction, uint32_t end) {
  const uint32_t size = Reassembler::bufferFor(end);
  if (size <= direction.data.capacity()) return true;
  if (!makeByteRoom(size, index)) return false;
  uint8_t* buffer = pool_.take(size);
  if (!buffer) return false;
  direction.data.grow(buffer, size, pool_);
  return true;
}

// The end of following: into the queue if it is TLS, forgotten if not.
void FlowTable::handOver(uint32_t index) {
  FlowEntry& entry = entries_[index];
  Stream& stream = streamAt(entry.stream);
  if (!stream.isTls()) return forget(index);
  for (unsigned direction = 0; direction < 2; ++direction) {
    Direction& side = stream.directions[direction];
    if (side.done) {
      if (side.end == DirectionEnd::kGap) ++notes_.counters.streamGaps;
      continue;
    }
    const bool seen = entry.isSeen(direction);
    const bool hole = side.data.hasHoles() || (side.fin && side.arrived() < side.finOffset);
    if (seen && hole) ++notes_.counters.streamGaps;
    side.finish(!seen          ? DirectionEnd::kNone
                : hole         ? DirectionEnd::kGap
                : stream.reset ? DirectionEnd::kRst
                               : DirectionEnd::kOpen);
  }
  if (stream.waiting) --waiting_;
  stream.waiting = false;
  stream.flowId = takeFlowId();
  stream.next = nullptr;
  (ready_.last ? ready_.last->next : ready_.first) = &stream;
  ready_.last = &stream;
  ready_.bytes += sizeof(Stream) + stream.directions[0].data.capacity() + stream.directions[1].data.capacity();
  ++notes_.counters.flowsEmitted;
  entry.stream = kNone;
  entries_.moveTo(index, FlowList::kDone, clock_.now());
}

void FlowTable::forget(uint32_t index) {
  if (const uint32_t at = entries_[index].stream; at != kNone) {
    Stream& stream = streamAt(at);
    if (stream.waiting) --waiting_;
    releaseStream(stream);
    entries_[index].stream = kNone;
  }
  entries_.erase(index);
}

void FlowTable::releaseStream(Stream& stream) {
  for (Direction& direction : stream.directions) direction.data.release(pool_);
  freeStreams_.push_back(stream.index);
  --streamsInUse_;
}

void FlowTable::releaseReady() {
  Stream* stream = ready_.first;
  if (!stream) return;
  ready_.first = stream->next;
  if (!ready_.first) ready_.last = nullptr;
  ready_.bytes -= sizeof(Stream) + stream->directions[0].data.capacity() + stream->directions[1].data.capacity();
  releaseStream(*stream);
}

void FlowTable::expire() {
  const uint32_t now = clock_.now();
  const auto oldest = [&](FlowList list, uint32_t ticks) {
    const uint32_t index = entries_.first(list);
    return index != kNone && now - entries_[index].tick > ticks ? index : kNone;
  };
  for (uint32_t index; (index = oldest(FlowList::kNew, kNewTicks)) != kNone;) forget(index);
  for (uint32_t index; (index = oldest(FlowList::kClosing, kClosingTicks)) != kNone;) handOver(index);
  for (uint32_t index; (index = oldest(FlowList::kFollowing, kFollowingTicks)) != kNone;) {
    if (streamAt(entries_[index].stream).isTls()) ++notes_.counters.flowsTimedOut;
    handOver(index);
  }
  for (uint32_t index; (index = oldest(FlowList::kDone, kDoneTicks)) != kNone;) forget(index);
}

void FlowTable::finish() {
  for (const FlowList list : {FlowList::kClosing, FlowList::kFollowing})
    for (uint32_t index; (index = entries_.first(list)) != kNone;) handOver(index);
  entries_.clear();
}

}  // namespace hellotap
