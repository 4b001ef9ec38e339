// Where the core writes down what it met: counters and anomalies of one run, and what captures bring besides packets.
#ifndef HELLOTAP_BASE_NOTES_H_
#define HELLOTAP_BASE_NOTES_H_

#include "base/anomaly.h"
#include "base/counters.h"
#include "base/secrets.h"

namespace hellotap {

struct Notes {
  AnomalyLog anomalies;
  Counters counters;
  SecretsQueue secrets;

  // What is written down from here on was met in this input.
  void select(uint32_t input) {
    anomalies.select(input);
    secrets.select(input);
  }
};

}  // namespace hellotap

#endif  // HELLOTAP_BASE_NOTES_H_
