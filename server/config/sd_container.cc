// Service discovery of containers: kubernetes, docker and dockerswarm.
#include <algorithm>
#include <set>

#include "model/value.h"
#include "server/config/go_url.h"
#include "server/config/sd_checks.h"

namespace deucalion::config {
namespace {

constexpr When kAlways = When::kAlways;

constexpr SdField kHttp{"http_config", SdType::kHttp};

const SdSchema kNamespaces{.kind = "namespaces",
                           .go_type = "kubernetes.plain",
                           .fields = {{"own_namespace", SdType::kBool, "", kAlways},
                                      {"names", SdType::kTexts, "", kAlways}}};

const SdSchema kSelector{
    .kind = "selector",
    .go_type = "kubernetes.SelectorConfig",
    .fields = {{"role", SdType::kText}, {"label", SdType::kText}, {"field", SdType::kText}}};

const SdSchema kAttachMetadata{
    .kind = "attach_metadata",
    .go_type = "kubernetes.plain",
    .fields = {{"node", SdType::kBool, "", kAlways}, {"namespace", SdType::kBool, "", kAlways}}};

bool IsRole(std::string_view role) {
  return role == "node" || role == "pod" || role == "service" || role == "endpoints" ||
         role == "endpointslice" || role == "ingress";
}

Status UnknownRole(std::string_view role) {
  return SdError("unknown Kubernetes SD role " + GoQuote(role));
}

std::vector<std::string_view> AllowedSelectors(const SdRecord& r) {
  const std::string& role = r.Get("role");
  if (role == "endpoints" || role == "endpointslice") return {"pod", "service", role};
  const auto& attach = r.Groups("attach_metadata");
  if (role == "pod" && !attach.empty() && attach[0].IsTrue("node")) return {"pod", "node"};
  return {role};
}

// A field selector as Kubernetes reads it: terms a=b, a==b and a!=b between commas. A backslash
// keeps a comma or an equals sign inside a value.
Status CheckFieldSelector(const std::string& text) {
  std::string term;
  const auto check = [&]() -> Status {
    // An escaped character stands for itself, so only a bare '=' divides the term.
    if (term.empty() || term.find('=') != std::string::npos) return OkStatus();
    return SdError("invalid selector: '" + text + "'; can't understand '" + term + "'");
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      term += '_';
    } else if (text[i] == ',') {
      RETURN_IF_ERROR(check());
      term.clear();
    } else {
      term += text[i];
    }
  }
  return check();
}

Status CheckSelectors(const SdRecord& r) {
  const std::vector<std::string_view> allowed = AllowedSelectors(r);
  std::set<std::string> seen;
  for (const SdRecord& selector : r.Groups("selectors")) {
    const std::string& role = selector.Get("role");
    if (!IsRole(role)) return UnknownRole(role);
    if (!seen.insert(role).second) return SdError("duplicated selector role: " + role);
    if (std::ranges::find(allowed, role) != allowed.end()) {
      RETURN_IF_ERROR(CheckFieldSelector(selector.Get("field")));
      continue;
    }
    std::string list;
    for (const std::string_view one : allowed) {
      list += (list.empty() ? "" : ", ") + std::string(one);
    }
    return SdError(r.Get("role") + " role supports only " + list + " selectors");
  }
  return OkStatus();
}

Status CheckKubernetes(const SdRecord& r) {
  const std::string& role = r.Get("role");
  if (role.empty()) {
    return SdError("role missing (one of: pod, service, endpoints, endpointslice, node, ingress)");
  }
  if (!IsRole(role)) return UnknownRole(role);
  const bool api_server = r.Has("api_server");
  const bool kubeconfig = r.Has("kubeconfig_file");
  const bool custom_http = !(r.http() == scrape::HttpClientConfig());
  if (api_server && kubeconfig) {
    return SdError("cannot use 'kubeconfig_file' and 'api_server' simultaneously");
  }
  if (kubeconfig && custom_http) {
    return SdError("cannot use a custom HTTP client configuration together with 'kubeconfig_file'");
  }
  if (!api_server && custom_http) {
    return SdError(
        "to use custom HTTP client configuration please provide the 'api_server' URL explicitly");
  }
  const auto& namespaces = r.Groups("namespaces");
  const bool own = !namespaces.empty() && namespaces[0].IsTrue("own_namespace");
  if (own && api_server) {
    return SdError("cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
  }
  if (own && kubeconfig) {
    return SdError("cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously");
  }
  return CheckSelectors(r);
}

const SdSchema kKubernetes{
    .kind = "kubernetes",
    .go_type = "kubernetes.plain",
    .fields = {{"api_server", SdType::kUrl},
               {"role", SdType::kText, "", kAlways},
               {"kubeconfig_file", SdType::kFile, "", kAlways},
               kHttp,
               {"namespaces", SdType::kGroup, "", When::kNotEmpty, &kNamespaces},
               {"selectors", SdType::kGroups, "", When::kNotEmpty, &kSelector},
               {"attach_metadata", SdType::kGroup, "", When::kNotEmpty, &kAttachMetadata}},
    .check = CheckKubernetes};

const SdSchema kFilter{
    .kind = "filter",
    .go_type = "moby.Filter",
    .fields = {{"name", SdType::kText, "", kAlways}, {"values", SdType::kTexts, "", kAlways}}};

Status CheckHost(const SdRecord& r) {
  if (!r.Has("host")) return SdError("host missing");
  const Result<GoUrl> url = ParseGoUrl(r.Get("host"));
  return url.ok() ? OkStatus() : url.status();
}

Status CheckSwarm(const SdRecord& r) {
  RETURN_IF_ERROR(CheckHost(r));
  const std::string& role = r.Get("role");
  if (role.empty()) return SdError("role missing (one of: tasks, services, nodes)");
  if (role == "services" || role == "nodes" || role == "tasks") return OkStatus();
  return SdError("invalid role " + role + ", expected tasks, services, or nodes");
}

const SdSchema kDocker{.kind = "docker",
                       .go_type = "moby.plain",
                       .fields = {kHttp,
                                  {"host", SdType::kText, "", kAlways},
                                  {"port", SdType::kInt, "80", kAlways},
                                  {"filters", SdType::kGroups, "", kAlways, &kFilter},
                                  {"host_networking_host", SdType::kText, "localhost", kAlways},
                                  {"refresh_interval", SdType::kDuration, "1m", kAlways},
                                  {"match_first_network", SdType::kBool, "true", kAlways}},
                       .check = CheckHost};

const SdSchema kDockerSwarm{.kind = "dockerswarm",
                            .go_type = "moby.plain",
                            .fields = {kHttp,
                                       {"host", SdType::kText, "", kAlways},
                                       {"role", SdType::kText, "", kAlways},
                                       {"port", SdType::kInt, "80", kAlways},
                                       {"filters", SdType::kGroups, "", kAlways, &kFilter},
                                       {"refresh_interval", SdType::kDuration, "1m", kAlways}},
                            .check = CheckSwarm};

}  // namespace

std::span<const SdSchema* const> ContainerSdSchemas() {
  static const SdSchema* const all[] = {&kKubernetes, &kDocker, &kDockerSwarm};
  return all;
}

}  // namespace deucalion::config
