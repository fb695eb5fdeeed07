// What one worker keeps between lookups, so that a lookup allocates nothing.
//
// Process: nginx worker, sluicectl.   Thread: one: a context serves one lookup at a time.
#pragma once

#include "shared/match/path_cuts.h"
#include "shared/match/regex.h"
#include "shared/match/request_facts.h"

namespace sluice::match {

struct LookupContext {
  RegexCache regexes;
  RequestFacts facts;
  PathCuts cuts;
};

}  // namespace sluice::match
