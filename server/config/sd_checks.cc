#include "server/config/sd_checks.h"

#include <algorithm>

#include "model/value.h"
#include "server/config/go_url.h"

namespace deucalion::config {

Status RequireAll(const SdRecord& record, std::initializer_list<SdRequired> fields) {
  for (const SdRequired& field : fields) {
    if (!record.Has(field.name)) return SdError(std::string(field.message));
  }
  return OkStatus();
}

Status RequireChoice(const SdRecord& record, std::string_view name,
                     std::initializer_list<std::string_view> choices, std::string_view message) {
  const std::string& value = record.Get(name);
  if (value.empty() || std::ranges::find(choices, value) != choices.end()) return OkStatus();
  return SdError(std::string(message) + " " + GoQuote(value));
}

Status RequireHttpUrl(const SdRecord& record, std::string_view name) {
  if (!record.Has(name)) return SdError("URL is missing");
  ASSIGN_OR_RETURN(const GoUrl url, ParseGoUrl(record.Get(name)));
  if (url.scheme != "http" && url.scheme != "https") {
    return SdError("URL scheme must be 'http' or 'https'");
  }
  if (url.host.empty()) return SdError("host is missing in URL");
  return OkStatus();
}

std::span<const SdSchema* const> SdSchemas() {
  static const std::vector<const SdSchema*> all = [] {
    std::vector<const SdSchema*> list;
    for (const auto part :
         {CloudSdSchemas(), AwsSdSchemas(), RegistrySdSchemas(), ContainerSdSchemas()}) {
      list.insert(list.end(), part.begin(), part.end());
    }
    std::ranges::sort(list, {}, &SdSchema::kind);
    return list;
  }();
  return all;
}

}  // namespace deucalion::config
