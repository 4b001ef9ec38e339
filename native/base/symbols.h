// Functions of libraries that are looked up at run time, so that a missing one costs a feature and not the program.
#ifndef HELLOTAP_BASE_SYMBOLS_H_
#define HELLOTAP_BASE_SYMBOLS_H_

#include <dlfcn.h>

namespace hellotap {

// False where the library does not have it. `library`: of dlopen, or RTLD_DEFAULT for what the process has already.
template <typename Function>
bool findSymbol(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace hellotap

#endif  // HELLOTAP_BASE_SYMBOLS_H_
