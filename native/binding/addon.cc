// The addon's entry: constants that both sides share, and the classes Crypto, KeyPair, PacketCore, RingCapture, Teller and
// TcpClient. State is per environment, so worker threads may each load it.
#include "binding/addon.h"

#include "base/anomaly.h"
#include "base/counters.h"
#include "binding/crypto-object.h"
#include "binding/key-pair-object.h"
#include "binding/packet-core-object.h"
#include "binding/peek-capture.h"
#include "binding/ring-capture-object.h"
#include "binding/teller-object.h"
#include "binding/tcp-client-object.h"
#include "capture/packet-socket.h"
#include "core/batch.h"

namespace hellotap {

namespace {

// packetSockets(): numbers of the packet sockets that are open in this process.
Napi::Value listPacketSockets(const Napi::CallbackInfo& info) {
  Napi::Array numbers = Napi::Array::New(info.Env());
  for (const int socket : packetSockets()) numbers.Set(numbers.Length(), socket);
  return numbers;
}

// packetSocketStatistics(socket): [received, dropped] since the last call, or null.
Napi::Value takePacketSocketStatistics(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  PacketSocketStatistics statistics;
  if (info.Length() < 1 || !info[0].IsNumber() ||
      !readPacketSocketStatistics(info[0].As<Napi::Number>().Int32Value(), statistics))
    return env.Null();
  Napi::Array pair = Napi::Array::New(env, 2);
  pair.Set(0u, static_cast<double>(statistics.received));
  pair.Set(1u, static_cast<double>(statistics.dropped));
  return pair;
}

}  // namespace

Addon::Addon(Napi::Env env, Napi::Object exports) {
  Napi::Array counters = Napi::Array::New(env);
#define HELLOTAP_COUNTER_NAME(name) counters.Set(counters.Length(), #name);
  HELLOTAP_COUNTERS(HELLOTAP_COUNTER_NAME)
#undef HELLOTAP_COUNTER_NAME
  Napi::Array codes = Napi::Array::New(env);
  for (uint16_t i = 0; i < static_cast<uint16_t>(AnomalyCode::kCount); ++i)
    codes.Set(i, anomalyKind(static_cast<AnomalyCode>(i)).name);

  Napi::Array ringCounters = Napi::Array::New(env);
  for (const char* name : kRingCounterNames) ringCounters.Set(ringCounters.Length(), name);

  DefineAddon(
      exports,
      {
          InstanceValue("layoutVersion", Napi::Number::New(env, kBatchLayoutVersion), napi_enumerable),
          InstanceValue("maxRecordBytes", Napi::Number::New(env, kMaxRecordBytes), napi_enumerable),
          InstanceValue("counterNames", counters, napi_enumerable),
          InstanceValue("anomalyCodes", codes, napi_enumerable),
          InstanceValue("canUnpack", Napi::Function::New<canUnpackHere>(env, "canUnpack"), napi_enumerable),
          InstanceValue("peekCapture", Napi::Function::New<peekCapture>(env, "peekCapture"), napi_enumerable),
          InstanceValue("packetSockets", Napi::Function::New<listPacketSockets>(env, "packetSockets"), napi_enumerable),
          InstanceValue("packetSocketStatistics",
                        Napi::Function::New<takePacketSocketStatistics>(env, "packetSocketStatistics"),
                        napi_enumerable),
          InstanceValue("ringCounterNames", ringCounters, napi_enumerable),
          InstanceValue("RingCapture", RingCaptureObject::define(env), napi_enumerable),
          InstanceValue("Crypto", CryptoObject::define(env), napi_enumerable),
          InstanceValue("KeyPair", KeyPairObject::define(env), napi_enumerable),
          InstanceValue("PacketCore", PacketCoreObject::define(env), napi_enumerable),
          InstanceValue("Teller", TellerObject::define(env), napi_enumerable),
          InstanceValue("TcpClient", TcpClientObject::define(env), napi_enumerable),
      });
}

}  // namespace hellotap

using hellotap::Addon;
NODE_API_ADDON(Addon)
