#include "server/remote/auth/google_token.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "scrape/fetch/oauth2.h"

namespace deucalion::remote {
namespace {

using Json = nlohmann::json;
using TokenFetch = Renewed<std::string>::Fetch;
using FetchDone = std::function<void(Result<Fresh<std::string>>)>;

constexpr const char* kScope = "https://www.googleapis.com/auth/monitoring.write";
constexpr const char* kTokenUrl = "https://oauth2.googleapis.com/token";
constexpr const char* kMetadataHost = "169.254.169.254";
// The metadata server hands out the same token until five minutes before its end, so asking earlier
// than that is idle. Of short lives it is half.
constexpr int64_t kMarginMs = 225'000;

std::string Text(const Json& json, const char* name) {
  const auto it = json.find(name);
  return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::string TokenUrl(const Json& file) {
  const std::string url = Text(file, "token_uri");
  return url.empty() ? kTokenUrl : url;
}

void Ask(scrape::HttpClient* client, scrape::HttpRequest request, const Clock* clock,
         const char* context, FetchDone done) {
  const auto deliver = [asked = scrape::HttpRequest{.method = request.method, .url = request.url},
                        clock, context,
                        done = std::move(done)](const Result<scrape::HttpResponse>& response) {
    const int64_t now_ms = clock->NowMs();
    Status status = CheckAnswer(asked, response);
    if (status.ok()) {
      Result<AccessToken> token = ParseToken(response->body, now_ms);
      if (token.ok()) {
        const int64_t expires_ms = now_ms + token->lifetime_ms;
        return done(
            Fresh<std::string>{.value = "Bearer " + token->text,
                               .renew_ms = expires_ms - std::min(kMarginMs, token->lifetime_ms / 2),
                               .expires_ms = expires_ms});
      }
      status = token.TakeStatus();
    }
    done(status.WithContext(context));
  };
  client->Send(std::move(request), deliver);
}

Authorization Kept(TokenFetch fetch, const Clock* clock) {
  const auto token = std::make_shared<Renewed<std::string>>(std::move(fetch), clock);
  return [token](Renewed<std::string>::Done done) { token->Get(std::move(done)); };
}

// A token for an assertion that is signed with the account's key.
Result<Authorization> OfServiceAccount(const Json& file, const AuthParts& parts) {
  constexpr int64_t kTimeoutMs = 10'000;
  scrape::OAuth2 config;
  config.grant_type = scrape::OAuth2::kJwtBearer;
  config.iss = Text(file, "client_email");
  config.client_certificate_key = Text(file, "private_key");
  config.client_certificate_key_id = Text(file, "private_key_id");
  config.scopes = {kScope};
  config.token_url = TokenUrl(file);
  if (config.iss.empty() || config.client_certificate_key.empty()) {
    return InvalidArgumentError(
        "error parsing Google credentials file: client_email or private_key is missing");
  }
  scrape::HttpClientConfig http;
  http.proxy.proxy_from_environment = true;
  ASSIGN_OR_RETURN(auto client, parts.engine->NewClient(http));
  const auto source =
      std::make_shared<scrape::OAuth2TokenSource>(config, std::move(client), parts.clock);
  return Authorization(
      [source](scrape::OAuth2TokenSource::Done done) { source->Get(kTimeoutMs, std::move(done)); });
}

// A token for the refresh token of a person.
Result<Authorization> OfUser(const Json& file, const AuthParts& parts) {
  ASSIGN_OR_RETURN(auto client, FarClient(parts.engine));
  return Kept(
      [client, clock = parts.clock, url = TokenUrl(file), id = Text(file, "client_id"),
       secret = Text(file, "client_secret"),
       refresh = Text(file, "refresh_token")](FetchDone done) {
        Ask(client.get(),
            FormRequest(url, {{"client_id", id},
                              {"client_secret", secret},
                              {"grant_type", "refresh_token"},
                              {"refresh_token", refresh}}),
            clock, "oauth2: cannot fetch token", std::move(done));
      },
      parts.clock);
}

Result<Authorization> OfMachine(const AuthParts& parts) {
  ASSIGN_OR_RETURN(auto client, NearClient(parts.engine));
  std::string host = parts.surroundings.environment("GCE_METADATA_HOST");
  if (host.empty()) host = kMetadataHost;
  const std::string url = "http://" + host +
                          "/computeMetadata/v1/instance/service-accounts/default/token?" +
                          EncodeForm({{"scopes", kScope}});
  return Kept(
      [client, clock = parts.clock, url](FetchDone done) {
        Ask(client.get(), MetadataRequest(url, {{"Metadata-Flavor", "Google"}}), clock,
            "google: could not find default credentials", std::move(done));
      },
      parts.clock);
}

Result<GoogleIdentity> OfFile(const std::string& text, const AuthParts& parts) {
  const Json file = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!file.is_object()) {
    return InvalidArgumentError("error parsing Google credentials file: it is no JSON object");
  }
  GoogleIdentity identity{.token = nullptr, .quota_project = Text(file, "quota_project_id")};
  const std::string type = Text(file, "type");
  if (type == "service_account") {
    ASSIGN_OR_RETURN(identity.token, OfServiceAccount(file, parts));
  } else if (type == "authorized_user") {
    ASSIGN_OR_RETURN(identity.token, OfUser(file, parts));
  } else if (type == "external_account" || type == "external_account_authorized_user" ||
             type == "impersonated_service_account") {
    return UnimplementedError("google_iam: credentials of type \"" + type +
                              "\" are not supported yet");
  } else {
    return InvalidArgumentError(
        "error parsing Google credentials file: unknown credential type: \"" + type + "\"");
  }
  return identity;
}

}  // namespace

Result<GoogleIdentity> FindGoogleIdentity(const config::GoogleIamConfig& config,
                                          const AuthParts& parts) {
  const auto& [environment, file] = parts.surroundings;
  GoogleIdentity identity;
  std::string path = config.credentials_file;
  if (path.empty()) path = environment("GOOGLE_APPLICATION_CREDENTIALS");
  if (!path.empty()) {
    const auto text = file(path);
    if (!text) {
      return InvalidArgumentError("error reading Google credentials file: unable to read " + path);
    }
    ASSIGN_OR_RETURN(identity, OfFile(*text, parts));
  } else if (const auto text = file(environment("HOME") +
                                    "/.config/gcloud/application_default_credentials.json")) {
    ASSIGN_OR_RETURN(identity, OfFile(*text, parts));
  } else {
    ASSIGN_OR_RETURN(identity.token, OfMachine(parts));
  }
  const std::string project = environment("GOOGLE_CLOUD_QUOTA_PROJECT");
  if (!project.empty()) identity.quota_project = project;
  return identity;
}

}  // namespace deucalion::remote
