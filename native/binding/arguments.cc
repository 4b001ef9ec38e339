#include "binding/arguments.h"

#include <random>

namespace hellotap {

void throwType(Napi::Env env, const char* message) { Napi::TypeError::New(env, message).ThrowAsJavaScriptException(); }

Napi::Value refuse(Napi::Env env, const char* message) {
  throwType(env, message);
  return env.Undefined();
}

void throwCode(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  error.ThrowAsJavaScriptException();
}

bool isArray(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

bool isBytes(const Napi::Value& value) { return isArray(value, napi_uint8_array); }

bool readRoom(const Napi::Value& value, Room& room) {
  napi_typedarray_type type;
  void* bytes;
  // An error, and nothing thrown, where it is no typed array.
  if (napi_get_typedarray_info(value.Env(), value, &type, &room.size, &bytes, nullptr, nullptr) != napi_ok) return false;
  room.bytes = static_cast<uint8_t*>(bytes);
  return type == napi_uint8_array;
}

bool readBytes(const Napi::Value& value, Datum& bytes) {
  Room room;
  if (!readRoom(value, room)) return false;
  bytes = Datum(room.bytes, room.size);
  return true;
}

bool isUint16(const Napi::Value& value) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  return number >= 0 && number <= 65535;
}

bool readLimit(Napi::Env env, const Napi::Object& options, const char* name, double least, double most, double& value) {
  const Napi::Value given = options.Get(name);
  if (given.IsUndefined()) return true;
  const double number = given.IsNumber() ? given.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= least && number <= most) || number != static_cast<double>(static_cast<int64_t>(number))) {
    throwType(env, (std::string(name) + " has to be a whole number from " +
                    std::to_string(static_cast<int64_t>(least)) + " to " + std::to_string(static_cast<int64_t>(most)))
                       .c_str());
    return false;
  }
  value = number;
  return true;
}

bool readFlowLimits(Napi::Env env, const Napi::Object& options, FlowLimits& limits) {
  double maxFlows = limits.maxFlows, reassemblyBytes = static_cast<double>(limits.reassemblyBytes);
  double openingBeyond = limits.openingBeyond;
  if (!readLimit(env, options, "maxFlows", 16, 1 << 28, maxFlows)) return false;
  if (!readLimit(env, options, "reassemblyBytes", 1 << 18, 1e12, reassemblyBytes)) return false;
  if (!readLimit(env, options, "openingBeyond", 0, Reassembler::kMaxBytes, openingBeyond)) return false;
  limits.openingBeyond = static_cast<uint32_t>(openingBeyond);
  limits.maxFlows = static_cast<uint32_t>(maxFlows);
  limits.reassemblyBytes = static_cast<uint64_t>(reassemblyBytes);
  return true;
}

Secret makeSecret() {
  std::random_device random;
  Secret secret;
  for (uint64_t& word : secret.words) word = uint64_t{random()} << 32 | random();
  return secret;
}

void writeCounters(const Counters& counters, Napi::Float64Array& out) {
  const uint64_t values[] = {
#define HELLOTAP_COUNTER_VALUE(name) counters.name,
      HELLOTAP_COUNTERS(HELLOTAP_COUNTER_VALUE)
#undef HELLOTAP_COUNTER_VALUE
  };
  static_assert(sizeof values / sizeof values[0] == kCounterCount, "every counter once");
  for (size_t i = 0; i < kCounterCount; ++i) out[i] = static_cast<double>(values[i]);
}

}  // namespace hellotap
