#include "filter/bpf-filter.h"

#include <dlfcn.h>
#include <sys/time.h>
#include <mutex>

#include "base/symbols.h"

namespace hellotap {

namespace {

// struct pcap_pkthdr of libpcap's ABI.
struct PacketHeader {
  struct timeval time;
  uint32_t captured;
  uint32_t original;
};

constexpr int kSnaplen = 262144;
constexpr uint32_t kNetmaskUnknown = 0xffffffff;
constexpr size_t kErrorBytes = 256;  // PCAP_ERRBUF_SIZE
constexpr int kTimeout = 1000;

struct Library {
  void* (*openDead)(int linkType, int snaplen);
  void* (*openLive)(const char* interface, int snaplen, int isPromiscuous, int timeout, char* error);
  int (*compile)(void* handle, BpfProgram* program, const char* expression, int optimize, uint32_t netmask);
  char* (*error)(void* handle);
  void (*close)(void* handle);
  void (*freeCode)(BpfProgram* program);
  int (*run)(const BpfProgram* program, const PacketHeader* header, const uint8_t* packet);
  bool isComplete;
  std::mutex mutex;  // pcap_compile of libpcap before 1.8 keeps state of its own
};

Library& libpcap() {
  static Library library{};
  static const bool isSearched = [] {
    void* found = nullptr;
    for (const char* name : {"libpcap.so.1", "libpcap.so.0.8", "libpcap.so", "libpcap.A.dylib", "libpcap.dylib"})
      if (!found) found = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    library.isComplete =
        found && findSymbol(found, "pcap_open_dead", library.openDead) &&
        findSymbol(found, "pcap_open_live", library.openLive) && findSymbol(found, "pcap_compile", library.compile) &&
        findSymbol(found, "pcap_geterr", library.error) && findSymbol(found, "pcap_close", library.close) &&
        findSymbol(found, "pcap_freecode", library.freeCode) &&
        findSymbol(found, "pcap_offline_filter", library.run);
    return true;
  }();
  (void)isSearched;
  return library;
}

// libpcap's own number, where it isn't that of the file format.
int dltOf(uint16_t linkType) {
  if (linkType == kLinkRaw || linkType == kLinkRaw14) return kLinkRaw12;
  return linkType;
}

}  // namespace

bool BpfFilter::isAvailable() { return libpcap().isComplete; }

BpfFilter::~BpfFilter() {
  for (Compiled& each : programs_)
    if (each.applies) libpcap().freeCode(&each.program);
}

const BpfFilter::Compiled* BpfFilter::find(uint16_t linkType) const {
  for (const Compiled& each : programs_)
    if (each.linkType == linkType) return &each;
  return nullptr;
}

bool BpfFilter::compile(uint16_t linkType, std::string& error) {
  if (const Compiled* known = find(linkType)) return known->applies;
  Library& library = libpcap();
  const std::lock_guard<std::mutex> lock(library.mutex);
  Compiled compiled{linkType, false, {0, nullptr}};
  void* handle = library.isComplete ? library.openDead(dltOf(linkType), kSnaplen) : nullptr;
  if (!handle) {
    error = "libpcap is not there";
  } else {
    compiled.applies = library.compile(handle, &compiled.program, expression_.c_str(), 1, kNetmaskUnknown) == 0;
    if (!compiled.applies) error = library.error(handle);
    library.close(handle);
  }
  programs_.push_back(compiled);
  return compiled.applies;
}

bool BpfFilter::matches(const Frame& frame, Notes& notes) {
  const Compiled* compiled = find(frame.linkType);
  if (!compiled) {
    std::string error;
    if (!compile(frame.linkType, error))
      notes.anomalies.report(AnomalyCode::filter_not_applicable, frame.offset, frame.timestamp,
                             "the filter does not apply to packets of link type %u, which are left out: %s",
                             frame.linkType, error.c_str());
    compiled = find(frame.linkType);
  }
  if (!compiled->applies) return false;
  const PacketHeader header{{}, static_cast<uint32_t>(frame.bytes.size()), frame.original};
  return libpcap().run(&compiled->program, &header, frame.bytes.data()) != 0;
}

bool compileForKernel(const std::string& expression, const std::string& interface, uint16_t linkType, BpfCode& out,
                      std::string& error) {
  Library& library = libpcap();
  const std::lock_guard<std::mutex> lock(library.mutex);
  if (!library.isComplete) {
    error = "libpcap is not there";
    return false;
  }
  // What a handle is open on tells libpcap what the kernel can do.
  char words[kErrorBytes] = "";
  void* handle = linkType == kLinkEthernet ? library.openLive(interface.c_str(), kSnaplen, 0, kTimeout, words)
                                           : library.openDead(dltOf(linkType), kSnaplen);
  if (!handle) {
    error = words;
    return false;
  }
  BpfProgram program{0, nullptr};
  const bool applies = library.compile(handle, &program, expression.c_str(), 1, kNetmaskUnknown) == 0;
  if (applies) {
    const auto* instructions = static_cast<const BpfInstruction*>(program.instructions);
    out.assign(instructions, instructions + program.length);
    library.freeCode(&program);
  } else {
    error = library.error(handle);
  }
  library.close(handle);
  return applies;
}

}  // namespace hellotap
