#include "crypto/libcrypto.h"

#include "base/symbols.h"

namespace hellotap {

namespace {

bool findAll(void* library, Libcrypto& found) {
#define HELLOTAP_LIBCRYPTO_FIND(result, name, parameters) \
  if (!findSymbol(library, #name, found.name)) return false;
  HELLOTAP_LIBCRYPTO(HELLOTAP_LIBCRYPTO_FIND)
#undef HELLOTAP_LIBCRYPTO_FIND
  return true;
}

}  // namespace

const Libcrypto* libcrypto() {
  static Libcrypto found{};
  static const bool isThere = [] {
    if (findAll(RTLD_DEFAULT, found)) return true;
    // Without Node.js: fuzzers.
    void* const library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    return library != nullptr && findAll(library, found);
  }();
  return isThere ? &found : nullptr;
}

}  // namespace hellotap
