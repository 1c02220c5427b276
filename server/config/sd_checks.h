// Shorthands for the checks of service discovery sections.
#ifndef DEUCALION_SERVER_CONFIG_SD_CHECKS_H_
#define DEUCALION_SERVER_CONFIG_SD_CHECKS_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "server/config/sd_schema.h"

namespace deucalion::config {

// A field that must be set, and what is said when it is not.
struct SdRequired {
  std::string_view name;
  std::string_view message;
};
Status RequireAll(const SdRecord& record, std::initializer_list<SdRequired> fields);

// `message` followed by the quoted value when it is set but none of `choices`.
Status RequireChoice(const SdRecord& record, std::string_view name,
                     std::initializer_list<std::string_view> choices, std::string_view message);

// An absolute http or https URL with a host, as puppetdb and http demand.
Status RequireHttpUrl(const SdRecord& record, std::string_view name);

inline Status SdError(std::string message) { return InvalidArgumentError(std::move(message)); }

// By file: the schemas each contributes.
std::span<const SdSchema* const> CloudSdSchemas();
std::span<const SdSchema* const> AwsSdSchemas();
std::span<const SdSchema* const> RegistrySdSchemas();
std::span<const SdSchema* const> ContainerSdSchemas();

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_SD_CHECKS_H_
