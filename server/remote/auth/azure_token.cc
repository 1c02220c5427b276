#include "server/remote/auth/azure_token.h"

#include <string>
#include <utility>

namespace deucalion::remote {
namespace {

using TokenFetch = Renewed<std::string>::Fetch;
using FetchDone = std::function<void(Result<Fresh<std::string>>)>;

// What a cloud calls itself.
struct Cloud {
  std::string_view name;
  std::string_view authority;
  std::string_view scope;
};
constexpr Cloud kClouds[] = {
    {"AzurePublic", "https://login.microsoftonline.com/", "https://monitor.azure.com//.default"},
    {"AzureChina", "https://login.chinacloudapi.cn/", "https://monitor.azure.cn//.default"},
    {"AzureGovernment", "https://login.microsoftonline.us/", "https://monitor.azure.us//.default"},
};

const Cloud& CloudOf(std::string_view name) {
  for (const Cloud& cloud : kClouds) {
    if (cloud.name == name) return cloud;
  }
  return kClouds[0];  // the configuration has been checked
}

// Asks and takes the answer apart.
void Ask(scrape::HttpClient* client, scrape::HttpRequest request, const Clock* clock,
         FetchDone done) {
  const auto deliver = [asked = scrape::HttpRequest{.method = request.method, .url = request.url},
                        clock, done = std::move(done)](Result<scrape::HttpResponse> response) {
    const int64_t now_ms = clock->NowMs();
    Status status = CheckAnswer(asked, response);
    if (status.ok()) {
      Result<AccessToken> token = ParseToken(response->body, now_ms);
      if (token.ok()) {
        return done(Fresh<std::string>{.value = "Bearer " + token->text,
                                       .renew_ms = now_ms + token->lifetime_ms / 2,
                                       .expires_ms = now_ms + token->lifetime_ms});
      }
      status = token.TakeStatus();
    }
    done(Status(status.code(), "Failed to get access token: " + status.message()));
  };
  client->Send(std::move(request), deliver);
}

class AzureTokens {
 public:
  AzureTokens(const config::AzureAdConfig& config, const AuthParts& parts)
      : parts_(parts),
        authority_(parts.azure_authority.empty() ? CloudOf(config.cloud).authority
                                                 : std::string_view(parts.azure_authority)),
        scope_(config.scope.empty() ? CloudOf(config.cloud).scope
                                    : std::string_view(config.scope)) {}

  Result<TokenFetch> ForSecret(std::string tenant, std::string client_id,
                               std::string secret) const {
    ASSIGN_OR_RETURN(auto client, FarClient(parts_.engine));
    return TokenFetch([client, clock = parts_.clock, url = TokenUrl(tenant), scope = scope_,
                       client_id = std::move(client_id),
                       secret = std::move(secret)](FetchDone done) {
      Ask(client.get(),
          FormRequest(url, {{"client_id", client_id},
                            {"client_secret", secret},
                            {"grant_type", "client_credentials"},
                            {"scope", scope}}),
          clock, std::move(done));
    });
  }

  Result<TokenFetch> ForAssertion(std::string tenant, std::string client_id,
                                  std::string path) const {
    ASSIGN_OR_RETURN(auto client, FarClient(parts_.engine));
    return TokenFetch([client, clock = parts_.clock, url = TokenUrl(tenant), scope = scope_,
                       file = parts_.surroundings.file, client_id = std::move(client_id),
                       path = std::move(path)](FetchDone done) {
      // Anew each time: it is exchanged before it expires.
      const std::optional<std::string> assertion = file(path);
      if (!assertion) {
        return done(UnavailableError("Failed to get access token: unable to read file " + path));
      }
      Ask(client.get(),
          FormRequest(url, {{"client_assertion", *assertion},
                            {"client_assertion_type",
                             "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
                            {"client_id", client_id},
                            {"grant_type", "client_credentials"},
                            {"scope", scope}}),
          clock, std::move(done));
    });
  }

  Result<TokenFetch> OfMachine(const std::string& client_id) const {
    ASSIGN_OR_RETURN(auto client, NearClient(parts_.engine));
    ASSIGN_OR_RETURN(scrape::HttpRequest request, MachineRequest(client_id));
    return TokenFetch([client, clock = parts_.clock, request](FetchDone done) {
      Ask(client.get(), request, clock, std::move(done));
    });
  }

  Result<TokenFetch> OfEnvironment(const std::string& tenant_of_entry) const {
    const std::string client_id = Env("AZURE_CLIENT_ID"), tenant = Env("AZURE_TENANT_ID"),
                      secret = Env("AZURE_CLIENT_SECRET"),
                      assertion = Env("AZURE_FEDERATED_TOKEN_FILE");
    if (!tenant.empty() && !client_id.empty() && !secret.empty()) {
      return ForSecret(tenant, client_id, secret);
    }
    const std::string own_tenant = tenant_of_entry.empty() ? tenant : tenant_of_entry;
    if (!assertion.empty() && !client_id.empty() && !own_tenant.empty()) {
      return ForAssertion(own_tenant, client_id, assertion);
    }
    return OfMachine(client_id);
  }

 private:
  std::string Env(const char* name) const { return parts_.surroundings.environment(name); }

  std::string TokenUrl(const std::string& tenant) const {
    const bool slash = authority_.ends_with('/');
    return authority_ + (slash ? "" : "/") + tenant + "/oauth2/v2.0/token";
  }

  Result<scrape::HttpRequest> MachineRequest(const std::string& client_id) const {
    // A metadata server is told the resource, not the scope.
    std::string resource = scope_;
    constexpr std::string_view kDefault = "/.default";
    if (resource.ends_with(kDefault)) resource.resize(resource.size() - kDefault.size());
    const std::string endpoint = Env("IDENTITY_ENDPOINT"), header = Env("IDENTITY_HEADER");
    const bool app_service = !endpoint.empty() && !header.empty();
    if (app_service && !Env("IDENTITY_SERVER_THUMBPRINT").empty()) {
      return UnimplementedError("azuread: identities of Service Fabric are not supported yet");
    }
    if (!app_service && !endpoint.empty() && !Env("IMDS_ENDPOINT").empty()) {
      return UnimplementedError("azuread: identities of Azure Arc are not supported yet");
    }
    Form form = {{"api-version", app_service ? "2019-08-01" : "2018-02-01"},
                 {"resource", resource}};
    if (!client_id.empty()) form.emplace_back("client_id", client_id);
    if (app_service) {
      return MetadataRequest(endpoint + "?" + EncodeForm(form), {{"X-IDENTITY-HEADER", header}});
    }
    std::string host = Env("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    if (host.empty()) host = "http://169.254.169.254";
    return MetadataRequest(host + "/metadata/identity/oauth2/token?" + EncodeForm(form),
                           {{"Metadata", "true"}});
  }

  const AuthParts& parts_;
  const std::string authority_;
  const std::string scope_;
};

Result<TokenFetch> NewFetch(const config::AzureAdConfig& config, const AuthParts& parts) {
  const AzureTokens tokens(config, parts);
  if (config.oauth) {
    return tokens.ForSecret(config.oauth->tenant_id, config.oauth->client_id,
                            config.oauth->client_secret);
  }
  if (config.workload_identity) {
    return tokens.ForAssertion(config.workload_identity->tenant_id,
                               config.workload_identity->client_id,
                               config.workload_identity->token_file_path);
  }
  if (config.sdk) return tokens.OfEnvironment(config.sdk->tenant_id);
  return tokens.OfMachine(config.managed_identity ? config.managed_identity->client_id : "");
}

}  // namespace

Result<Authorization> NewAzureToken(const config::AzureAdConfig& config, const AuthParts& parts) {
  ASSIGN_OR_RETURN(TokenFetch fetch, NewFetch(config, parts));
  const auto token = std::make_shared<Renewed<std::string>>(std::move(fetch), parts.clock);
  return Authorization([token](Renewed<std::string>::Done done) { token->Get(std::move(done)); });
}

}  // namespace deucalion::remote
