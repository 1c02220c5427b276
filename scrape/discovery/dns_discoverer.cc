// DNS discovery: one group per name, from SRV, A, AAAA, MX or NS records, looked up every refresh
// interval on a thread of its own. A name whose look-up fails keeps its last targets.
#include <pthread.h>

#include <atomic>
#include <thread>

#include "base/thread_annotations.h"
#include "scrape/discovery/discoverer.h"
#include "scrape/discovery/dns_lookup.h"

namespace deucalion::scrape {
namespace {

class DnsDiscoverer final : public Discoverer {
 public:
  DnsDiscoverer(DnsSdConfig config, std::string set_name, const DiscoveryServices& services)
      : config_(std::move(config)), set_name_(std::move(set_name)), services_(services) {}

  ~DnsDiscoverer() override {
    {
      MutexLock lock(mu_);
      stop_ = true;
    }
    wake_.NotifyAll();
    if (thread_.joinable()) thread_.join();
  }

  void Start(UpdateSink sink) override {
    sink_ = std::move(sink);
    thread_ = std::thread([this] { Run(); });
  }

 private:
  void Run() {
    pthread_setname_np(pthread_self(), "dns-discovery");
    while (!stop_) {
      const int64_t begin_ns = Clock::Real()->MonotonicNs();
      for (const std::string& name : config_.names) {
        if (stop_) return;
        RefreshName(name);
      }
      services_.metrics->refresh_duration->With({"dns", set_name_})
          ->Observe(static_cast<double>(Clock::Real()->MonotonicNs() - begin_ns) / 1e9);
      const int64_t end_ns = begin_ns + config_.refresh_interval_ms * 1'000'000;
      MutexLock lock(mu_);
      while (!stop_) {
        const int64_t left_ns = end_ns - Clock::Real()->MonotonicNs();
        if (left_ns <= 0) break;
        wake_.WaitFor(mu_, std::chrono::nanoseconds(left_ns));
      }
    }
  }

  void RefreshName(const std::string& name) {
    services_.metrics->dns_lookups->Increment();
    const Result<std::vector<DnsRecord>> records = DnsLookup(name, config_.type, stop_);
    if (!records.ok()) {
      if (stop_) return;
      services_.metrics->dns_lookup_failures->Increment();
      services_.metrics->refresh_failures->With({"dns", set_name_})->Increment();
      services_.log->Error("Error refreshing DNS targets",
                           {{"config", set_name_}, {"err", records.status()}});
      return;
    }
    TargetGroup group{.source = name};
    for (const DnsRecord& record : *records) group.targets.push_back(TargetOf(name, record));
    sink_({std::move(group)});
  }

  LabelMap TargetOf(const std::string& name, const DnsRecord& record) const {
    const int port = config_.type == "SRV" ? record.port : config_.port;
    const bool ipv6 = record.host.find(':') != std::string::npos;
    LabelMap labels{
        {"__address__",
         (ipv6 ? "[" + record.host + "]" : record.host) + ":" + std::to_string(port)},
        {"__meta_dns_name", name},
    };
    // Names as records hold them: with the final dot.
    const std::string target = record.host + ".";
    if (config_.type == "SRV") {
      labels["__meta_dns_srv_record_target"] = target;
      labels["__meta_dns_srv_record_port"] = std::to_string(record.port);
    } else if (config_.type == "MX") {
      labels["__meta_dns_mx_record_target"] = target;
    } else if (config_.type == "NS") {
      labels["__meta_dns_ns_record_target"] = target;
    }
    return labels;
  }

  const DnsSdConfig config_;
  const std::string set_name_;
  const DiscoveryServices services_;
  UpdateSink sink_;
  std::atomic<bool> stop_{false};
  Mutex mu_;
  CondVar wake_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Discoverer> NewDnsDiscoverer(const DnsSdConfig& config, const std::string& set_name,
                                             const DiscoveryServices& services) {
  return std::make_unique<DnsDiscoverer>(config, set_name, services);
}

}  // namespace deucalion::scrape
