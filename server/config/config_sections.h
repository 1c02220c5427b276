// The sections of the top level of the configuration file.
#ifndef DEUCALION_SERVER_CONFIG_CONFIG_SECTIONS_H_
#define DEUCALION_SERVER_CONFIG_CONFIG_SECTIONS_H_

#include "server/config/config.h"
#include "server/config/sections.h"

namespace deucalion::config {

const Section<GlobalConfig>& GlobalSection();
const Section<AlertingConfig>& AlertingSection();
const Section<RemoteWriteConfig>& RemoteWriteSection();
const Section<RemoteReadConfig>& RemoteReadSection();
const Section<SigV4Config>& SigV4Section();
const Section<StorageConfig>& StorageSection();
const Section<TracingConfig>& TracingSection();
const Section<OtlpConfig>& OtlpSection();

// Custom headers of remote endpoints and of tracing. `authorization_message` is what is said of an
// authorization header.
Status ValidateHeaders(const std::map<std::string, std::string>& headers,
                       std::string_view authorization_message);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_CONFIG_SECTIONS_H_
