// The teller as JavaScript sees it. Arguments are checked here and trusted further in.
#ifndef HELLOTAP_BINDING_TELLER_OBJECT_H_
#define HELLOTAP_BINDING_TELLER_OBJECT_H_

#include <napi.h>

#include <memory>

#include "tell/teller.h"

namespace hellotap {

class TellerObject : public Napi::ObjectWrap<TellerObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit TellerObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value learnOpening(const Napi::CallbackInfo& info);
  Napi::Value describeClient(const Napi::CallbackInfo& info);
  Napi::Value describeServer(const Napi::CallbackInfo& info);
  Napi::Value learnCertificate(const Napi::CallbackInfo& info);
  Napi::Value listCertificates(const Napi::CallbackInfo& info);
  Napi::Value knowOwnHellos(const Napi::CallbackInfo& info);
  Napi::Value nameInput(const Napi::CallbackInfo& info);
  Napi::Value forgetInputs(const Napi::CallbackInfo& info);
  Napi::Value answer(const Napi::CallbackInfo& info);
  Napi::Value forgetAnswers(const Napi::CallbackInfo& info);
  Napi::Value recognise(const Napi::CallbackInfo& info);
  Napi::Value tell(const Napi::CallbackInfo& info);
  Napi::Value isUsable(const Napi::CallbackInfo& info);

  std::unique_ptr<Teller> teller_;  // null after an exception of the constructor
};

}  // namespace hellotap

#endif  // HELLOTAP_BINDING_TELLER_OBJECT_H_
