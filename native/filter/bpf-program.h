// A classic BPF program as the kernel takes it (struct sock_filter, which is struct bpf_insn of libpcap).
#ifndef HELLOTAP_FILTER_BPF_PROGRAM_H_
#define HELLOTAP_FILTER_BPF_PROGRAM_H_

#include <cstdint>
#include <vector>

namespace hellotap {

struct BpfInstruction {
  uint16_t code;
  uint8_t jumpTrue;
  uint8_t jumpFalse;
  uint32_t operand;
};

using BpfCode = std::vector<BpfInstruction>;

}  // namespace hellotap

#endif  // HELLOTAP_FILTER_BPF_PROGRAM_H_
