#include "server/api/global_url.h"

#include <algorithm>

namespace deucalion::api {
namespace {

struct HostPort {
  std::string_view host;  // without brackets
  std::string_view port;  // may be empty
};

HostPort Split(std::string_view text) {
  const size_t bracket = text.rfind(']');
  const size_t colon = text.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  std::string_view host = has_port ? text.substr(0, colon) : text;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, has_port ? text.substr(colon + 1) : std::string_view()};
}

}  // namespace

std::string GlobalUrl(std::string_view url, std::string_view external_scheme,
                      std::string_view external_host, std::string_view own_port) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return std::string(url);
  const size_t host_begin = scheme_end + 3;
  const size_t host_end = std::min(url.find('/', host_begin), url.size());
  const HostPort target = Split(url.substr(host_begin, host_end - host_begin));
  if (target.host != "localhost" && target.host != "127.0.0.1" && target.host != "::1") {
    return std::string(url);
  }
  const std::string_view rest = url.substr(host_end);
  if (target.port == own_port) {
    return std::string(external_scheme) + "://" + std::string(external_host) + std::string(rest);
  }
  std::string host(Split(external_host).host);
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  std::string out(url.substr(0, host_begin));
  out += host;
  if (!target.port.empty()) out += ":" + std::string(target.port);
  return out + std::string(rest);
}

}  // namespace deucalion::api
