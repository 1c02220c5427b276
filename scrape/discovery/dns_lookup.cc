#include "scrape/discovery/dns_lookup.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <mutex>

namespace deucalion::scrape {
namespace {

// How often a wait looks whether it should stop.
constexpr int kPollMs = 100;
// As a stub resolver with its defaults: two tries of five seconds.
constexpr int kTimeoutMs = 5000;
constexpr int kTries = 2;
constexpr int kMaxAddresses = 256;

void InitAresOnce() {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
}

struct Answer {
  int record_type = 0;
  bool done = false;
  int status = ARES_SUCCESS;
  std::vector<DnsRecord> records;
};

template <typename AddrTtl, typename Parse>
int ReadAddresses(const unsigned char* data, int size, int family, Parse parse, Answer* answer) {
  std::array<AddrTtl, kMaxAddresses> addresses{};
  int count = kMaxAddresses;
  const int status = parse(data, size, nullptr, addresses.data(), &count);
  if (status != ARES_SUCCESS) return status;
  for (int i = 0; i < count; ++i) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, &addresses[i], text.data(), text.size());  // the address comes first
    answer->records.push_back({.host = text.data()});
  }
  return status;
}

template <typename Reply, typename Parse, typename Take>
int ReadList(const unsigned char* data, int size, Parse parse, Take take) {
  Reply* list = nullptr;
  const int status = parse(data, size, &list);
  for (Reply* r = list; r != nullptr; r = r->next) take(*r);
  if (list != nullptr) ares_free_data(list);
  return status;
}

int ReadReply(const unsigned char* data, int size, Answer* a) {
  switch (a->record_type) {
    case ns_t_a:
      return ReadAddresses<ares_addrttl>(data, size, AF_INET, ares_parse_a_reply, a);
    case ns_t_aaaa:
      return ReadAddresses<ares_addr6ttl>(data, size, AF_INET6, ares_parse_aaaa_reply, a);
    case ns_t_srv:
      return ReadList<ares_srv_reply>(data, size, ares_parse_srv_reply, [a](const auto& r) {
        a->records.push_back({.host = r.host, .port = r.port});
      });
    case ns_t_mx:
      return ReadList<ares_mx_reply>(data, size, ares_parse_mx_reply, [a](const auto& r) {
        a->records.push_back({.host = r.host});
      });
    default: {
      hostent* host = nullptr;
      const int status = ares_parse_ns_reply(data, size, &host);
      if (status != ARES_SUCCESS) return status;
      for (char** name = host->h_aliases; *name != nullptr; ++name) {
        a->records.push_back({.host = *name});
      }
      ares_free_hostent(host);
      return status;
    }
  }
}

void OnAnswer(void* arg, int status, int, unsigned char* data, int size) {
  auto* a = static_cast<Answer*>(arg);
  a->done = true;
  a->status = status == ARES_SUCCESS ? ReadReply(data, size, a) : status;
}

int RecordType(const std::string& type) {
  if (type == "A") return ns_t_a;
  if (type == "AAAA") return ns_t_aaaa;
  if (type == "MX") return ns_t_mx;
  if (type == "NS") return ns_t_ns;
  return ns_t_srv;
}

// Moves the query on until it is answered or `stop` is set.
void Drive(ares_channel channel, const Answer& answer, const std::atomic<bool>& stop) {
  while (!answer.done && !stop) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const int bits = ares_getsock(channel, sockets.data(), sockets.size());
    std::array<pollfd, ARES_GETSOCK_MAXNUM> fds{};
    nfds_t n = 0;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      short events = 0;
      if (ARES_GETSOCK_READABLE(bits, i)) events |= POLLIN;
      if (ARES_GETSOCK_WRITABLE(bits, i)) events |= POLLOUT;
      if (events != 0) fds[n++] = {sockets[i], events, 0};
    }
    poll(fds.data(), n, kPollMs);
    bool any = false;
    for (nfds_t i = 0; i < n; ++i) {
      if (fds[i].revents == 0) continue;
      any = true;
      ares_process_fd(channel, fds[i].revents & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
                      fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
    }
    if (!any) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // time-outs
  }
}

}  // namespace

Result<std::vector<DnsRecord>> DnsLookup(const std::string& name, const std::string& type,
                                         const std::atomic<bool>& stop) {
  InitAresOnce();
  ares_options options{};
  options.timeout = kTimeoutMs;
  options.tries = kTries;
  ares_channel channel = nullptr;
  const int rc = ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (rc != ARES_SUCCESS) {
    return UnavailableError(std::string("could not load resolv.conf: ") + ares_strerror(rc));
  }
  Answer answer{.record_type = RecordType(type)};
  // Like a stub resolver: the search list applies to names without a final dot.
  ares_search(channel, name.c_str(), ns_c_in, answer.record_type, &OnAnswer, &answer);
  Drive(channel, answer, stop);
  const bool answered = answer.done;
  ares_destroy(channel);  // ends a pending query through OnAnswer
  if (!answered) return CanceledError("canceled");
  switch (answer.status) {
    case ARES_SUCCESS:
      return std::move(answer.records);
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
      return std::vector<DnsRecord>();
    default:
      return UnavailableError("could not resolve " + name + ": " + ares_strerror(answer.status));
  }
}

}  // namespace deucalion::scrape
