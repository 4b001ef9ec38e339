// Filter expressions in tcpdump's language. libpcap compiles and runs them; it is looked for when the first one is
// used, so that everything else works without it.
#ifndef HELLOTAP_FILTER_BPF_FILTER_H_
#define HELLOTAP_FILTER_BPF_FILTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/frame.h"
#include "core/packet-core.h"
#include "filter/bpf-program.h"

namespace hellotap {

// struct bpf_program of libpcap's ABI.
struct BpfProgram {
  unsigned int length;
  void* instructions;
};

class BpfFilter : public FrameFilter {
 public:
  explicit BpfFilter(std::string expression) : expression_(std::move(expression)) {}
  ~BpfFilter() override;
  BpfFilter(const BpfFilter&) = delete;
  BpfFilter& operator=(const BpfFilter&) = delete;

  // Whether libpcap is there.
  static bool isAvailable();
  // Compiles for one link type; false, with libpcap's words for it, where the expression is wrong or makes no sense
  // there.
  bool compile(uint16_t linkType, std::string& error);

  // Compiles for further link types as they come; frames of one to which the expression does not apply never match.
  bool matches(const Frame& frame, Notes& notes) override;

 private:
  struct Compiled {
    uint16_t linkType;
    bool applies;
    BpfProgram program;
  };
  const Compiled* find(uint16_t linkType) const;

  std::string expression_;
  std::vector<Compiled> programs_;
};

// Compiles for the kernel's filter on that interface, whose packets are of that link type: VLAN tags, which are beside
// the packet there, are looked for where the kernel has them. Needs the right to capture; false, with libpcap's words
// for it, where that can't be done.
bool compileForKernel(const std::string& expression, const std::string& interface, uint16_t linkType, BpfCode& out,
                      std::string& error);

}  // namespace hellotap

#endif  // HELLOTAP_FILTER_BPF_FILTER_H_
