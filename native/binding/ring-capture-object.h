// RingCapture as JavaScript sees it: the capture threads of one interface and the queue of their batches. Linux only;
// elsewhere the class is undefined.
#ifndef HELLOTAP_BINDING_RING_CAPTURE_OBJECT_H_
#define HELLOTAP_BINDING_RING_CAPTURE_OBJECT_H_

#include <napi.h>

#ifdef __linux__
#include <memory>
#include <string>
#include <vector>

#include "core/batch-queue.h"
#include "core/capture-thread.h"
#endif

namespace hellotap {

// What RingCapture counts beside the packet core.
constexpr const char* kRingCounterNames[] = {
    "kernelReceived", "kernelDropped",  "ringFreezes",      "damagedBlocks",
    "queueDropped",   "interfaceDowns", "interfaceReturns",
};

#ifdef __linux__

class RingCaptureObject : public Napi::ObjectWrap<RingCaptureObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit RingCaptureObject(const Napi::CallbackInfo& info);
  ~RingCaptureObject() override;

 private:
  struct Settings {
    RingOptions ring;
    FlowLimits limits;
    unsigned threads;
    std::string filter;
  };

  Napi::Value take(const Napi::CallbackInfo& info);
  Napi::Value isEnded(const Napi::CallbackInfo& info);
  Napi::Value failure(const Napi::CallbackInfo& info);
  void counters(const Napi::CallbackInfo& info);
  void stop(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  static bool readSettings(Napi::Env env, const Napi::Object& options, Settings& settings);
  static bool compile(Napi::Env env, const Settings& settings, BpfCode& filter);
  bool open(Napi::Env env, const Settings& settings);
  void end();
  static void onExit(void* self);
  uint64_t dropped() const;
  CaptureReport report() const;

  napi_env env_ = nullptr;
  Napi::ThreadSafeFunction wake_;
  FanoutGroup group_;
  std::unique_ptr<BatchQueue> queue_;
  std::vector<std::unique_ptr<CaptureThread>> threads_;
  CaptureReport last_;  // once the threads have ended
  uint64_t dropped_ = 0;
};

#else

struct RingCaptureObject {
  static Napi::Value define(Napi::Env env) { return env.Undefined(); }
};

#endif  // __linux__

}  // namespace hellotap

#endif  // HELLOTAP_BINDING_RING_CAPTURE_OBJECT_H_
