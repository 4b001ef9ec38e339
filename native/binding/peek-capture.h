// peekCapture(path): what a file is, told from its beginning, without reading it as a whole.
#ifndef HELLOTAP_BINDING_PEEK_CAPTURE_H_
#define HELLOTAP_BINDING_PEEK_CAPTURE_H_

#include <napi.h>

namespace hellotap {

// The answer is { packing, isCapture, firstTime, head }: what the file is compressed with ("none", "gzip", "zstd"),
// whether it is a capture, the time of its first packet in microseconds since 1970 (null where none is found near the
// beginning), and its first bytes, unpacked, where it is no capture. Throws with code ERR_CAPTURE_OPEN.
Napi::Value peekCapture(const Napi::CallbackInfo& info);

// canUnpack(packing): whether what is compressed with "gzip" or "zstd" can be unpacked here.
Napi::Value canUnpackHere(const Napi::CallbackInfo& info);

}  // namespace hellotap

#endif  // HELLOTAP_BINDING_PEEK_CAPTURE_H_
