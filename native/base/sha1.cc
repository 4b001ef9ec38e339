#include "base/sha1.h"

#include <initializer_list>

#include "base/symbols.h"

namespace hellotap {

namespace {

// Of the EVP interface of OpenSSL 3; pointers to its own types are void here.
struct Evp {
  void* (*newContext)();
  void (*freeContext)(void* context);
  void* (*fetch)(void* library, const char* name, const char* properties);
  void (*release)(void* algorithm);
  int (*begin)(void* context, const void* algorithm, void* engine);
  int (*update)(void* context, const void* bytes, size_t count);
  int (*end)(void* context, uint8_t* digest, unsigned* count);
};

bool findEvp(void* from, Evp& evp) {
  return findSymbol(from, "EVP_MD_CTX_new", evp.newContext) && findSymbol(from, "EVP_MD_CTX_free", evp.freeContext) &&
         findSymbol(from, "EVP_MD_fetch", evp.fetch) && findSymbol(from, "EVP_MD_free", evp.release) &&
         findSymbol(from, "EVP_DigestInit_ex", evp.begin) && findSymbol(from, "EVP_DigestUpdate", evp.update) &&
         findSymbol(from, "EVP_DigestFinal_ex", evp.end);
}

// Null where it is not there.
const Evp* evp() {
  static Evp evp{};
  static const bool isThere = [] {
    if (findEvp(RTLD_DEFAULT, evp)) return true;
    for (const char* name : {"libcrypto.so.3", "libcrypto.3.dylib"})
      if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return findEvp(library, evp);
    return false;
  }();
  return isThere ? &evp : nullptr;
}

}  // namespace

Sha1::Sha1() {
  if (!evp()) return;
  algorithm_ = evp()->fetch(nullptr, "SHA1", nullptr);
  if (algorithm_) context_ = evp()->newContext();
}

Sha1::~Sha1() {
  if (!evp()) return;
  evp()->freeContext(context_);
  evp()->release(algorithm_);
}

bool Sha1::digest(Datum bytes, uint8_t (&out)[kBytes]) {
  return evp()->begin(context_, algorithm_, nullptr) == 1 && evp()->update(context_, bytes.data(), bytes.size()) == 1 &&
         evp()->end(context_, out, nullptr) == 1;
}

}  // namespace hellotap
