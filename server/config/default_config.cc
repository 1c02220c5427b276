#include "server/config/default_config.h"

namespace deucalion::config {
namespace {

// Where to reach a server that listens on `address`: localhost when it listens everywhere.
std::string OwnTarget(std::string_view address) {
  const size_t colon = address.rfind(':');
  const std::string_view host = address.substr(0, colon == std::string_view::npos ? 0 : colon);
  const std::string_view port =
      colon == std::string_view::npos ? std::string_view("9090") : address.substr(colon + 1);
  const bool anywhere = host.empty() || host == "0.0.0.0" || host == "[::]" || host == "*";
  return std::string(anywhere ? "localhost" : host) + ":" + std::string(port);
}

std::string Job(std::string_view name, std::string_view target) {
  return "- job_name: " + std::string(name) + "\n  static_configs:\n  - targets: ['" +
         std::string(target) + "']\n";
}

}  // namespace

std::string DefaultConfigText(std::string_view listen_address, bool node_exporter) {
  std::string text =
      "global:\n  scrape_interval: 15s\n  evaluation_interval: 15s\nscrape_configs:\n";
  text += Job("deucalion", OwnTarget(listen_address));
  if (node_exporter) text += Job("node", "localhost:9100");
  return text;
}

}  // namespace deucalion::config
