#include "binding/teller-object.h"

#include <cstring>
#include <new>

#include "binding/arguments.h"

namespace hellotap {

namespace {

Datum datumOf(const Napi::Value& value) {
  const auto bytes = value.As<Napi::Uint8Array>();
  return Datum(bytes.Data(), bytes.ByteLength());
}

// The first `length` bytes of a batch; empty where there are not as many.
Datum batchOf(const Napi::Value& value, const Napi::Value& length) {
  const Datum memory = datumOf(value);
  const int64_t count = length.As<Napi::Number>().Int64Value();
  return count >= 0 && static_cast<size_t>(count) <= memory.size() ? memory.first(static_cast<size_t>(count)) : Datum();
}

// What is expected of each argument, a letter each: b bytes, u a Uint32Array, f a Float64Array, n a number, t a boolean.
bool matches(const Napi::CallbackInfo& info, const char* kinds) {
  for (size_t i = 0; kinds[i]; ++i) {
    if (i >= info.Length()) return false;
    const Napi::Value value = info[i];
    const bool isGood = kinds[i] == 'b'   ? isBytes(value)
                        : kinds[i] == 'u' ? isArray(value, napi_uint32_array)
                        : kinds[i] == 'f' ? isArray(value, napi_float64_array)
                        : kinds[i] == 'n' ? value.IsNumber()
                                          : value.IsBoolean();
    if (!isGood) return false;
  }
  return true;
}

// An array of numbers as structures of as many; what is over is left out.
template <typename Structure>
struct View {
  const Structure* data;
  size_t count;
};
template <typename Structure>
View<Structure> viewOf(const Napi::Value& value) {
  static_assert(alignof(Structure) == alignof(uint32_t) && sizeof(Structure) % sizeof(uint32_t) == 0, "of numbers alone");
  const auto numbers = value.As<Napi::Uint32Array>();
  return {reinterpret_cast<const Structure*>(numbers.Data()),
          numbers.ElementLength() / (sizeof(Structure) / sizeof(uint32_t))};
}

uint32_t uint32Of(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }

}  // namespace

Napi::Function TellerObject::define(Napi::Env env) {
  return DefineClass(env, "Teller",
                     {
                         InstanceMethod<&TellerObject::learnOpening>("learnOpening"),
                         InstanceMethod<&TellerObject::describeClient>("describeClient"),
                         InstanceMethod<&TellerObject::describeServer>("describeServer"),
                         InstanceMethod<&TellerObject::learnCertificate>("learnCertificate"),
                         InstanceMethod<&TellerObject::listCertificates>("listCertificates"),
                         InstanceMethod<&TellerObject::knowOwnHellos>("knowOwnHellos"),
                         InstanceMethod<&TellerObject::nameInput>("nameInput"),
                         InstanceMethod<&TellerObject::forgetInputs>("forgetInputs"),
                         InstanceMethod<&TellerObject::answer>("answer"),
                         InstanceMethod<&TellerObject::forgetAnswers>("forgetAnswers"),
                         InstanceMethod<&TellerObject::recognise>("recognise"),
                         InstanceMethod<&TellerObject::tell>("tell"),
                         InstanceAccessor<&TellerObject::isUsable>("isUsable"),
                         StaticValue("slots", Napi::Number::New(env, Stencils::kSlots), napi_enumerable),
                         StaticValue("maxLineBytes", Napi::Number::New(env, Teller::kMaxLineBytes), napi_enumerable),
                     });
}

// new Teller(reserved): 32 bytes that no hole of the kind "other" takes.
TellerObject::TellerObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TellerObject>(info) {
  uint8_t reserved[Stencils::kReservedBytes];
  if (!matches(info, "b") || datumOf(info[0]).size() != sizeof reserved) {
    refuse(info.Env(), "Teller: takes 32 reserved bytes");
    return;
  }
  std::memcpy(reserved, datumOf(info[0]).data(), sizeof reserved);
  teller_.reset(new (std::nothrow) Teller(reserved, makeSecret().words));
  if (!teller_) throwCode(info.Env(), "ERR_CAPTURE_UNAVAILABLE", "out of memory");
}

// Whether `tell` can tell at all: it needs OpenSSL's hashes.
Napi::Value TellerObject::isUsable(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), teller_->isUsable());
}

// learnOpening(opening, holes): holes are [begin, end, kind], one behind the other. The stencil's number, or 0.
Napi::Value TellerObject::learnOpening(const Napi::CallbackInfo& info) {
  if (!matches(info, "bu")) return refuse(info.Env(), "learnOpening: takes bytes and a Uint32Array");
  const auto holes = viewOf<Hole>(info[1]);
  return Napi::Number::New(info.Env(), teller_->openings().learn(datumOf(info[0]), holes.data, holes.count));
}

// describeClient(number, spans, tls, own): spans are [begin, end] of the random, of the session id, and of the name where
// there is one; the texts are UTF-8.
Napi::Value TellerObject::describeClient(const Napi::CallbackInfo& info) {
  if (!matches(info, "nubb")) return refuse(info.Env(), "describeClient: takes a number, a Uint32Array and two texts");
  const auto spans = viewOf<Span>(info[1]);
  if (spans.count < 2) return refuse(info.Env(), "describeClient: takes two spans or three");
  teller_->describeClient(uint32Of(info[0]), spans.data[0], spans.data[1], spans.count > 2 ? spans.data + 2 : nullptr,
                          datumOf(info[2]), datumOf(info[3]));
  return info.Env().Undefined();
}

// describeServer(number, certificate, tls, own, resumed, isSure): certificate is its parts, [begin, end] each.
Napi::Value TellerObject::describeServer(const Napi::CallbackInfo& info) {
  if (!matches(info, "nubbbt"))
    return refuse(info.Env(), "describeServer: takes a number, a Uint32Array, three texts and a boolean");
  const auto certificate = viewOf<Span>(info[1]);
  teller_->describeServer(uint32Of(info[0]), certificate.data, certificate.count, datumOf(info[2]), datumOf(info[3]),
                          datumOf(info[4]), info[5].As<Napi::Boolean>().Value());
  return info.Env().Undefined();
}

// learnCertificate(der, holes, pieces, literals): pieces are [kind, begin, end]. Whether it was taken.
Napi::Value TellerObject::learnCertificate(const Napi::CallbackInfo& info) {
  if (!matches(info, "buub"))
    return refuse(info.Env(), "learnCertificate: takes bytes, two Uint32Arrays and literals");
  const auto holes = viewOf<Hole>(info[1]);
  const auto pieces = viewOf<Piece>(info[2]);
  return Napi::Boolean::New(info.Env(), teller_->certificates().learn(datumOf(info[0]), holes.data, holes.count,
                                                                      pieces.data, pieces.count, datumOf(info[3])));
}

// listCertificates(digests): SHA-1 of those that are to be looked at, one behind the other; instead of those before.
Napi::Value TellerObject::listCertificates(const Napi::CallbackInfo& info) {
  if (!matches(info, "b")) return refuse(info.Env(), "listCertificates: takes bytes");
  teller_->certificates().list(datumOf(info[0]));
  return info.Env().Undefined();
}

// knowOwnHellos(key): hellos that are marked with it are not told.
Napi::Value TellerObject::knowOwnHellos(const Napi::CallbackInfo& info) {
  if (!matches(info, "b")) return refuse(info.Env(), "knowOwnHellos: takes bytes");
  teller_->knowOwnHellos(datumOf(info[0]));
  return info.Env().Undefined();
}

// nameInput(number, member): how lines name an input; a member of JSON with a comma behind it.
Napi::Value TellerObject::nameInput(const Napi::CallbackInfo& info) {
  if (!matches(info, "nb")) return refuse(info.Env(), "nameInput: takes a number and a text");
  teller_->nameInput(uint32Of(info[0]), datumOf(info[1]));
  return info.Env().Undefined();
}

Napi::Value TellerObject::forgetInputs(const Napi::CallbackInfo& info) {
  teller_->forgetInputs();
  return info.Env().Undefined();
}

// answer(batch, length, at, isForAnyName, until, status, verdict, client, server): what to say of the server of the flow
// at `at`, for handshakes with these stencils, or any (0). Whether it was taken.
Napi::Value TellerObject::answer(const Napi::CallbackInfo& info) {
  if (!matches(info, "bnntnnbnn")) return refuse(info.Env(), "answer: takes a batch, its length, a place, …");
  const Datum verdict = datumOf(info[6]);
  const uint32_t status = uint32Of(info[5]);
  const int64_t at = info[2].As<Napi::Number>().Int64Value();
  Answer* answer = nullptr;
  if (verdict.size() <= Answers::kMaxVerdictBytes && status < Answers::kStatuses && at >= 0)
    answer = teller_->answerFor(batchOf(info[0], info[1]), static_cast<size_t>(at), info[3].As<Napi::Boolean>().Value());
  if (!answer) return Napi::Boolean::New(info.Env(), false);
  const std::string text(reinterpret_cast<const char*>(verdict.data()), verdict.size());
  if (answer->until == 0 || answer->status != status || answer->verdict != text) {
    *answer = Answer();
    answer->status = status;
    answer->verdict = text;
  }
  answer->until = info[4].As<Napi::Number>().DoubleValue();
  const Handshake handshake{uint32Of(info[7]), uint32Of(info[8])};
  if (handshake.client != 0) answer->add(handshake);
  return Napi::Boolean::New(info.Env(), true);
}

Napi::Value TellerObject::forgetAnswers(const Napi::CallbackInfo& info) {
  teller_->answers().forgetAll();
  return info.Env().Undefined();
}

// recognise(batch, length, numbers): two numbers for each record, as far as the Uint32Array has room. How many records.
Napi::Value TellerObject::recognise(const Napi::CallbackInfo& info) {
  if (!matches(info, "bnu")) return refuse(info.Env(), "recognise: takes a batch, its length and a Uint32Array");
  auto numbers = info[2].As<Napi::Uint32Array>();
  return Napi::Number::New(info.Env(), static_cast<double>(teller_->recognise(batchOf(info[0], info[1]), numbers.Data(),
                                                                               numbers.ElementLength() / 2)));
}

// tell(batch, length, at, now, text, told): writes lines to `text`; `told`, a Float64Array, says how far it came:
// [stop, at, bytes, lines, client, server, lines by status …].
Napi::Value TellerObject::tell(const Napi::CallbackInfo& info) {
  if (!matches(info, "bnnnbf")) return refuse(info.Env(), "tell: takes a batch, its length, a place, …");
  const int64_t at = info[2].As<Napi::Number>().Int64Value();
  auto text = info[4].As<Napi::Uint8Array>();
  auto out = info[5].As<Napi::Float64Array>();
  if (at < 0 || out.ElementLength() < 6 + Answers::kStatuses) return refuse(info.Env(), "tell: takes a place and room");
  const Told told = teller_->tell(batchOf(info[0], info[1]), static_cast<size_t>(at),
                                  info[3].As<Napi::Number>().DoubleValue(), text.Data(), text.ByteLength());
  out[0] = static_cast<double>(told.stop);
  out[1] = static_cast<double>(told.at);
  out[2] = static_cast<double>(told.bytes);
  out[3] = told.lines;
  out[4] = told.handshake.client;
  out[5] = told.handshake.server;
  for (uint32_t i = 0; i < Answers::kStatuses; ++i) out[6 + i] = told.byStatus[i];
  return info.Env().Undefined();
}

}  // namespace hellotap
