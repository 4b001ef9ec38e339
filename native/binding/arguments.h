// What the classes of the addon share: checks of arguments, and errors.
#ifndef HELLOTAP_BINDING_ARGUMENTS_H_
#define HELLOTAP_BINDING_ARGUMENTS_H_

#include <napi.h>

#include <cstdint>
#include <string>

#include "base/counters.h"
#include "base/datum.h"
#include "flow/flow-table.h"

namespace hellotap {

void throwType(Napi::Env env, const char* message);
// A type error for a call with the wrong arguments, and what such a call returns.
Napi::Value refuse(Napi::Env env, const char* message);
void throwCode(Napi::Env env, const char* code, const std::string& message);

bool isArray(const Napi::Value& value, napi_typedarray_type type);
bool isBytes(const Napi::Value& value);

// Bytes of an Uint8Array; false where it is something else. One call of Node-API, where the classes of node-addon-api need
// several: for what is called many times per handshake.
bool readBytes(const Napi::Value& value, Datum& bytes);

// Likewise, to be written to.
struct Room {
  uint8_t* bytes = nullptr;
  size_t size = 0;
};
bool readRoom(const Napi::Value& value, Room& room);

// A port or a link type.
bool isUint16(const Napi::Value& value);

// An option that is a whole number within bounds; false after an exception.
bool readLimit(Napi::Env env, const Napi::Object& options, const char* name, double least, double most, double& value);
// The bounds of a flow table; false after an exception.
bool readFlowLimits(Napi::Env env, const Napi::Object& options, FlowLimits& limits);

// What flow tables hash with, so that nobody outside can make keys collide.
struct Secret {
  uint64_t words[4];
};
Secret makeSecret();

// Fills a Float64Array, checked to be long enough, in the order of the addon's counterNames.
void writeCounters(const Counters& counters, Napi::Float64Array& out);
constexpr size_t kCounterCount = sizeof(Counters) / sizeof(uint64_t);

}  // namespace hellotap

#endif  // HELLOTAP_BINDING_ARGUMENTS_H_
