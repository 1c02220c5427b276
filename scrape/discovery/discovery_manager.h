// DiscoveryManager: runs the discoverers that the jobs ask for and hands their targets on, all sets
// at once and not more often than every few seconds. Equal configurations share one discoverer,
// over jobs and over reloads. Thread-safe.
#ifndef DEUCALION_SCRAPE_DISCOVERY_DISCOVERY_MANAGER_H_
#define DEUCALION_SCRAPE_DISCOVERY_DISCOVERY_MANAGER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "scrape/discovery/discoverer.h"

namespace deucalion::scrape {

class DiscoveryManager {
 public:
  using Sets = std::map<std::string, std::vector<TargetGroup>>;
  using Receiver = std::function<void(const Sets&)>;

  // `name`: "scrape" or "notify", for metrics. `services` must outlive the manager.
  DiscoveryManager(std::string name, int64_t min_interval_ms, const DiscoveryServices& services);
  ~DiscoveryManager() { Stop(); }

  // Sets one after the other to `receiver`, on a thread of `run`. Before the first ApplyConfig.
  void SetReceiver(Receiver receiver, std::function<void(std::function<void()>)> run);

  // Which configurations each set is made of. Sets without any working one are sent empty.
  void ApplyConfig(const std::map<std::string, std::vector<DiscoveryConfig>>& sets);
  // No update reaches the receiver after this.
  void Stop();

 private:
  struct Provider {
    DiscoveryConfig config;
    std::unique_ptr<Discoverer> discoverer;
    std::set<std::string> subscribers;
    std::map<std::string, TargetGroup> groups;  // by source
  };

  // Shared with timers and sinks, which may come late.
  struct State : std::enable_shared_from_this<State> {
    State(std::string n, int64_t interval_ns, const DiscoveryServices& s)
        : name(std::move(n)), min_interval_ns(interval_ns), services(s) {}

    void Update(uint64_t provider, std::vector<TargetGroup> groups) EXCLUDES(mu);
    void Changed() REQUIRES(mu);
    void Send() EXCLUDES(mu, send_mu);
    Sets Collect() REQUIRES(mu);

    const std::string name;
    const int64_t min_interval_ns;
    const DiscoveryServices services;
    Receiver receiver;
    std::function<void(std::function<void()>)> run;

    Mutex send_mu;  // held while the receiver runs; taken before mu
    Mutex mu;
    std::map<uint64_t, Provider> providers GUARDED_BY(mu);
    std::set<std::string> set_names GUARDED_BY(mu);
    bool scheduled GUARDED_BY(mu) = false;
    bool stopped GUARDED_BY(mu) = false;
    int64_t last_send_ns GUARDED_BY(mu) = INT64_MIN / 2;
  };

  const std::shared_ptr<State> state_;
  uint64_t next_provider_ = 1;
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_DISCOVERY_DISCOVERY_MANAGER_H_
