// Service discovery of cloud providers other than AWS.
#include "model/value.h"
#include "server/config/go_url.h"
#include "server/config/sd_checks.h"

namespace deucalion::config {
namespace {

constexpr When kAlways = When::kAlways;

constexpr SdField kHttp{"http_config", SdType::kHttp};
constexpr SdField kRefreshMinute{"refresh_interval", SdType::kDuration, "1m", kAlways};
constexpr SdField kPort80{"port", SdType::kInt, "80", kAlways};

Status CheckAzure(const SdRecord& r) {
  const auto require = [&r](std::string_view name) {
    return r.Has(name) ? OkStatus()
                       : SdError("azure SD configuration requires a " + std::string(name));
  };
  RETURN_IF_ERROR(require("subscription_id"));
  const std::string& method = r.Get("authentication_method");
  if (method == "OAuth") {
    RETURN_IF_ERROR(require("tenant_id"));
    RETURN_IF_ERROR(require("client_id"));
    return require("client_secret");
  }
  if (method != "ManagedIdentity" && method != "SDK" && method != "WorkloadIdentity") {
    return SdError("unknown authentication_type " + GoQuote(method) +
                   ". Supported types are \"OAuth\", \"ManagedIdentity\", \"SDK\" or "
                   "\"WorkloadIdentity\"");
  }
  return OkStatus();
}

const SdSchema kAzure{.kind = "azure",
                      .go_type = "azure.plain",
                      .fields = {{"environment", SdType::kText, "AzurePublicCloud"},
                                 kPort80,
                                 {"subscription_id", SdType::kText, "", kAlways},
                                 {"tenant_id", SdType::kText},
                                 {"client_id", SdType::kText},
                                 {"client_secret", SdType::kSecret},
                                 {"refresh_interval", SdType::kDuration, "5m"},
                                 {"authentication_method", SdType::kText, "OAuth"},
                                 {"resource_group", SdType::kText},
                                 kHttp},
                      .check = CheckAzure};

const SdSchema kGce{.kind = "gce",
                    .go_type = "gce.plain",
                    .fields = {{"project", SdType::kText, "", kAlways},
                               {"zone", SdType::kText, "", kAlways},
                               {"filter", SdType::kText},
                               {"refresh_interval", SdType::kDuration, "1m"},
                               kPort80,
                               {"tag_separator", SdType::kText, ","}},
                    .check = [](const SdRecord& r) {
                      return RequireAll(r, {{"project", "GCE SD configuration requires a project"},
                                            {"zone", "GCE SD configuration requires a zone"}});
                    }};

Status CheckOci(const SdRecord& r) {
  RETURN_IF_ERROR(RequireAll(r, {{"region", "oci_sd: region is required"}}));
  const std::string& auth = r.Get("auth");
  if (auth == "api_key") {
    RETURN_IF_ERROR(RequireAll(r, {{"tenancy", "oci_sd: auth api_key requires tenancy"},
                                   {"user", "oci_sd: auth api_key requires user"},
                                   {"fingerprint", "oci_sd: auth api_key requires fingerprint"},
                                   {"key_file", "oci_sd: auth api_key requires key_file"}}));
    if (r.Has("key_passphrase") && r.Has("key_passphrase_file")) {
      return SdError("oci_sd: at most one of key_passphrase and key_passphrase_file must be set");
    }
  } else if (auth == "instance_principal") {
    for (const std::string_view name :
         {"tenancy", "user", "fingerprint", "key_file", "key_passphrase", "key_passphrase_file"}) {
      if (r.Has(name)) {
        return SdError("oci_sd: auth instance_principal must not have " + std::string(name));
      }
    }
  } else {
    return SdError("oci_sd: unknown auth method " + GoQuote(auth));
  }
  const std::vector<std::string>& compartments = r.List("compartments");
  for (size_t i = 0; i < compartments.size(); ++i) {
    if (compartments[i].empty()) {
      return SdError("oci_sd: compartments[" + std::to_string(i) + "] must not be empty");
    }
  }
  if (r.Get("refresh_interval") == "0s")
    return SdError("oci_sd: refresh_interval must be positive");
  return OkStatus();
}

const SdSchema kOci{.kind = "oci",
                    .go_type = "oci.plain",
                    .fields = {{"auth", SdType::kText, "api_key"},
                               {"region", SdType::kText, "", kAlways},
                               {"tenancy", SdType::kText},
                               {"user", SdType::kText},
                               {"fingerprint", SdType::kText},
                               {"key_file", SdType::kFile},
                               {"key_passphrase", SdType::kSecret},
                               {"key_passphrase_file", SdType::kFile},
                               {"compartments", SdType::kTexts},
                               kPort80,
                               {"refresh_interval", SdType::kDuration, "1m"},
                               kHttp},
                    .check = CheckOci};

Status CheckOpenStack(const SdRecord& r) {
  RETURN_IF_ERROR(RequireChoice(r, "role", {"hypervisor", "instance", "loadbalancer"},
                                "unknown OpenStack SD role"));
  const std::string& availability = r.Get("availability");
  if (availability != "public" && availability != "internal" && availability != "admin") {
    return SdError("unknown availability " + availability +
                   ", must be one of admin, internal or public");
  }
  return RequireAll(r, {{"role", "role missing (one of: instance, hypervisor, loadbalancer)"},
                        {"region", "openstack SD configuration requires a region"}});
}

const SdSchema kOpenStack{
    .kind = "openstack",
    .go_type = "openstack.plain",
    .fields = {{"identity_endpoint", SdType::kText, "", kAlways},
               {"username", SdType::kText, "", kAlways},
               {"userid", SdType::kText, "", kAlways},
               {"password", SdType::kSecret, "", kAlways},
               {"project_name", SdType::kText, "", kAlways},
               {"project_id", SdType::kText, "", kAlways},
               {"domain_name", SdType::kText, "", kAlways},
               {"domain_id", SdType::kText, "", kAlways},
               {"application_credential_name", SdType::kText, "", kAlways},
               {"application_credential_id", SdType::kText, "", kAlways},
               {"application_credential_secret", SdType::kSecret, "", kAlways},
               {"role", SdType::kText, "", kAlways},
               {"region", SdType::kText, "", kAlways},
               {"refresh_interval", SdType::kDuration, "1m"},
               kPort80,
               {"all_tenants", SdType::kBool},
               {"tls_config", SdType::kTls},
               {"availability", SdType::kText, "public"}},
    .check = CheckOpenStack};

const SdSchema kDigitalOcean{
    .kind = "digitalocean",
    .go_type = "digitalocean.plain",
    .fields = {kHttp, kRefreshMinute, kPort80, {"role", SdType::kText}},
    .check = [](const SdRecord& r) {
      return RequireChoice(r, "role", {"droplets", "databases"}, "unknown DigitalOcean SD role");
    }};

const SdSchema kHetzner{
    .kind = "hetzner",
    .go_type = "hetzner.plain",
    .fields = {kHttp,
               kRefreshMinute,
               kPort80,
               {"role", SdType::kText, "", kAlways},
               {"label_selector", SdType::kText}},
    .check = [](const SdRecord& r) {
      RETURN_IF_ERROR(RequireAll(r, {{"role", "role missing (one of: robot, hcloud)"}}));
      return RequireChoice(r, "role", {"robot", "hcloud"}, "unknown role");
    }};

const SdSchema kLinode{.kind = "linode",
                       .go_type = "linode.plain",
                       .fields = {kHttp,
                                  kRefreshMinute,
                                  kPort80,
                                  {"tag_separator", SdType::kText, ","},
                                  {"region", SdType::kText}}};

const SdSchema kVultr{
    .kind = "vultr", .go_type = "vultr.plain", .fields = {kHttp, kRefreshMinute, kPort80}};

Status CheckScaleway(const SdRecord& r) {
  RETURN_IF_ERROR(RequireChoice(r, "role", {"instance", "baremetal"}, "unknown role"));
  RETURN_IF_ERROR(RequireAll(r, {{"role", "role missing (one of: instance, baremetal)"},
                                 {"project_id", "project_id is mandatory"}}));
  if (!r.Has("secret_key") && !r.Has("secret_key_file")) {
    return SdError("one of secret_key & secret_key_file must be configured");
  }
  if (r.Has("secret_key") && r.Has("secret_key_file")) {
    return SdError("at most one of secret_key & secret_key_file must be configured");
  }
  return RequireAll(r, {{"access_key", "access_key is mandatory"}});
}

const SdSchema kScaleway{.kind = "scaleway",
                         .go_type = "scaleway.plain",
                         .fields = {{"project_id", SdType::kText, "", kAlways},
                                    {"api_url", SdType::kText, "https://api.scaleway.com", kAlways},
                                    {"zone", SdType::kText, "fr-par-1", kAlways},
                                    {"access_key", SdType::kText, "", kAlways},
                                    {"secret_key", SdType::kSecret, "", kAlways},
                                    {"secret_key_file", SdType::kFile, "", kAlways},
                                    {"name_filter", SdType::kText},
                                    {"tags_filter", SdType::kTexts},
                                    kHttp,
                                    kRefreshMinute,
                                    kPort80,
                                    {"role", SdType::kText, "", kAlways}},
                         .check = CheckScaleway};

const SdSchema kOvhcloud{
    .kind = "ovhcloud",
    .go_type = "ovhcloud.plain",
    .fields = {{"endpoint", SdType::kText, "ovh-eu", kAlways},
               {"application_key", SdType::kText, "", kAlways},
               {"application_secret", SdType::kSecret, "", kAlways},
               {"consumer_key", SdType::kSecret, "", kAlways},
               kRefreshMinute,
               {"service", SdType::kText, "", kAlways}},
    .check = [](const SdRecord& r) {
      RETURN_IF_ERROR(RequireAll(r, {{"endpoint", "endpoint can not be empty"},
                                     {"application_key", "application key can not be empty"},
                                     {"application_secret", "application secret can not be empty"},
                                     {"consumer_key", "consumer key can not be empty"}}));
      const std::string& service = r.Get("service");
      if (service == "vps" || service == "dedicated_server") return OkStatus();
      return SdError("unknown service: " + service);
    }};

const SdSchema kIonos{
    .kind = "ionos",
    .go_type = "ionos.plain",
    .fields = {{"datacenter_id", SdType::kText, "", kAlways}, kHttp, kRefreshMinute, kPort80},
    .check = [](const SdRecord& r) {
      return RequireAll(r, {{"datacenter_id", "datacenter id can't be empty"}});
    }};

Status CheckStackit(const SdRecord& r) {
  if (!r.Has("endpoint") && !r.Has("region")) {
    return SdError("stackit_sd: endpoint and region missing");
  }
  const Result<GoUrl> url = ParseGoUrl(r.Get("endpoint"));
  if (url.ok()) return OkStatus();
  return SdError("stackit_sd: invalid endpoint " + GoQuote(r.Get("endpoint")) + ": " +
                 std::string(url.status().message()));
}

const SdSchema kStackit{.kind = "stackit",
                        .go_type = "stackit.plain",
                        .fields = {kHttp,
                                   {"project", SdType::kText, "", kAlways},
                                   {"refresh_interval", SdType::kDuration, "1m"},
                                   {"port", SdType::kInt, "80"},
                                   {"region", SdType::kText, "eu01"},
                                   {"endpoint", SdType::kText},
                                   {"service_account_key", SdType::kSecret},
                                   {"private_key", SdType::kSecret},
                                   {"service_account_key_path", SdType::kText},
                                   {"private_key_path", SdType::kText},
                                   {"credentials_file_path", SdType::kText}},
                        .check = CheckStackit};

const SdSchema kOutscale{
    .kind = "outscale",
    .go_type = "outscale.plain",
    .fields = {{"endpoint", SdType::kText},
               {"region", SdType::kText, "eu-west-2", kAlways},
               {"access_key", SdType::kText, "", kAlways},
               {"secret_key", SdType::kSecret, "", kAlways},
               {"refresh_interval", SdType::kDuration, "1m"},
               kPort80,
               kHttp},
    .check = [](const SdRecord& r) {
      return RequireAll(
          r, {{"region", "outscale SD configuration requires a region"},
              {"access_key", "outscale SD configuration requires access_key and secret_key"},
              {"secret_key", "outscale SD configuration requires access_key and secret_key"}});
    }};

}  // namespace

std::span<const SdSchema* const> CloudSdSchemas() {
  static const SdSchema* const all[] = {
      &kAzure, &kGce,      &kOci,      &kOpenStack, &kDigitalOcean, &kHetzner, &kLinode,
      &kVultr, &kScaleway, &kOvhcloud, &kIonos,     &kStackit,      &kOutscale};
  return all;
}

}  // namespace deucalion::config
