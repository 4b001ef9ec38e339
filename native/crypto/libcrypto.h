// The functions of OpenSSL's libcrypto (3.0 and later) that are called, found at run time in the process: Node.js brings
// them along, or is linked with the library. So neither headers nor a library are needed to build, as with zlib.
#ifndef HELLOTAP_CRYPTO_LIBCRYPTO_H_
#define HELLOTAP_CRYPTO_LIBCRYPTO_H_

#include <cstddef>

namespace hellotap {

struct OSSL_LIB_CTX;
struct ENGINE;
struct EVP_MD;
struct EVP_MD_CTX;
struct EVP_CIPHER;
struct EVP_CIPHER_CTX;
struct EVP_PKEY;
struct EVP_PKEY_CTX;

// F(result, name, (parameters)), as OpenSSL's manual pages have them.
#define HELLOTAP_LIBCRYPTO(F)                                                                                    \
  F(EVP_MD*, EVP_MD_fetch, (OSSL_LIB_CTX*, const char*, const char*))                                            \
  F(void, EVP_MD_free, (EVP_MD*))                                                                                \
  F(EVP_MD_CTX*, EVP_MD_CTX_new, ())                                                                             \
  F(void, EVP_MD_CTX_free, (EVP_MD_CTX*))                                                                        \
  F(int, EVP_DigestInit_ex, (EVP_MD_CTX*, const EVP_MD*, ENGINE*))                                               \
  F(int, EVP_DigestUpdate, (EVP_MD_CTX*, const void*, size_t))                                                   \
  F(int, EVP_DigestFinal_ex, (EVP_MD_CTX*, unsigned char*, unsigned*))                                           \
  F(EVP_CIPHER*, EVP_CIPHER_fetch, (OSSL_LIB_CTX*, const char*, const char*))                                    \
  F(void, EVP_CIPHER_free, (EVP_CIPHER*))                                                                        \
  F(EVP_CIPHER_CTX*, EVP_CIPHER_CTX_new, ())                                                                     \
  F(void, EVP_CIPHER_CTX_free, (EVP_CIPHER_CTX*))                                                                \
  F(int, EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX*, int, int, void*))                                                \
  F(int, EVP_CIPHER_CTX_set_padding, (EVP_CIPHER_CTX*, int))                                                     \
  F(int, EVP_CipherInit_ex,                                                                                      \
    (EVP_CIPHER_CTX*, const EVP_CIPHER*, ENGINE*, const unsigned char*, const unsigned char*, int))              \
  F(int, EVP_CipherUpdate, (EVP_CIPHER_CTX*, unsigned char*, int*, const unsigned char*, int))                   \
  F(int, EVP_CipherFinal_ex, (EVP_CIPHER_CTX*, unsigned char*, int*))                                            \
  F(EVP_PKEY*, EVP_PKEY_Q_keygen, (OSSL_LIB_CTX*, const char*, const char*, ...))                                \
  F(EVP_PKEY*, EVP_PKEY_new, ())                                                                                 \
  F(void, EVP_PKEY_free, (EVP_PKEY*))                                                                            \
  F(int, EVP_PKEY_copy_parameters, (EVP_PKEY*, const EVP_PKEY*))                                                 \
  F(size_t, EVP_PKEY_get1_encoded_public_key, (EVP_PKEY*, unsigned char**))                                      \
  F(int, EVP_PKEY_set1_encoded_public_key, (EVP_PKEY*, const unsigned char*, size_t))                            \
  F(EVP_PKEY_CTX*, EVP_PKEY_CTX_new_from_pkey, (OSSL_LIB_CTX*, EVP_PKEY*, const char*))                          \
  F(void, EVP_PKEY_CTX_free, (EVP_PKEY_CTX*))                                                                    \
  F(int, EVP_PKEY_derive_init, (EVP_PKEY_CTX*))                                                                  \
  F(int, EVP_PKEY_derive_set_peer_ex, (EVP_PKEY_CTX*, EVP_PKEY*, int))                                           \
  F(int, EVP_PKEY_derive, (EVP_PKEY_CTX*, unsigned char*, size_t*))                                              \
  F(void, CRYPTO_free, (void*, const char*, int))                                                                \
  F(void, ERR_clear_error, ())

struct Libcrypto {
#define HELLOTAP_LIBCRYPTO_MEMBER(result, name, parameters) result(*name) parameters;
  HELLOTAP_LIBCRYPTO(HELLOTAP_LIBCRYPTO_MEMBER)
#undef HELLOTAP_LIBCRYPTO_MEMBER
};

// Null where one of them is missing.
const Libcrypto* libcrypto();

// Frees with one of the functions, for std::unique_ptr.
template <auto Libcrypto::* Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    (libcrypto()->*Free)(object);
  }
};

}  // namespace hellotap

#endif  // HELLOTAP_CRYPTO_LIBCRYPTO_H_
