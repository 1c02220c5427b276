// The configuration that applies when there is neither --config.file nor ./prometheus.yml: the
// server scrapes itself, and a node_exporter on this machine if one answers.
#ifndef DEUCALION_SERVER_CONFIG_DEFAULT_CONFIG_H_
#define DEUCALION_SERVER_CONFIG_DEFAULT_CONFIG_H_

#include <string>
#include <string_view>

namespace deucalion::config {

// `listen_address` is the server's own (--web.listen-address).
std::string DefaultConfigText(std::string_view listen_address, bool node_exporter);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_DEFAULT_CONFIG_H_
