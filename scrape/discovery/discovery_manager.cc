#include "scrape/discovery/discovery_manager.h"

#include <algorithm>

namespace deucalion::scrape {
namespace {

// Jobs that start together are sent together: static providers answer at once.
constexpr int64_t kGatherNs = 10'000'000;

}  // namespace

DiscoveryManager::DiscoveryManager(std::string name, int64_t min_interval_ms,
                                   const DiscoveryServices& services)
    : state_(std::make_shared<State>(std::move(name), min_interval_ms * 1'000'000, services)) {}

void DiscoveryManager::SetReceiver(Receiver receiver,
                                   std::function<void(std::function<void()>)> run) {
  state_->receiver = std::move(receiver);
  state_->run = std::move(run);
}

void DiscoveryManager::ApplyConfig(
    const std::map<std::string, std::vector<DiscoveryConfig>>& sets) {
  State& state = *state_;
  std::vector<std::unique_ptr<Discoverer>> gone;  // destroyed outside the lock: they wait for sinks
  std::vector<std::pair<uint64_t, Discoverer*>> fresh;
  int failed = 0;
  {
    MutexLock lock(state.mu);
    state.set_names.clear();
    for (auto& [id, provider] : state.providers) provider.subscribers.clear();
    for (const auto& [set, configs] : sets) {
      state.set_names.insert(set);
      for (const DiscoveryConfig& config : configs) {
        const auto same = std::ranges::find_if(
            state.providers, [&](const auto& item) { return item.second.config == config; });
        if (same != state.providers.end()) {
          same->second.subscribers.insert(set);
          continue;
        }
        Result<std::unique_ptr<Discoverer>> made = NewDiscoverer(config, set, state.services);
        if (!made.ok()) {
          ++failed;
          state.services.log->Error(
              "Cannot create service discovery",
              {{"err", made.status()}, {"type", DiscoveryName(config)}, {"config", set}});
          continue;
        }
        const uint64_t id = next_provider_++;
        Provider& provider = state.providers[id];
        provider.config = config;
        provider.discoverer = *std::move(made);
        provider.subscribers.insert(set);
        fresh.emplace_back(id, provider.discoverer.get());
      }
    }
    for (auto it = state.providers.begin(); it != state.providers.end();) {
      if (!it->second.subscribers.empty()) {
        ++it;
        continue;
      }
      gone.push_back(std::move(it->second.discoverer));
      it = state.providers.erase(it);
    }
    state.last_send_ns = INT64_MIN / 2;  // a reload does not wait
    state.Changed();
  }
  gone.clear();
  state.services.metrics->failed_configs->With({state.name})->Set(failed);
  for (auto [id, discoverer] : fresh) {
    discoverer->Start([state = state_, id = id](std::vector<TargetGroup> groups) {
      state->Update(id, std::move(groups));
    });
  }
}

void DiscoveryManager::State::Update(uint64_t id, std::vector<TargetGroup> groups) {
  services.metrics->received_updates->With({name})->Increment();
  MutexLock lock(mu);
  const auto provider = providers.find(id);
  if (provider == providers.end()) return;
  for (TargetGroup& group : groups) {
    if (group.targets.empty()) {
      provider->second.groups.erase(group.source);
    } else {
      provider->second.groups[group.source] = std::move(group);
    }
  }
  Changed();
}

void DiscoveryManager::State::Changed() {
  if (scheduled || stopped) return;
  scheduled = true;
  const int64_t at_ns =
      std::max(services.clock->MonotonicNs() + kGatherNs, last_send_ns + min_interval_ns);
  services.scheduler->At(at_ns,
                         [self = shared_from_this()] { self->run([self] { self->Send(); }); });
}

void DiscoveryManager::State::Send() {
  MutexLock sending(send_mu);
  Sets sets;
  {
    MutexLock lock(mu);
    scheduled = false;
    if (stopped) return;
    last_send_ns = services.clock->MonotonicNs();
    sets = Collect();
  }
  services.metrics->sent_updates->With({name})->Increment();
  receiver(sets);
}

DiscoveryManager::Sets DiscoveryManager::State::Collect() {
  Sets sets;
  for (const std::string& set : set_names) sets[set];
  for (const auto& [id, provider] : providers) {
    for (const std::string& set : provider.subscribers) {
      for (const auto& [source, group] : provider.groups) sets[set].push_back(group);
    }
  }
  for (const auto& [set, groups] : sets) {
    size_t targets = 0;
    for (const TargetGroup& group : groups) targets += group.targets.size();
    services.metrics->discovered_targets->With({name, set})->Set(static_cast<double>(targets));
  }
  return sets;
}

void DiscoveryManager::Stop() {
  std::map<uint64_t, Provider> providers;
  {
    MutexLock lock(state_->mu);
    state_->stopped = true;
    providers.swap(state_->providers);
  }
  providers.clear();
  MutexLock wait(state_->send_mu);  // a receiver that is running
}

}  // namespace deucalion::scrape
