#include "crypto/ciphers.h"

namespace hellotap {

namespace {

struct CipherFacts {
  const char* name;
  size_t keyBytes;
  size_t nonceBytes;  // of an AEAD; of the others the block
  bool isAead;
};
constexpr CipherFacts kCiphers[] = {
    {"AES-128-GCM", 16, 12, true}, {"AES-256-GCM", 32, 12, true}, {"ChaCha20-Poly1305", 32, 12, true},
    {"AES-128-CBC", 16, 16, false}, {"AES-256-CBC", 32, 16, false}, {"DES-EDE3-CBC", 24, 8, false},
};
static_assert(sizeof kCiphers / sizeof kCiphers[0] == static_cast<size_t>(CipherKind::kCount), "every cipher once");

constexpr int kGetTag = 0x10, kSetTag = 0x11;  // EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG
constexpr size_t kMostBytes = 1 << 24;         // OpenSSL counts in `int`; no record is anywhere near

const CipherFacts& factsOf(CipherKind kind) { return kCiphers[static_cast<size_t>(kind)]; }

bool update(EVP_CIPHER_CTX* context, uint8_t* out, Datum data) {
  int made = 0;
  return data.empty() || libcrypto()->EVP_CipherUpdate(context, out, &made, data.data(), static_cast<int>(data.size())) == 1;
}

bool finish(EVP_CIPHER_CTX* context) {
  uint8_t rest[32];  // AEADs and whole blocks leave nothing
  int made = 0;
  return libcrypto()->EVP_CipherFinal_ex(context, rest, &made) == 1;
}

// What libcrypto notes of a failure is not left behind for whoever asks next.
bool orClear(bool isDone) {
  if (!isDone) libcrypto()->ERR_clear_error();
  return isDone;
}

}  // namespace

std::unique_ptr<Ciphers> Ciphers::create() {
  const Libcrypto* const crypto = libcrypto();
  if (crypto == nullptr) return nullptr;
  std::unique_ptr<Ciphers> made(new Ciphers());
  bool isWhole = true;
  for (size_t i = 0; i < static_cast<size_t>(CipherKind::kCount); ++i) {
    EVP_CIPHER* const cipher = crypto->EVP_CIPHER_fetch(nullptr, kCiphers[i].name, nullptr);
    for (int encrypts = 0; encrypts < 2; ++encrypts) {
      EVP_CIPHER_CTX* const context = crypto->EVP_CIPHER_CTX_new();
      made->contexts_[i][encrypts].reset(context);
      isWhole = isWhole && cipher != nullptr && context != nullptr &&
                crypto->EVP_CipherInit_ex(context, cipher, nullptr, nullptr, nullptr, encrypts) == 1;
    }
    crypto->EVP_CIPHER_free(cipher);  // the contexts hold it
  }
  return orClear(isWhole) ? std::move(made) : nullptr;
}

EVP_CIPHER_CTX* Ciphers::begin(CipherKind kind, bool encrypts, Datum key, Datum nonce) {
  const CipherFacts& facts = factsOf(kind);
  if (key.size() != facts.keyBytes || nonce.size() != facts.nonceBytes) return nullptr;
  EVP_CIPHER_CTX* const context = contexts_[static_cast<size_t>(kind)][encrypts ? 1 : 0].get();
  const int result = libcrypto()->EVP_CipherInit_ex(context, nullptr, nullptr, key.data(), nonce.data(), encrypts ? 1 : 0);
  return result == 1 ? context : nullptr;
}

bool Ciphers::seal(CipherKind kind, Datum key, Datum nonce, Datum associated, Datum plaintext, uint8_t* out) {
  if (!factsOf(kind).isAead || plaintext.size() > kMostBytes || associated.size() > kMostBytes) return false;
  EVP_CIPHER_CTX* const context = begin(kind, true, key, nonce);
  return orClear(context != nullptr && update(context, nullptr, associated) && update(context, out, plaintext) &&
                 finish(context) &&
                 libcrypto()->EVP_CIPHER_CTX_ctrl(context, kGetTag, kTagBytes, out + plaintext.size()) == 1);
}

bool Ciphers::open(CipherKind kind, Datum key, Datum nonce, Datum associated, Datum sealed, uint8_t* out) {
  if (!factsOf(kind).isAead || sealed.size() > kMostBytes || associated.size() > kMostBytes) return false;
  Datum ciphertext;
  if (sealed.size() < kTagBytes || !sealed.take(sealed.size() - kTagBytes, ciphertext)) return false;
  EVP_CIPHER_CTX* const context = begin(kind, false, key, nonce);
  return orClear(context != nullptr && update(context, nullptr, associated) && update(context, out, ciphertext) &&
                 libcrypto()->EVP_CIPHER_CTX_ctrl(context, kSetTag, kTagBytes, const_cast<uint8_t*>(sealed.data())) == 1 &&
                 finish(context));
}

bool Ciphers::chain(CipherKind kind, bool encrypts, Datum key, Datum iv, Datum blocks, uint8_t* out) {
  const CipherFacts& facts = factsOf(kind);
  if (facts.isAead || blocks.size() > kMostBytes || blocks.size() % facts.nonceBytes != 0) return false;
  EVP_CIPHER_CTX* const context = begin(kind, encrypts, key, iv);
  return orClear(context != nullptr && libcrypto()->EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
                 update(context, out, blocks) && finish(context));
}

}  // namespace hellotap
