#include "core/capture-thread.h"

#ifdef __linux__

#include <pthread.h>
#include <csignal>
#include <cstring>
#include <ctime>

namespace hellotap {

namespace {

// Bytes of packets between two looks at what else there is to do.
constexpr uint64_t kSliceBytes = 4 * 1024 * 1024;
// How long to wait for packets; more than the kernel takes for those of a block that isn't full.
constexpr int kWaitMilliseconds = 200;
// Between two looks at the kernel's counters and at the clock.
constexpr int64_t kTickMicroseconds = 200 * 1000;
constexpr uint32_t kInput = 0;  // there is only one

int64_t now() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return int64_t{time.tv_sec} * 1000000 + time.tv_nsec / 1000;
}

}  // namespace

ReadStatus RingInput::read(FrameBatch& out, Notes& notes) {
  notes.select(kInput);
  out.input = kInput;
  if (downSince_ != kNoTime) {
    notes.anomalies.forget(AnomalyCode::interface_down);  // each time is told
    notes.anomalies.report(AnomalyCode::interface_down, kNoOffset, downSince_,
                           "the interface went down; watching goes on once it is back");
  }
  downSince_ = kNoTime;
  return ring_.read(out);
}

void CaptureThread::join() {
  if (thread_.joinable()) thread_.join();
}

int CaptureThread::start(const BpfCode& filter) {
  if (const int error = ring_.listen(filter)) return error;
  // Signals are for the main thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "hellotap-ring");
  return 0;
}

CaptureReport CaptureThread::report() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return published_;
}

void CaptureThread::run() {
  bool isDeaf = false;
  while (current_.failure == 0) {
    const ReadStatus status = drain();
    tick(status);
    if (status == ReadStatus::kMore) continue;
    const PacketRing::Wake wake = isDown_ ? PacketRing::Wake::kDown : ring_.wait(kWaitMilliseconds);
    if (wake == PacketRing::Wake::kDown) watchInterface();
    // What was on its way when the ring went deaf has been read.
    if (isDeaf && wake != PacketRing::Wake::kPackets) break;
    if (isStopping_ && !isDeaf) {
      ring_.deafen();
      isDeaf = true;
    }
  }
  finish();
  ring_.takeStatistics(current_.ring);
  publish();
  queue_.end();
}

ReadStatus CaptureThread::drain() {
  BatchWriter writer(batch_.data(), batch_.size());
  const ReadStatus status = core_.drain(input_, writer, kSliceBytes);
  if (writer.written() > 0) queue_.push(batch_.data(), writer.written());
  return status;
}

void CaptureThread::finish() {
  for (;;) {
    BatchWriter writer(batch_.data(), batch_.size());
    core_.finish(writer);
    if (writer.written() == 0) return;
    queue_.push(batch_.data(), writer.written());
  }
}

// The interface is or was down, and the ring has been read to its end.
void CaptureThread::watchInterface() {
  if (!isDown_) {
    isDown_ = true;
    ++current_.interfaceDowns;
    if (isFirst_) input_.noteDown(now());
    drain();
  } else {
    const timespec pause{0, kWaitMilliseconds * 1000000};
    nanosleep(&pause, nullptr);
  }
  ring_.takeStatistics(current_.ring);  // before it may be another ring
  const int error = ring_.follow();
  if (error == 0) {
    isDown_ = false;
    ++current_.interfaceReturns;
  } else if (error != ENETDOWN) {
    current_.failure = error;
  }
}

void CaptureThread::tick(ReadStatus status) {
  const int64_t time = now();
  if (time - ticked_ < kTickMicroseconds && time >= ticked_) return;
  ticked_ = time;
  // Flows end by time-out also while no packets come.
  if (status == ReadStatus::kStarved) core_.advance(time);
  ring_.takeStatistics(current_.ring);
  publish();
}

void CaptureThread::publish() {
  current_.counters = core_.counters();
  const std::lock_guard<std::mutex> lock(mutex_);
  published_ = current_;
}

}  // namespace hellotap

#endif  // __linux__
