#include "binding/stencils-object.h"

namespace hellotap {

namespace {

bool isArray(const Napi::CallbackInfo& info, size_t index, napi_typedarray_type type) {
  return info.Length() > index && info[index].IsTypedArray() &&
         info[index].As<Napi::TypedArray>().TypedArrayType() == type;
}

bool isNumber(const Napi::CallbackInfo& info, size_t index) { return info.Length() > index && info[index].IsNumber(); }

Napi::Value refuse(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

}  // namespace

Napi::Function StencilsObject::define(Napi::Env env) {
  return DefineClass(env, "Stencils",
                     {
                         InstanceMethod<&StencilsObject::learn>("learn"),
                         InstanceMethod<&StencilsObject::findAll>("findAll"),
                         StaticValue("slots", Napi::Number::New(env, Stencils::kSlots), napi_enumerable),
                         StaticValue("maxHoles", Napi::Number::New(env, Stencils::kMaxHoles), napi_enumerable),
                     });
}

// learn(opening, holes, count): cuts a stencil; `holes` is a Uint32Array of which `count` pairs count. Its number, or 0.
Napi::Value StencilsObject::learn(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isArray(info, 0, napi_uint8_array)) return refuse(env, "learn: opening has to be a Uint8Array");
  if (!isArray(info, 1, napi_uint32_array)) return refuse(env, "learn: holes have to be a Uint32Array");
  auto opening = info[0].As<Napi::Uint8Array>();
  auto holes = info[1].As<Napi::Uint32Array>();
  const double count = isNumber(info, 2) ? info[2].As<Napi::Number>().DoubleValue() : -1;
  if (!(count >= 0 && count <= static_cast<double>(holes.ElementLength() / 2)))
    return refuse(env, "learn: count has to be the number of holes in the array");
  return Napi::Number::New(
      env, stencils_.learn(Datum(opening.Data(), opening.ByteLength()), holes.Data(), static_cast<size_t>(count)));
}

// findAll(batch, length, numbers): two numbers for each record in the first `length` bytes of a batch, as far as the
// Uint32Array has room. The answer is how many records that were.
Napi::Value StencilsObject::findAll(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isArray(info, 0, napi_uint8_array)) return refuse(env, "findAll: batch has to be a Uint8Array");
  if (!isArray(info, 2, napi_uint32_array)) return refuse(env, "findAll: numbers have to be a Uint32Array");
  auto batch = info[0].As<Napi::Uint8Array>();
  auto numbers = info[2].As<Napi::Uint32Array>();
  const double length = isNumber(info, 1) ? info[1].As<Napi::Number>().DoubleValue() : -1;
  if (!(length >= 0 && length <= static_cast<double>(batch.ByteLength())))
    return refuse(env, "findAll: length has to be within the batch");
  const size_t records = stencils_.findAll(Datum(batch.Data(), static_cast<size_t>(length)), numbers.Data(),
                                           numbers.ElementLength() / 2);
  return Napi::Number::New(env, static_cast<double>(records));
}

}  // namespace hellotap
