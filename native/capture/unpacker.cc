#include "capture/unpacker.h"

#include <dlfcn.h>
#include <initializer_list>

#include "base/symbols.h"

namespace hellotap {

namespace {

// z_stream of zlib's ABI.
struct ZlibStream {
  const uint8_t* in;
  unsigned inBytes;
  unsigned long inTotal;
  uint8_t* out;
  unsigned outBytes;
  unsigned long outTotal;
  const char* message;
  void* state;
  void* allocate;
  void* release;
  void* opaque;
  int dataType;
  unsigned long adler;
  unsigned long reserved;
};
constexpr int kZlibOk = 0, kZlibStreamEnd = 1, kZlibBufferError = -5;
constexpr int kGzipOnly = 16 + 15;  // windowBits: the largest window, behind a gzip header

struct Zlib {
  int (*begin)(ZlibStream* stream, int windowBits, const char* version, int streamBytes);
  int (*inflate)(ZlibStream* stream, int flush);
  int (*reset)(ZlibStream* stream);
  int (*end)(ZlibStream* stream);
};

// ZSTD_inBuffer and ZSTD_outBuffer of libzstd's ABI.
struct ZstdIn {
  const void* bytes;
  size_t size;
  size_t at;
};
struct ZstdOut {
  void* bytes;
  size_t size;
  size_t at;
};

struct Zstd {
  void* (*create)();
  size_t (*unpack)(void* context, ZstdOut* out, ZstdIn* in);
  unsigned (*isError)(size_t code);
  const char* (*nameOf)(size_t code);
  size_t (*release)(void* context);
};

bool findZlib(void* from, Zlib& zlib) {
  return findSymbol(from, "inflateInit2_", zlib.begin) && findSymbol(from, "inflate", zlib.inflate) &&
         findSymbol(from, "inflateReset", zlib.reset) && findSymbol(from, "inflateEnd", zlib.end);
}

bool findZstd(void* from, Zstd& zstd) {
  return findSymbol(from, "ZSTD_createDCtx", zstd.create) && findSymbol(from, "ZSTD_decompressStream", zstd.unpack) &&
         findSymbol(from, "ZSTD_isError", zstd.isError) && findSymbol(from, "ZSTD_getErrorName", zstd.nameOf) &&
         findSymbol(from, "ZSTD_freeDCtx", zstd.release);
}

// Null where it is not there.
const Zlib* zlib() {
  static Zlib zlib{};
  static const bool isThere = [] {
    if (findZlib(RTLD_DEFAULT, zlib)) return true;
    for (const char* name : {"libz.so.1", "libz.so", "libz.1.dylib"})
      if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return findZlib(library, zlib);
    return false;
  }();
  return isThere ? &zlib : nullptr;
}

const Zstd* zstd() {
  static Zstd zstd{};
  static const bool isThere = [] {
    if (findZstd(RTLD_DEFAULT, zstd)) return true;
    for (const char* name : {"libzstd.so.1", "libzstd.so", "libzstd.1.dylib", "/opt/homebrew/lib/libzstd.1.dylib",
                             "/usr/local/lib/libzstd.1.dylib"})
      if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return findZstd(library, zstd);
    return false;
  }();
  return isThere ? &zstd : nullptr;
}

class GzipUnpacker : public Unpacker {
 public:
  GzipUnpacker() {
    // zlib looks at the first character of the version alone.
    isReady_ = zlib() && zlib()->begin(&stream_, kGzipOnly, "1", sizeof stream_) == kZlibOk;
  }
  ~GzipUnpacker() override {
    if (isReady_) zlib()->end(&stream_);
  }
  GzipUnpacker(const GzipUnpacker&) = delete;
  GzipUnpacker& operator=(const GzipUnpacker&) = delete;

  bool unpack(Datum& packed, uint8_t* out, size_t size, size_t& made) override {
    made = 0;
    if (!isReady_) return false;
    if (isBetween_) {
      // Between two members, and behind the last, there may be zeros.
      while (!packed.empty() && packed.data()[0] == 0) packed.skipUpTo(1);
      if (packed.empty()) return true;
      if (zlib()->reset(&stream_) != kZlibOk) return false;
      isBetween_ = false;
    }
    constexpr size_t kMost = 1 << 30;  // in zlib's `unsigned`
    stream_.in = packed.data();
    stream_.inBytes = static_cast<unsigned>(packed.size() < kMost ? packed.size() : kMost);
    stream_.out = out;
    stream_.outBytes = static_cast<unsigned>(size < kMost ? size : kMost);
    const int result = zlib()->inflate(&stream_, 0);
    packed.skipUpTo(static_cast<size_t>(stream_.in - packed.data()));
    made = static_cast<size_t>(stream_.out - out);
    isBetween_ = result == kZlibStreamEnd;
    return result == kZlibOk || isBetween_ || result == kZlibBufferError;
  }
  bool isWhole() const override { return isBetween_; }
  const char* why() const override {
    return !isReady_ ? "zlib is missing" : stream_.message ? stream_.message : "zlib does not say why";
  }

 private:
  ZlibStream stream_{};
  bool isReady_ = false;
  bool isBetween_ = false;  // at the end of a member
};

class ZstdUnpacker : public Unpacker {
 public:
  ZstdUnpacker() : context_(zstd() ? zstd()->create() : nullptr) {}
  ~ZstdUnpacker() override {
    if (context_) zstd()->release(context_);
  }
  ZstdUnpacker(const ZstdUnpacker&) = delete;
  ZstdUnpacker& operator=(const ZstdUnpacker&) = delete;

  bool unpack(Datum& packed, uint8_t* out, size_t size, size_t& made) override {
    made = 0;
    if (!context_) return false;
    ZstdIn from{packed.data(), packed.size(), 0};
    ZstdOut to{out, size, 0};
    result_ = zstd()->unpack(context_, &to, &from);
    packed.skipUpTo(from.at);
    made = to.at;
    return !zstd()->isError(result_);
  }
  // 0: a frame is over and all of it was handed out.
  bool isWhole() const override { return result_ == 0; }
  const char* why() const override { return context_ ? zstd()->nameOf(result_) : "libzstd is missing"; }

 private:
  void* context_;
  size_t result_ = 1;
};

}  // namespace

Packing packingOf(Datum start) {
  const auto magic = start.peek<kMagicBytes>();
  if (!magic) return Packing::kNone;
  if (magic.be16<0>() == 0x1f8b && magic.u8<2>() == 8) return Packing::kGzip;
  // A stream may begin with a skippable frame (RFC 8878 section 3.1.2): 0x184D2A50 to 0x184D2A5F.
  const uint32_t first = magic.file32<0>(false);
  if (first == 0xfd2fb528 || (first & 0xfffffff0) == 0x184d2a50) return Packing::kZstd;
  return Packing::kNone;
}

bool canUnpack(Packing packing) {
  return packing == Packing::kGzip ? zlib() != nullptr : packing == Packing::kZstd && zstd() != nullptr;
}

std::unique_ptr<Unpacker> makeUnpacker(Packing packing) {
  if (packing == Packing::kGzip) return std::unique_ptr<Unpacker>(new GzipUnpacker());
  return std::unique_ptr<Unpacker>(new ZstdUnpacker());
}

}  // namespace hellotap
