#ifndef HELLOTAP_BINDING_ADDON_H_
#define HELLOTAP_BINDING_ADDON_H_

#include <napi.h>

namespace hellotap {

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports);
};

}  // namespace hellotap

#endif  // HELLOTAP_BINDING_ADDON_H_
