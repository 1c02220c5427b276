// Service discovery of registries: consul, nomad, eureka, marathon, ZooKeeper and the like.
#include "model/value.h"
#include "server/config/go_url.h"
#include "server/config/sd_checks.h"

namespace deucalion::config {
namespace {

constexpr When kAlways = When::kAlways;

constexpr SdField kHttp{"http_config", SdType::kHttp};
constexpr SdField kRefreshMinute{"refresh_interval", SdType::kDuration, "1m", kAlways};
constexpr SdField kPort80{"port", SdType::kInt, "80", kAlways};

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Status CheckConsul(const SdRecord& r) {
  if (IsBlank(r.Get("server"))) {
    return SdError("consul SD configuration requires a server address");
  }
  if ((r.Has("username") || r.Has("password")) && r.http().basic_auth) {
    return SdError(
        "at most one of consul SD configuration username and password and basic auth can be "
        "configured");
  }
  if (r.Has("token") && (r.http().authorization || r.http().oauth2)) {
    return SdError("at most one of consul SD token, authorization, or oauth2 can be configured");
  }
  return OkStatus();
}

const SdSchema kConsul{.kind = "consul",
                       .go_type = "consul.plain",
                       .fields = {{"server", SdType::kText, "localhost:8500"},
                                  {"path_prefix", SdType::kText},
                                  {"token", SdType::kSecret},
                                  {"datacenter", SdType::kText},
                                  {"namespace", SdType::kText},
                                  {"partition", SdType::kText},
                                  {"tag_separator", SdType::kText, ","},
                                  {"scheme", SdType::kText, "http"},
                                  {"username", SdType::kText},
                                  {"password", SdType::kSecret},
                                  {"allow_stale", SdType::kBool, "true", kAlways},
                                  {"refresh_interval", SdType::kDuration, "30s"},
                                  {"services", SdType::kTexts},
                                  {"tags", SdType::kTexts},
                                  {"node_meta", SdType::kTextMap},
                                  {"filter", SdType::kText},
                                  {"health_filter", SdType::kText},
                                  kHttp},
                       .check = CheckConsul};

const SdSchema kNomad{.kind = "nomad",
                      .go_type = "nomad.plain",
                      .fields = {{"allow_stale", SdType::kBool, "true", kAlways},
                                 kHttp,
                                 {"namespace", SdType::kText, "default", kAlways},
                                 kRefreshMinute,
                                 {"region", SdType::kText, "global", kAlways},
                                 {"server", SdType::kText, "http://localhost:4646", kAlways},
                                 {"tag_separator", SdType::kText, ","}},
                      .check = [](const SdRecord& r) {
                        return IsBlank(r.Get("server"))
                                   ? SdError("nomad SD configuration requires a server address")
                                   : OkStatus();
                      }};

Status CheckEureka(const SdRecord& r) {
  if (!r.Has("server")) return SdError("eureka_sd: empty or null eureka server");
  const Result<GoUrl> url = ParseGoUrl(r.Get("server"));
  if (!url.ok()) return url.status();
  if (url->scheme.empty() || url->host.empty()) {
    return SdError("eureka_sd: invalid eureka server URL");
  }
  return OkStatus();
}

const SdSchema kEureka{.kind = "eureka",
                       .go_type = "eureka.plain",
                       .fields = {{"server", SdType::kText},
                                  kHttp,
                                  {"refresh_interval", SdType::kDuration, "30s", kAlways}},
                       .check = CheckEureka};

Status CheckMarathon(const SdRecord& r) {
  if (r.List("servers").empty()) {
    return SdError("marathon_sd: must contain at least one Marathon server");
  }
  const bool token = r.Has("auth_token");
  const bool token_file = r.Has("auth_token_file");
  if (token && token_file) {
    return SdError("marathon_sd: at most one of auth_token & auth_token_file must be configured");
  }
  if (!token && !token_file) return OkStatus();
  const scrape::HttpClientConfig& http = r.http();
  std::string_view others;
  if (http.basic_auth) {
    others = "basic_auth, auth_token & auth_token_file";
  } else if (!http.bearer_token.empty() || !http.bearer_token_file.empty()) {
    others = "bearer_token, bearer_token_file, auth_token & auth_token_file";
  } else if (http.authorization) {
    others = "auth_token, auth_token_file & authorization";
  } else {
    return OkStatus();
  }
  return SdError("marathon_sd: at most one of " + std::string(others) + " must be configured");
}

const SdSchema kMarathon{.kind = "marathon",
                         .go_type = "marathon.plain",
                         .fields = {{"servers", SdType::kTexts},
                                    {"refresh_interval", SdType::kDuration, "30s"},
                                    {"auth_token", SdType::kSecret},
                                    {"auth_token_file", SdType::kFile},
                                    kHttp},
                         .check = CheckMarathon};

Status CheckZooKeeper(const SdRecord& r, const std::string& name) {
  if (r.List("servers").empty()) {
    return SdError(name + " SD config must contain at least one Zookeeper server");
  }
  if (r.List("paths").empty()) {
    return SdError(name + " SD config must contain at least one path");
  }
  for (const std::string& path : r.List("paths")) {
    if (!path.starts_with('/')) {
      return SdError(name + " SD config paths must begin with '/': " + path);
    }
  }
  return OkStatus();
}

const std::vector<SdField>& ZooKeeperFields() {
  static const std::vector<SdField> fields = {{"servers", SdType::kTexts, "", kAlways},
                                              {"paths", SdType::kTexts, "", kAlways},
                                              {"timeout", SdType::kDuration, "10s"}};
  return fields;
}

const SdSchema kServerset{
    .kind = "serverset",
    .go_type = "zookeeper.plain",
    .fields = ZooKeeperFields(),
    .check = [](const SdRecord& r) { return CheckZooKeeper(r, "serverset"); }};

const SdSchema kNerve{.kind = "nerve",
                      .go_type = "zookeeper.plain",
                      .fields = ZooKeeperFields(),
                      .check = [](const SdRecord& r) { return CheckZooKeeper(r, "nerve"); }};

Status CheckTriton(const SdRecord& r) {
  if (r.Get("role") != "container" && r.Get("role") != "cn") {
    return SdError("triton SD configuration requires role to be 'container' or 'cn'");
  }
  return RequireAll(r, {{"account", "triton SD configuration requires an account"},
                        {"dns_suffix", "triton SD configuration requires a dns_suffix"},
                        {"endpoint", "triton SD configuration requires an endpoint"}});
}

const SdSchema kTriton{.kind = "triton",
                       .go_type = "triton.plain",
                       .fields = {{"account", SdType::kText, "", kAlways},
                                  {"role", SdType::kText, "container", kAlways},
                                  {"dns_suffix", SdType::kText, "", kAlways},
                                  {"endpoint", SdType::kText, "", kAlways},
                                  {"groups", SdType::kTexts},
                                  {"port", SdType::kInt, "9163", kAlways},
                                  {"refresh_interval", SdType::kDuration, "1m"},
                                  {"tls_config", SdType::kTls},
                                  {"version", SdType::kInt, "1", kAlways}},
                       .check = CheckTriton};

Status CheckUyuni(const SdRecord& r) {
  RETURN_IF_ERROR(RequireAll(r, {{"server", "Uyuni SD configuration requires server host"}}));
  const Result<GoUrl> url = ParseGoUrl(r.Get("server"));
  if (!url.ok()) {
    return SdError("Uyuni Server URL is not valid: " + std::string(url.status().message()));
  }
  return RequireAll(r, {{"username", "Uyuni SD configuration requires a username"},
                        {"password", "Uyuni SD configuration requires a password"}});
}

const SdSchema kUyuni{.kind = "uyuni",
                      .go_type = "uyuni.plain",
                      .fields = {{"server", SdType::kUrl, "", kAlways},
                                 {"username", SdType::kText, "", kAlways},
                                 {"password", SdType::kSecret, "", kAlways},
                                 kHttp,
                                 {"entitlement", SdType::kText, "monitoring_entitled"},
                                 {"separator", SdType::kText, ","},
                                 {"refresh_interval", SdType::kDuration, "1m"}},
                      .check = CheckUyuni};

const SdSchema kPuppetDb{.kind = "puppetdb",
                         .go_type = "puppetdb.plain",
                         .fields = {kHttp,
                                    kRefreshMinute,
                                    {"url", SdType::kUrl, "", kAlways},
                                    {"query", SdType::kText, "", kAlways},
                                    {"include_parameters", SdType::kBool, "", kAlways},
                                    kPort80},
                         .check = [](const SdRecord& r) {
                           RETURN_IF_ERROR(RequireHttpUrl(r, "url"));
                           return RequireAll(r, {{"query", "query missing"}});
                         }};

Status CheckKuma(const SdRecord& r) {
  const std::string& server = r.Get("server");
  if (server.empty()) return SdError("kuma SD server must not be empty: " + server);
  ASSIGN_OR_RETURN(const GoUrl url, ParseGoUrl(server));
  if (url.scheme.empty() || url.host.empty()) {
    return SdError("kuma SD server must not be empty and have a scheme: " + server);
  }
  return OkStatus();
}

const SdSchema kKuma{.kind = "kuma",
                     .go_type = "xds.plainKumaConf",
                     .fields = {kHttp,
                                {"refresh_interval", SdType::kDuration, "15s"},
                                {"fetch_timeout", SdType::kDuration, "2m"},
                                {"server", SdType::kText},
                                {"client_id", SdType::kText}},
                     .check = CheckKuma};

}  // namespace

std::span<const SdSchema* const> RegistrySdSchemas() {
  static const SdSchema* const all[] = {&kConsul, &kNomad,  &kEureka, &kMarathon, &kServerset,
                                        &kNerve,  &kTriton, &kUyuni,  &kPuppetDb, &kKuma};
  return all;
}

}  // namespace deucalion::config
