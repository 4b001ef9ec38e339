#include "binding/packet-core-object.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <string>

#include "binding/arguments.h"

namespace hellotap {

namespace {

constexpr double kMaxCount = 1e15;

bool isCount(const Napi::Value& value) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  return number >= 0 && number <= kMaxCount;
}

const char* nameOf(ReadStatus status) {
  switch (status) {
    case ReadStatus::kMore:
      return "more";
    case ReadStatus::kStarved:
      return "starved";
    case ReadStatus::kEnded:
    default:
      return "ended";
  }
}

}  // namespace

Napi::Function PacketCoreObject::define(Napi::Env env) {
  return DefineClass(env, "PacketCore",
                     {
                         InstanceMethod<&PacketCoreObject::openFile>("openFile"),
                         InstanceMethod<&PacketCoreObject::endFollowing>("endFollowing"),
                         InstanceMethod<&PacketCoreObject::dropFile>("dropFile"),
                         InstanceMethod<&PacketCoreObject::wake>("wake"),
                         InstanceMethod<&PacketCoreObject::setHorizon>("setHorizon"),
                         InstanceAccessor<&PacketCoreObject::openFiles>("openFiles"),
                         InstanceMethod<&PacketCoreObject::openStream>("openStream"),
                         InstanceMethod<&PacketCoreObject::continueStream>("continueStream"),
                         InstanceMethod<&PacketCoreObject::openFrames>("openFrames"),
                         InstanceMethod<&PacketCoreObject::setFilter>("setFilter"),
                         InstanceMethod<&PacketCoreObject::push>("push"),
                         InstanceMethod<&PacketCoreObject::endInput>("endInput"),
                         InstanceMethod<&PacketCoreObject::drain>("drain"),
                         InstanceMethod<&PacketCoreObject::drainAside>("drainAside"),
                         InstanceMethod<&PacketCoreObject::finish>("finish"),
                         InstanceMethod<&PacketCoreObject::advance>("advance"),
                         InstanceMethod<&PacketCoreObject::counters>("counters"),
                         InstanceMethod<&PacketCoreObject::close>("close"),
                         InstanceMethod<&PacketCoreObject::dispose>("dispose"),
                         InstanceAccessor<&PacketCoreObject::state>("state"),
                         InstanceAccessor<&PacketCoreObject::front>("front"),
                         InstanceAccessor<&PacketCoreObject::format>("format"),
                         InstanceAccessor<&PacketCoreObject::linkType>("linkType"),
                     });
}

PacketCoreObject::PacketCoreObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PacketCoreObject>(info) {
  const Napi::Env env = info.Env();
  FlowLimits limits;
  if (info.Length() > 0 && !info[0].IsUndefined()) {
    if (!info[0].IsObject()) {
      throwType(env, "options have to be an object");
      return;
    }
    if (!readFlowLimits(env, info[0].As<Napi::Object>(), limits)) return;
  }
  core_.reset(new (std::nothrow) PacketCore(limits, makeSecret().words));
  if (!core_ || !core_->isUsable())
    throwCode(env, "ERR_CAPTURE_UNAVAILABLE", "there is not enough memory for the flow table");
}

void PacketCoreObject::closeInput() {
  input_ = nullptr;
  piecewise_.reset();
  frames_.reset();
  files_.reset();
  linkType_ = -1;
  state_ = "ended";
}

// openFile(path[, follow]): a capture file joins those that are being read; `follow`: it is still being written. The
// answer is its number. Throws with code ERR_CAPTURE_OPEN or ERR_CAPTURE_FORMAT.
Napi::Value PacketCoreObject::openFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isUsable(env)) return env.Undefined();
  if (info.Length() < 1 || !info[0].IsString()) {
    throwType(env, "openFile: path has to be a string");
    return env.Undefined();
  }
  const bool follow = info.Length() > 1 && info[1].ToBoolean().Value();
  std::unique_ptr<FileCapture> file(new FileCapture());
  if (const int error = file->open(info[0].As<Napi::String>().Utf8Value().c_str(), follow)) {
    throwCode(env, "ERR_CAPTURE_OPEN", std::strerror(error));
    return env.Undefined();
  }
  const CaptureFormat format = file->reader().format();
  if (format == CaptureFormat::kUnknown || (format == CaptureFormat::kUndecided && !follow)) {
    throwCode(env, "ERR_CAPTURE_FORMAT", "neither pcap nor pcapng");
    return env.Undefined();
  }
  if (!files_) {
    closeInput();
    files_.reset(new CaptureSet());
    input_ = files_.get();
  }
  linkType_ = format == CaptureFormat::kPcap ? file->reader().linkType() : -1;
  files_->add(nextInput_, std::move(file));
  state_ = "more";
  return Napi::Number::New(env, nextInput_++);
}

// endFollowing(number): a file that is still being written ends where it ends now.
void PacketCoreObject::endFollowing(const Napi::CallbackInfo& info) {
  if (!isIdle(info.Env())) return;
  if (info.Length() < 1 || !isCount(info[0]))
    return throwType(info.Env(), "endFollowing: a number of a file is needed");
  if (!files_) return;
  files_->endFollowing(info[0].As<Napi::Number>().Uint32Value());
  state_ = "more";
}

// dropFile(number): a file ends with what was read of it.
void PacketCoreObject::dropFile(const Napi::CallbackInfo& info) {
  if (!isIdle(info.Env())) return;
  if (info.Length() < 1 || !isCount(info[0])) return throwType(info.Env(), "dropFile: a number of a file is needed");
  if (files_) files_->drop(info[0].As<Napi::Number>().Uint32Value());
}

// wake(): files that are still being written are looked at again.
void PacketCoreObject::wake(const Napi::CallbackInfo& info) {
  if (!isIdle(info.Env())) return;
  if (!files_) return;
  files_->wake();
  state_ = "more";
}

// setHorizon(microseconds): packets of files that are later wait; Infinity: none does.
void PacketCoreObject::setHorizon(const Napi::CallbackInfo& info) {
  if (!isIdle(info.Env())) return;
  const double time = info.Length() > 0 && info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
  if (!(time >= 0)) return throwType(info.Env(), "setHorizon: microseconds have to be a number from 0");
  if (!files_) return;
  files_->setHorizon(time <= 9007199254740991.0 ? static_cast<int64_t>(time) : CaptureSet::kNoHorizon);
  state_ = "more";
}

// How many files are not read to their end.
Napi::Value PacketCoreObject::openFiles(const Napi::CallbackInfo& info) {
  const bool isKnown = files_ && isIdle(info.Env());
  return Napi::Number::New(info.Env(), isKnown ? static_cast<double>(files_->size()) : 0);
}

// openStream(): a capture that comes in pieces (push).
void PacketCoreObject::openStream(const Napi::CallbackInfo& info) {
  if (!isUsable(info.Env())) return;
  closeInput();
  piecewise_.reset(new PiecewiseCapture(nextInput_++));
  input_ = piecewise_.get();
  state_ = "starved";
}

// continueStream(header, offset, delivered): the rest of a classic pcap of which somebody else has read what is before
// the offset, and the first `delivered` bytes behind it.
void PacketCoreObject::continueStream(const Napi::CallbackInfo& info) {
  if (!isUsable(info.Env())) return;
  const Napi::Env env = info.Env();
  if (info.Length() < 3 || !isBytes(info[0]) || !isCount(info[1]) || !isCount(info[2]))
    return throwType(env, "continueStream: header has to be a Uint8Array, offset and delivered numbers from 0");
  const auto header = info[0].As<Napi::Uint8Array>();
  // It is the input that was read so far, if there was one.
  std::unique_ptr<PiecewiseCapture> capture(new PiecewiseCapture(frames_ ? frames_->input() : nextInput_++));
  if (!capture->continuePcap(Datum(header.Data(), header.ByteLength()), info[1].As<Napi::Number>().Int64Value(),
                             static_cast<size_t>(info[2].As<Napi::Number>().Int64Value())))
    return throwType(env, "continueStream: that is no header of a pcap");
  closeInput();
  piecewise_ = std::move(capture);
  input_ = piecewise_.get();
  state_ = "starved";
}

// openFrames(linkType): frames of one link type, pushed as FrameQueue wants them.
void PacketCoreObject::openFrames(const Napi::CallbackInfo& info) {
  if (!isUsable(info.Env())) return;
  if (info.Length() < 1 || !isUint16(info[0]))
    return throwType(info.Env(), "openFrames: link type has to be a number from 0 to 65535");
  closeInput();
  frames_.reset(new FrameQueue(static_cast<uint16_t>(info[0].As<Napi::Number>().Uint32Value()), nextInput_++));
  input_ = frames_.get();
  state_ = "starved";
}

// setFilter(expression, linkType): what doesn't match is not looked at; empty: everything is. The link type is the one
// that the expression is checked against at once. Throws with code ERR_USAGE or ERR_CAPTURE_UNAVAILABLE.
void PacketCoreObject::setFilter(const Napi::CallbackInfo& info) {
  if (!isUsable(info.Env())) return;
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsString() || !isUint16(info[1]))
    return throwType(env, "setFilter: expression has to be a string, link type a number from 0 to 65535");
  const std::string expression = info[0].As<Napi::String>().Utf8Value();
  core_->setFilter(nullptr);
  filter_.reset();
  if (expression.empty()) return;
  if (!BpfFilter::isAvailable()) return throwCode(env, "ERR_CAPTURE_UNAVAILABLE", "libpcap was not found");
  std::string error;
  std::unique_ptr<BpfFilter> filter(new BpfFilter(expression));
  if (!filter->compile(static_cast<uint16_t>(info[1].As<Napi::Number>().Uint32Value()), error))
    return throwCode(env, "ERR_USAGE", error);
  filter_ = std::move(filter);
  core_->setFilter(filter_.get());
}

// push(bytes): the next piece of a stream, or the next frames. What was pushed before has to be drained.
void PacketCoreObject::push(const Napi::CallbackInfo& info) {
  if (!isUsable(info.Env())) return;
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !isBytes(info[0])) return throwType(env, "push: bytes have to be a Uint8Array");
  if (!piecewise_ && !frames_) return throwType(env, "push: there is no stream open");
  if (std::strcmp(state_, "starved") != 0) return throwType(env, "push: what came before has not been drained");
  const auto array = info[0].As<Napi::Uint8Array>();
  const Datum bytes(array.Data(), array.ByteLength());
  if (piecewise_) piecewise_->push(bytes);
  if (frames_) frames_->push(bytes);
  state_ = "more";
}

// endInput(): nothing more will be pushed.
void PacketCoreObject::endInput(const Napi::CallbackInfo& info) {
  if (!isIdle(info.Env())) return;
  if (piecewise_) piecewise_->end();
  if (frames_) frames_->end();
  if (piecewise_ || frames_) state_ = "more";
}

bool PacketCoreObject::readDrain(const Napi::CallbackInfo& info, uint64_t& budget) const {
  const Napi::Env env = info.Env();
  if (!isUsable(env)) return false;
  const double bytes = info.Length() > 1 && info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : -1;
  const char* fault = nullptr;
  if (info.Length() < 1 || !isBytes(info[0]))
    fault = "drain: batch has to be a Uint8Array";
  else if (info[0].As<Napi::Uint8Array>().ByteLength() < kMaxRecordBytes)
    fault = "drain: batch is smaller than one record can be (maxRecordBytes)";
  else if (!(bytes >= 1 && bytes <= kMaxCount))
    fault = "drain: budget has to be a positive number";
  else if (!input_)
    fault = "drain: no input is open";
  if (fault) {
    throwType(env, fault);
    return false;
  }
  budget = static_cast<uint64_t>(bytes);
  return true;
}

// drain(batch, budget): reads about `budget` bytes of frames, writes records into `batch`, and returns how many bytes
// of it are used. `state` says how to go on: "more" (call again), "starved" (push) or "ended".
Napi::Value PacketCoreObject::drain(const Napi::CallbackInfo& info) {
  uint64_t budget;
  if (!readDrain(info, budget)) return info.Env().Undefined();
  auto batch = info[0].As<Napi::Uint8Array>();
  BatchWriter writer(batch.Data(), batch.ByteLength());
  state_ = nameOf(core_->drain(*input_, writer, budget));
  return Napi::Number::New(info.Env(), static_cast<double>(writer.written()));
}

// A drain in one of libuv's threads. The object and the batch stay as long as it takes.
class PacketCoreObject::Aside : public Napi::AsyncWorker {
 public:
  Aside(PacketCoreObject& object, Napi::Uint8Array batch, uint64_t budget)
      : Napi::AsyncWorker(batch.Env(), "hellotap drain"),
        object_(object),
        keptObject_(Napi::Persistent(object.Value())),
        keptBatch_(Napi::Persistent(batch)),
        writer_(batch.Data(), batch.ByteLength()),
        budget_(budget),
        deferred_(Napi::Promise::Deferred::New(batch.Env())) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override { status_ = object_.core_->drain(*object_.input_, writer_, budget_); }
  void OnOK() override {
    object_.isAside_ = false;
    object_.state_ = nameOf(status_);
    deferred_.Resolve(Napi::Number::New(Env(), static_cast<double>(writer_.written())));
  }

 private:
  PacketCoreObject& object_;
  const Napi::ObjectReference keptObject_;
  const Napi::Reference<Napi::Uint8Array> keptBatch_;
  BatchWriter writer_;
  const uint64_t budget_;
  ReadStatus status_ = ReadStatus::kMore;
  const Napi::Promise::Deferred deferred_;
};

// drainAside(batch, budget): the same in another thread; a promise of the answer. Until it is there nothing but
// `counters`, which stand still, may be asked.
Napi::Value PacketCoreObject::drainAside(const Napi::CallbackInfo& info) {
  uint64_t budget;
  if (!readDrain(info, budget)) return info.Env().Undefined();
  counters_ = core_->counters();
  isAside_ = true;
  auto* aside = new Aside(*this, info[0].As<Napi::Uint8Array>(), budget);
  const Napi::Promise promise = aside->promise();
  aside->Queue();
  return promise;
}

// finish(batch): the end of all input; writes what was still being followed. 0 once there is nothing more.
Napi::Value PacketCoreObject::finish(const Napi::CallbackInfo& info) {
  if (!isUsable(info.Env())) return info.Env().Undefined();
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !isBytes(info[0]) || info[0].As<Napi::Uint8Array>().ByteLength() < kMaxRecordBytes) {
    throwType(env, "finish: batch has to be a Uint8Array of at least maxRecordBytes");
    return env.Undefined();
  }
  auto batch = info[0].As<Napi::Uint8Array>();
  BatchWriter writer(batch.Data(), batch.ByteLength());
  core_->finish(writer);
  return Napi::Number::New(env, static_cast<double>(writer.written()));
}

// advance(microseconds): moves the clock of the time-outs while no packets come.
void PacketCoreObject::advance(const Napi::CallbackInfo& info) {
  if (!isUsable(info.Env())) return;
  const double time = info.Length() > 0 && info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
  if (!(time >= 0 && time <= 9007199254740991.0))
    return throwType(info.Env(), "advance: microseconds have to be a number from 0");
  core_->advance(static_cast<int64_t>(time));
}

// counters(values): fills a Float64Array in the order of the addon's counterNames.
void PacketCoreObject::counters(const Napi::CallbackInfo& info) {
  const bool isArray = info.Length() > 0 && info[0].IsTypedArray() &&
                       info[0].As<Napi::TypedArray>().TypedArrayType() == napi_float64_array;
  const Counters& counted = core_ && !isAside_ ? core_->counters() : counters_;
  if (!isArray || info[0].As<Napi::Float64Array>().ElementLength() < kCounterCount)
    return throwType(info.Env(), "counters: values have to be a Float64Array with an element per counter");
  auto out = info[0].As<Napi::Float64Array>();
  writeCounters(counted, out);
}

// dispose(): gives all memory back without waiting for the garbage collector, which doesn't see it. Only the counters
// stay.
void PacketCoreObject::dispose(const Napi::CallbackInfo& info) {
  if (!core_ || !isIdle(info.Env())) return;
  counters_ = core_->counters();
  closeInput();
  core_.reset();
  filter_.reset();
}

bool PacketCoreObject::isUsable(Napi::Env env) const {
  if (!core_) throwType(env, "the packet core was disposed of");
  return core_ != nullptr && isIdle(env);
}

bool PacketCoreObject::isIdle(Napi::Env env) const {
  if (isAside_) throwType(env, "the packet core is at work in another thread");
  return !isAside_;
}

// close(): lets go of the input. Flows that were being followed stay in the core.
void PacketCoreObject::close(const Napi::CallbackInfo& info) {
  if (isIdle(info.Env())) closeInput();
}

Napi::Value PacketCoreObject::state(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), state_); }

// The first bytes of a stream that are not read yet, unpacked.
Napi::Value PacketCoreObject::front(const Napi::CallbackInfo& info) {
  constexpr size_t kMost = 24;
  const Datum front = piecewise_ && isIdle(info.Env()) ? piecewise_->front().first(kMost) : Datum();
  return Napi::Buffer<uint8_t>::Copy(info.Env(), front.data(), front.size());
}

// Of a stream: "pcap", "pcapng", "unknown" or, while too little of it has come, "undecided".
Napi::Value PacketCoreObject::format(const Napi::CallbackInfo& info) {
  const char* name = "unknown";
  switch (piecewise_ && isIdle(info.Env()) ? piecewise_->reader().format() : CaptureFormat::kUnknown) {
    case CaptureFormat::kPcap:
      name = "pcap";
      break;
    case CaptureFormat::kPcapng:
      name = "pcapng";
      break;
    case CaptureFormat::kUndecided:
      name = "undecided";
      break;
    case CaptureFormat::kUnknown:
      break;
  }
  return Napi::String::New(info.Env(), name);
}

// The link type of the file that was opened last, if it is a classic pcap, which has one for all its packets; else
// null.
Napi::Value PacketCoreObject::linkType(const Napi::CallbackInfo& info) {
  if (linkType_ < 0) return info.Env().Null();
  return Napi::Number::New(info.Env(), linkType_);
}

}  // namespace hellotap
