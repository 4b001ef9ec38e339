// Stencils as JavaScript sees them. Arguments are checked here and trusted further in.
#ifndef HELLOTAP_BINDING_STENCILS_OBJECT_H_
#define HELLOTAP_BINDING_STENCILS_OBJECT_H_

#include <napi.h>

#include "core/stencils.h"

namespace hellotap {

class StencilsObject : public Napi::ObjectWrap<StencilsObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit StencilsObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<StencilsObject>(info) {}

 private:
  Napi::Value learn(const Napi::CallbackInfo& info);
  Napi::Value findAll(const Napi::CallbackInfo& info);

  Stencils stencils_;
};

}  // namespace hellotap

#endif  // HELLOTAP_BINDING_STENCILS_OBJECT_H_
