// One DNS query at a time, with a deadline, through the servers of resolv.conf. Blocking.
#ifndef DEUCALION_SCRAPE_DISCOVERY_DNS_LOOKUP_H_
#define DEUCALION_SCRAPE_DISCOVERY_DNS_LOOKUP_H_

#include <atomic>
#include <string>
#include <vector>

#include "base/status.h"

namespace deucalion::scrape {

struct DnsRecord {
  std::string host;  // an address for A and AAAA, else the name the record points to
  int port = 0;      // SRV
};

// `type`: A, AAAA, SRV, MX or NS. A name without such records is an empty answer; kUnavailable when
// no server could say. Returns early with kCanceled once *stop is set.
Result<std::vector<DnsRecord>> DnsLookup(const std::string& name, const std::string& type,
                                         const std::atomic<bool>& stop);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_DISCOVERY_DNS_LOOKUP_H_
