// Where the core writes down what it met: counters and anomalies of one run.
#ifndef HELLOTAP_BASE_NOTES_H_
#define HELLOTAP_BASE_NOTES_H_

#include "base/anomaly.h"
#include "base/counters.h"

namespace hellotap {

struct Notes {
  AnomalyLog anomalies;
  Counters counters;
};

}  // namespace hellotap

#endif  // HELLOTAP_BASE_NOTES_H_
