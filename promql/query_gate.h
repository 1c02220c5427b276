// QueryGate: lets at most so many queries run at once; the others wait in the order they came.
// Thread-safe.
#ifndef DEUCALION_PROMQL_QUERY_GATE_H_
#define DEUCALION_PROMQL_QUERY_GATE_H_

#include <list>

#include "base/cancel.h"
#include "base/status.h"
#include "base/thread_annotations.h"

namespace deucalion::promql {

class QueryGate {
 public:
  // 0 = no limit.
  explicit QueryGate(int limit) : limit_(limit) {}

  // Waits for its turn. Fails when a token says so first; `client` may be null. Every successful
  // Enter needs one Leave.
  Status Enter(const CancelToken& deadline, const CancelToken* client) EXCLUDES(mu_);
  void Leave() EXCLUDES(mu_);

 private:
  struct Waiter {
    bool admitted = false;
  };

  const int limit_;
  Mutex mu_;
  CondVar changed_;
  int running_ GUARDED_BY(mu_) = 0;
  std::list<Waiter*> waiting_ GUARDED_BY(mu_);
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_QUERY_GATE_H_
