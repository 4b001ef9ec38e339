// What a server sends to the cryptography: a public key, and records that may be of any length. An input says which of it, and
// whether something is sealed first, so that what follows the check of a tag is reached as well.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "crypto/ciphers.h"
#include "crypto/digests.h"
#include "crypto/key-pair.h"

using namespace hellotap;

namespace {

constexpr uint16_t kGroups[] = {0x0017, 0x001d};  // the others do the same more slowly
constexpr size_t kKeyBytes[] = {16, 32, 32, 16, 32, 24};
constexpr size_t kIvBytes[] = {12, 12, 12, 16, 16, 8};

void require(bool condition) {
  if (!condition) std::abort();
}

// Memory of exactly that size, so that a byte too many is seen.
std::vector<uint8_t> exactly(size_t size) { return std::vector<uint8_t>(size); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<Ciphers> ciphers = Ciphers::create();
  static const std::unique_ptr<Digests> digests = Digests::create();
  static const std::unique_ptr<KeyPair> pairs[] = {KeyPair::generate(kGroups[0]), KeyPair::generate(kGroups[1])};
  require(ciphers && digests && pairs[0] && pairs[1]);  // libcrypto.so.3 is missing
  static const uint8_t keys[32] = {1, 2, 3};
  Datum input(data, size);
  const auto choice = input.take<4>();
  if (!choice) return 0;

  const auto cipher = static_cast<CipherKind>(choice.u8<0>() % static_cast<uint8_t>(CipherKind::kCount));
  const size_t number = static_cast<size_t>(cipher);
  // A length of key or IV that does not fit is refused.
  const Datum key(keys, choice.u8<1>() == 255 ? choice.u8<2>() % 32 : kKeyBytes[number]);
  const Datum iv(keys, choice.u8<1>() == 254 ? choice.u8<2>() % 32 : kIvBytes[number]);
  const Datum associated = input.first(choice.u8<2>());

  std::vector<uint8_t> sealed = exactly(input.size() + Ciphers::kTagBytes);
  std::vector<uint8_t> opened = exactly(input.size());
  if (ciphers->seal(cipher, key, iv, associated, input, sealed.data())) {
    require(ciphers->open(cipher, key, iv, associated, Datum(sealed.data(), sealed.size()), opened.data()));
    require(opened.empty() || std::memcmp(opened.data(), input.data(), opened.size()) == 0);
    sealed[choice.u8<3>() % sealed.size()] ^= 1;
    require(!ciphers->open(cipher, key, iv, associated, Datum(sealed.data(), sealed.size()), opened.data()));
  }
  std::vector<uint8_t> out = exactly(input.size() < Ciphers::kTagBytes ? 0 : input.size() - Ciphers::kTagBytes);
  require(!ciphers->open(cipher, key, iv, associated, input, out.data()));
  if (ciphers->chain(cipher, false, key, iv, input, opened.data())) {
    std::vector<uint8_t> again = exactly(opened.size());
    require(ciphers->chain(cipher, true, key, iv, Datum(opened.data(), opened.size()), again.data()));
    require(again.empty() || std::memcmp(again.data(), input.data(), again.size()) == 0);
  }

  const auto hash = static_cast<HashKind>(choice.u8<0>() % static_cast<uint8_t>(HashKind::kCount));
  std::vector<uint8_t> digest = exactly(hashBytes(hash));
  require(digests->hmac(hash, input, associated, input, digest.data()));
  std::vector<uint8_t> block = exactly(choice.u8<3>());
  require(digests->expand(hash, input, associated, block.data(), block.size()));

  const KeyPair& pair = *pairs[choice.u8<3>() & 1];
  std::vector<uint8_t> secret = exactly(pair.secretBytes());
  const_cast<KeyPair&>(pair).agree(input, secret.data());
  return 0;
}
