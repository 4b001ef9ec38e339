// A thread that follows one ring: it reads packets through a packet core of its own and puts what comes out into a
// queue. It sleeps while nothing comes, and never waits for JavaScript.
#ifndef HELLOTAP_CORE_CAPTURE_THREAD_H_
#define HELLOTAP_CORE_CAPTURE_THREAD_H_

#ifdef __linux__

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "capture/packet-ring.h"
#include "core/batch-queue.h"
#include "core/packet-core.h"

namespace hellotap {

// What a thread tells of itself.
struct CaptureReport {
  Counters counters;
  RingStatistics ring;
  uint64_t interfaceDowns = 0;
  uint64_t interfaceReturns = 0;
  int failure = 0;  // the system's error number with which it gave up
};

// The packets of a ring as the packet core reads them.
class RingInput : public Input {
 public:
  explicit RingInput(PacketRing& ring) : ring_(ring) {}
  // Reported with the next packets.
  void noteDown(int64_t time) { downSince_ = time; }
  ReadStatus read(FrameBatch& out, Notes& notes) override;

 private:
  PacketRing& ring_;
  int64_t downSince_ = kNoTime;
};

class CaptureThread {
 public:
  // `queue` outlives the thread, which is one of its writers. One thread is the first, and speaks for all.
  CaptureThread(const FlowLimits& limits, const uint64_t (&secret)[4], BatchQueue& queue, bool isFirst)
      : core_(limits, secret), queue_(queue), batch_(kBatchBytes), isFirst_(isFirst) {}
  ~CaptureThread() {
    stop();
    join();
  }
  CaptureThread(const CaptureThread&) = delete;
  CaptureThread& operator=(const CaptureThread&) = delete;

  bool isUsable() const { return core_.isUsable(); }
  // As PacketRing::open.
  int open(const RingOptions& options, FanoutGroup* group) { return ring_.open(options, group); }
  // Lets packets in that match the filter (empty: all), and starts the thread.
  int start(const BpfCode& filter);
  // Asks it to read what the kernel has already, to hand over what it follows, and to end.
  void stop() { isStopping_ = true; }
  void join();

  CaptureReport report() const;

  // A batch that anybody takes from the queue has no more bytes.
  static constexpr size_t kBatchBytes = 256 * 1024;
  static_assert(kBatchBytes >= kMaxRecordBytes, "a batch holds any record");

 private:
  void run();
  ReadStatus drain();
  void finish();
  void watchInterface();
  void tick(ReadStatus status);
  void publish();

  PacketRing ring_;
  RingInput input_{ring_};
  PacketCore core_;
  BatchQueue& queue_;
  std::vector<uint8_t> batch_;
  const bool isFirst_;
  std::thread thread_;
  std::atomic<bool> isStopping_{false};
  bool isDown_ = false;
  int64_t ticked_ = 0;     // microseconds since 1970
  CaptureReport current_;  // of the thread
  mutable std::mutex mutex_;
  CaptureReport published_;
};

}  // namespace hellotap

#endif  // __linux__

#endif  // HELLOTAP_CORE_CAPTURE_THREAD_H_
