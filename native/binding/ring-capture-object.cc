#include "binding/ring-capture-object.h"

#ifdef __linux__

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "binding/arguments.h"
#include "filter/bpf-filter.h"

namespace hellotap {

namespace {

constexpr double kMaxThreads = 64;  // the kernel takes 256
constexpr uint32_t kLeastFlows = 16;
constexpr uint64_t kLeastReassemblyBytes = 1 << 18;
constexpr size_t kRingCounterCount = sizeof kRingCounterNames / sizeof kRingCounterNames[0];

void add(Counters& sum, const Counters& more) {
#define HELLOTAP_COUNTER_ADD(name) sum.name += more.name;
  HELLOTAP_COUNTERS(HELLOTAP_COUNTER_ADD)
#undef HELLOTAP_COUNTER_ADD
}

const char* codeOf(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return "ERR_CAPTURE_PERMISSION";
    case ENODEV:
      return "ENODEV";
    case ENETDOWN:
      return "ENETDOWN";
    default:
      return "ERR_CAPTURE_OPEN";
  }
}

}  // namespace

Napi::Function RingCaptureObject::define(Napi::Env env) {
  return DefineClass(env, "RingCapture",
                     {
                         InstanceMethod<&RingCaptureObject::take>("take"),
                         InstanceMethod<&RingCaptureObject::counters>("counters"),
                         InstanceMethod<&RingCaptureObject::stop>("stop"),
                         InstanceMethod<&RingCaptureObject::dispose>("dispose"),
                         InstanceAccessor<&RingCaptureObject::isEnded>("isEnded"),
                         InstanceAccessor<&RingCaptureObject::failure>("failure"),
                     });
}

// new RingCapture({ interface, filter, ringBytes, threads, promiscuous, …bounds of the flow tables, in all }, wake):
// starts to capture; `wake` is called when take() has something or isEnded has changed. Throws with code ENODEV,
// ENETDOWN, ERR_USAGE (the filter), ERR_CAPTURE_PERMISSION, ERR_CAPTURE_UNAVAILABLE (no libpcap) or ERR_CAPTURE_OPEN.
RingCaptureObject::RingCaptureObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RingCaptureObject>(info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsObject() || !info[1].IsFunction()) {
    throwType(env, "RingCapture takes options and a function");
    return;
  }
  Settings settings;
  if (!readSettings(env, info[0].As<Napi::Object>(), settings)) return;

  wake_ = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "hellotap ring", 1, 1);
  wake_.Unref(env);  // who waits for a batch keeps the process alive, not who captures
  env_ = env;
  // So that no thread calls what the environment has taken apart.
  napi_add_env_cleanup_hook(env, &RingCaptureObject::onExit, this);
  queue_.reset(new BatchQueue(settings.threads, [this] { wake_.NonBlockingCall(); }));
  if (!open(env, settings)) end();
}

RingCaptureObject::~RingCaptureObject() { end(); }

bool RingCaptureObject::readSettings(Napi::Env env, const Napi::Object& options, Settings& settings) {
  const Napi::Value interface = options.Get("interface"), filter = options.Get("filter");
  if (!interface.IsString() || !filter.IsString()) {
    throwType(env, "interface and filter have to be strings");
    return false;
  }
  double threads = 1, bytes = static_cast<double>(settings.ring.bytes);
  if (!readLimit(env, options, "threads", 1, kMaxThreads, threads)) return false;
  if (!readLimit(env, options, "ringBytes", 1 << 20, 1e12, bytes)) return false;
  if (!readFlowLimits(env, options, settings.limits)) return false;
  settings.threads = static_cast<unsigned>(threads);
  settings.filter = filter.As<Napi::String>().Utf8Value();
  settings.ring.interface = interface.As<Napi::String>().Utf8Value();
  settings.ring.isPromiscuous = options.Get("promiscuous").ToBoolean();
  // What is given is for all threads together.
  settings.ring.bytes = static_cast<size_t>(bytes) / settings.threads;
  settings.limits.maxFlows = std::max(settings.limits.maxFlows / settings.threads, kLeastFlows);
  settings.limits.reassemblyBytes = std::max(settings.limits.reassemblyBytes / settings.threads, kLeastReassemblyBytes);
  return true;
}

// False after an exception.
bool RingCaptureObject::open(Napi::Env env, const Settings& settings) {
  FanoutGroup* group = settings.threads > 1 ? &group_ : nullptr;
  for (unsigned i = 0; i < settings.threads; ++i) {
    threads_.emplace_back(new CaptureThread(settings.limits, makeSecret().words, *queue_, i == 0));
    if (!threads_.back()->isUsable()) {
      throwCode(env, "ERR_CAPTURE_UNAVAILABLE", "there is not enough memory for the flow table");
      return false;
    }
    if (const int error = threads_.back()->open(settings.ring, group)) {
      throwCode(env, codeOf(error), std::strerror(error));
      return false;
    }
  }
  BpfCode filter;
  if (!settings.filter.empty() && !compile(env, settings, filter)) return false;
  for (auto& thread : threads_) {
    if (const int error = thread->start(filter)) {
      throwCode(env, codeOf(error), std::strerror(error));
      return false;
    }
  }
  return true;
}

bool RingCaptureObject::compile(Napi::Env env, const Settings& settings, BpfCode& filter) {
  if (!BpfFilter::isAvailable()) {
    throwCode(env, "ERR_CAPTURE_UNAVAILABLE", "libpcap was not found");
    return false;
  }
  uint16_t linkType = 0;
  std::string error;
  if (const int code = PacketRing::linkTypeOf(settings.ring.interface, linkType)) {
    throwCode(env, codeOf(code), std::strerror(code));
    return false;
  }
  if (!compileForKernel(settings.filter, settings.ring.interface, linkType, filter, error)) {
    throwCode(env, "ERR_USAGE", error);
    return false;
  }
  return true;
}

// Ends the threads, and waits for that.
void RingCaptureObject::end() {
  if (!queue_) return;
  for (auto& thread : threads_) thread->stop();
  for (auto& thread : threads_) thread->join();
  last_ = report();
  dropped_ = queue_->dropped();
  threads_.clear();
  queue_.reset();
  napi_remove_env_cleanup_hook(env_, &RingCaptureObject::onExit, this);
  wake_.Release();
}

void RingCaptureObject::onExit(void* self) { static_cast<RingCaptureObject*>(self)->end(); }

// take(batch): copies the oldest batch that waits; how many bytes of the array it takes, 0 where none waits.
Napi::Value RingCaptureObject::take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !isBytes(info[0]) ||
      info[0].As<Napi::Uint8Array>().ByteLength() < CaptureThread::kBatchBytes) {
    throwType(env, "take: batch has to be a Uint8Array of at least ringBatchBytes");
    return env.Undefined();
  }
  auto batch = info[0].As<Napi::Uint8Array>();
  const size_t bytes = queue_ ? queue_->take(batch.Data(), batch.ByteLength()) : 0;
  return Napi::Number::New(env, static_cast<double>(bytes));
}

// Whether every batch was taken and none will come any more.
Napi::Value RingCaptureObject::isEnded(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), !queue_ || queue_->isEnded());
}

// What the system said when a thread gave up; null while none has.
Napi::Value RingCaptureObject::failure(const Napi::CallbackInfo& info) {
  const int error = report().failure;
  if (error == 0) return info.Env().Null();
  return Napi::String::New(info.Env(), std::strerror(error));
}

// counters(core, ring): fills two Float64Arrays in the order of the addon's counterNames and ringCounterNames.
void RingCaptureObject::counters(const Napi::CallbackInfo& info) {
  const auto isArray = [&info](size_t index, size_t length) {
    return info.Length() > index && info[index].IsTypedArray() &&
           info[index].As<Napi::TypedArray>().TypedArrayType() == napi_float64_array &&
           info[index].As<Napi::Float64Array>().ElementLength() >= length;
  };
  if (!isArray(0, kCounterCount) || !isArray(1, kRingCounterCount))
    return throwType(info.Env(), "counters: two Float64Arrays are needed, with an element per counter");
  const CaptureReport now = report();
  auto core = info[0].As<Napi::Float64Array>();
  writeCounters(now.counters, core);
  const uint64_t values[] = {
      now.ring.received, now.ring.dropped,   now.ring.freezes,     now.ring.damagedBlocks,
      dropped(),         now.interfaceDowns, now.interfaceReturns,
  };
  static_assert(sizeof values / sizeof values[0] == kRingCounterCount, "in the order of kRingCounterNames");
  auto ring = info[1].As<Napi::Float64Array>();
  for (size_t i = 0; i < kRingCounterCount; ++i) ring[i] = static_cast<double>(values[i]);
}

// stop(): no packet is let in any more; what has come is still handed over, then isEnded.
void RingCaptureObject::stop(const Napi::CallbackInfo&) {
  for (auto& thread : threads_) thread->stop();
}

// dispose(): ends the threads at once and gives all memory back. Only the counters stay.
void RingCaptureObject::dispose(const Napi::CallbackInfo&) { end(); }

uint64_t RingCaptureObject::dropped() const { return queue_ ? queue_->dropped() : dropped_; }

// Sums over the threads; an interface is down once, however many look at it.
CaptureReport RingCaptureObject::report() const {
  if (threads_.empty()) return last_;
  CaptureReport sum;
  for (const auto& thread : threads_) {
    const CaptureReport one = thread->report();
    add(sum.counters, one.counters);
    sum.ring.received += one.ring.received;
    sum.ring.dropped += one.ring.dropped;
    sum.ring.freezes += one.ring.freezes;
    sum.ring.damagedBlocks += one.ring.damagedBlocks;
    sum.interfaceDowns = std::max(sum.interfaceDowns, one.interfaceDowns);
    sum.interfaceReturns = std::max(sum.interfaceReturns, one.interfaceReturns);
    if (sum.failure == 0) sum.failure = one.failure;
  }
  return sum;
}

}  // namespace hellotap

#endif  // __linux__
