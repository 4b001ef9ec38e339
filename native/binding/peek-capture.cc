#include "binding/peek-capture.h"

#include <cstring>
#include <string>

#include "core/input.h"

namespace hellotap {

namespace {

constexpr size_t kHeadBytes = 24;
// So far the first packet is looked for: mostly it is near, but it may be behind long comments, names or secrets.
constexpr size_t kNearBytes = 16 << 10;
constexpr size_t kFarBytes = 4 << 20;

const char* nameOf(Packing packing) {
  switch (packing) {
    case Packing::kGzip:
      return "gzip";
    case Packing::kZstd:
      return "zstd";
    case Packing::kUndecided:
    case Packing::kNone:
    default:
      return "none";
  }
}

// The time of the first packet, or kNoTime.
int64_t firstTimeIn(const std::string& path, size_t searched) {
  FileCapture capture;
  capture.endAfter(searched);
  if (capture.open(path.c_str()) != 0) return kNoTime;
  Notes notes;
  FrameBatch batch;
  capture.read(batch, notes);
  return batch.count > 0 ? batch.frames[0].timestamp : kNoTime;
}

}  // namespace

Napi::Value peekCapture(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsString()) {
    Napi::TypeError::New(env, "peekCapture: path has to be a string").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  FileCapture capture;
  capture.endAfter(kNearBytes);
  if (const int code = capture.open(path.c_str())) {
    Napi::Error error = Napi::Error::New(env, std::strerror(code));
    error.Set("code", Napi::String::New(env, "ERR_CAPTURE_OPEN"));
    error.ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const CaptureFormat format = capture.reader().format();
  const bool isCapture = format == CaptureFormat::kPcap || format == CaptureFormat::kPcapng;
  const Datum head = isCapture ? Datum() : capture.front().first(kHeadBytes);
  int64_t firstTime = isCapture ? firstTimeIn(path, kNearBytes) : kNoTime;
  if (isCapture && firstTime == kNoTime) firstTime = firstTimeIn(path, kFarBytes);
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("packing", nameOf(capture.packing()));
  answer.Set("isCapture", isCapture);
  answer.Set("firstTime", firstTime == kNoTime ? env.Null() : Napi::Number::New(env, static_cast<double>(firstTime)));
  answer.Set("head", Napi::Buffer<uint8_t>::Copy(env, head.data(), head.size()));
  return answer;
}

Napi::Value canUnpackHere(const Napi::CallbackInfo& info) {
  const std::string name = info.Length() > 0 ? info[0].ToString().Utf8Value() : std::string();
  const bool can = (name == "gzip" && canUnpack(Packing::kGzip)) || (name == "zstd" && canUnpack(Packing::kZstd));
  return Napi::Boolean::New(info.Env(), can);
}

}  // namespace hellotap
