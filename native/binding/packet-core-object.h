// PacketCore as JavaScript sees it: one core and what it reads at the moment: capture files, a stream, or frames.
// Inputs are numbered as they are opened, and records say which one they are from. Arguments are checked here and
// trusted further in. Batches are written into memory of the caller's, so nothing outlives a call.
#ifndef HELLOTAP_BINDING_PACKET_CORE_OBJECT_H_
#define HELLOTAP_BINDING_PACKET_CORE_OBJECT_H_

#include <napi.h>

#include <memory>

#include "core/capture-set.h"
#include "core/input.h"
#include "core/packet-core.h"
#include "filter/bpf-filter.h"

namespace hellotap {

class PacketCoreObject : public Napi::ObjectWrap<PacketCoreObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit PacketCoreObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value openFile(const Napi::CallbackInfo& info);
  void endFollowing(const Napi::CallbackInfo& info);
  void dropFile(const Napi::CallbackInfo& info);
  void wake(const Napi::CallbackInfo& info);
  void setHorizon(const Napi::CallbackInfo& info);
  Napi::Value openFiles(const Napi::CallbackInfo& info);
  void openStream(const Napi::CallbackInfo& info);
  void continueStream(const Napi::CallbackInfo& info);
  void openFrames(const Napi::CallbackInfo& info);
  void setFilter(const Napi::CallbackInfo& info);
  void push(const Napi::CallbackInfo& info);
  void endInput(const Napi::CallbackInfo& info);
  Napi::Value drain(const Napi::CallbackInfo& info);
  Napi::Value drainAside(const Napi::CallbackInfo& info);
  Napi::Value finish(const Napi::CallbackInfo& info);
  void advance(const Napi::CallbackInfo& info);
  void counters(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);
  Napi::Value state(const Napi::CallbackInfo& info);
  Napi::Value front(const Napi::CallbackInfo& info);
  Napi::Value format(const Napi::CallbackInfo& info);
  Napi::Value linkType(const Napi::CallbackInfo& info);

  class Aside;

  // False after an exception: there is no core any more, or it is not idle.
  bool isUsable(Napi::Env env) const;
  // False after an exception: it is at work in another thread.
  bool isIdle(Napi::Env env) const;
  // The arguments of a drain; false after an exception.
  bool readDrain(const Napi::CallbackInfo& info, uint64_t& budget) const;
  void closeInput();
  std::unique_ptr<BpfFilter> filter_;
  std::unique_ptr<PacketCore> core_;
  std::unique_ptr<CaptureSet> files_;
  std::unique_ptr<PiecewiseCapture> piecewise_;
  std::unique_ptr<FrameQueue> frames_;
  Input* input_ = nullptr;
  uint32_t nextInput_ = 0;
  int32_t linkType_ = -1;  // of the file opened last, if it is a classic pcap
  const char* state_ = "ended";
  bool isAside_ = false;  // it is being drained in another thread, and nobody else may touch it
  Counters counters_;     // what they were when the core was disposed of, or went aside
};

}  // namespace hellotap

#endif  // HELLOTAP_BINDING_PACKET_CORE_OBJECT_H_
