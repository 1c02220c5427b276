// The HttpClient that an HttpClientConfig describes: adds credentials and headers, reading their
// files anew for each request, and hands the transfer to the engine.
#include "base/file_system.h"
#include "model/value.h"
#include "scrape/fetch/curl_engine.h"
#include "scrape/fetch/oauth2.h"

namespace deucalion::scrape {
namespace {

Result<std::string> TextOrFile(const std::string& text, const std::string& file,
                               std::string_view what) {
  if (file.empty()) return text;
  Result<std::string> read = ReadSecretFile(file);
  if (!read.ok()) return read.status().WithContext("unable to read " + std::string(what));
  return read;
}

Status CheckReadable(const std::string& file, std::string_view what) {
  if (file.empty()) return OkStatus();
  Result<std::string> text = ReadSecretFile(file);
  return text.ok() ? OkStatus() : text.status().WithContext("unable to read " + std::string(what));
}

class ConfiguredClient final : public HttpClient {
 public:
  ConfiguredClient(CurlEngine* engine, const HttpClientConfig& config,
                   std::shared_ptr<OAuth2TokenSource> tokens)
      : engine_(engine),
        config_(config),
        tokens_(std::move(tokens)),
        settings_(std::make_shared<TransferSettings>(
            TransferSettings{.tls = config.tls_config,
                             .proxy = config.proxy,
                             .follow_redirects = config.follow_redirects,
                             .http2 = config.enable_http2})) {}

  void Send(HttpRequest request, Done done) override {
    if (Status s = AddHeaders(&request); !s.ok()) {
      std::string method = request.method == "GET" ? "Get " : "Post ";
      done(Status(s.code(), method + GoQuote(request.url) + ": " + s.message()));
      return;
    }
    if (tokens_ == nullptr) {
      Start(engine_, std::move(request), settings_, std::move(done));
      return;
    }
    const int64_t timeout_ms = request.timeout_ms;
    // Nothing of this object: it may be gone when the token comes.
    tokens_->Get(timeout_ms, [engine = engine_, settings = settings_,
                              request = std::make_shared<HttpRequest>(std::move(request)),
                              done = std::move(done)](Result<std::string> token) {
      if (!token.ok()) {
        done(Status(token.status().code(),
                    "Get " + GoQuote(request->url) + ": " + token.status().message()));
        return;
      }
      request->headers.emplace_back("Authorization", *token);
      Start(engine, std::move(*request), settings, done);
    });
  }

 private:
  static void Start(CurlEngine* engine, HttpRequest request,
                    std::shared_ptr<const TransferSettings> settings, Done done) {
    engine->Start(
        std::make_unique<CurlTransfer>(std::move(request), std::move(settings), std::move(done)));
  }

  Status AddHeaders(HttpRequest* request) const {
    if (config_.basic_auth) {
      const BasicAuth& a = *config_.basic_auth;
      ASSIGN_OR_RETURN(const std::string user,
                       TextOrFile(a.username, a.username_file, "basic auth username"));
      ASSIGN_OR_RETURN(const std::string password,
                       TextOrFile(a.password, a.password_file, "basic auth password"));
      request->headers.emplace_back("Authorization", "Basic " + Base64(user + ":" + password));
    } else if (config_.authorization) {
      const Authorization& a = *config_.authorization;
      ASSIGN_OR_RETURN(const std::string credentials,
                       TextOrFile(a.credentials, a.credentials_file, "authorization credentials"));
      request->headers.emplace_back("Authorization", a.type + " " + credentials);
    }
    for (const auto& [name, header] : config_.http_headers) {
      for (const std::string& v : header.values) request->headers.emplace_back(name, v);
      for (const std::string& v : header.secrets) request->headers.emplace_back(name, v);
      for (const std::string& file : header.files) {
        Result<std::string> text = ReadSecretFile(file);
        if (!text.ok()) return text.status().WithContext("unable to read headers file " + file);
        request->headers.emplace_back(name, *std::move(text));
      }
    }
    return OkStatus();
  }

  CurlEngine* const engine_;
  const HttpClientConfig config_;
  const std::shared_ptr<OAuth2TokenSource> tokens_;
  const std::shared_ptr<const TransferSettings> settings_;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> CurlEngine::NewClient(const HttpClientConfig& config) {
  const TlsConfig& tls = config.tls_config;
  RETURN_IF_ERROR(CheckReadable(tls.ca_file, "CA cert"));
  RETURN_IF_ERROR(CheckReadable(tls.cert_file, "specified client cert"));
  RETURN_IF_ERROR(CheckReadable(tls.key_file, "specified client key"));
  std::shared_ptr<OAuth2TokenSource> tokens;
  if (config.oauth2) {
    HttpClientConfig token_config;
    token_config.tls_config = config.oauth2->tls_config;
    token_config.proxy = config.oauth2->proxy;
    ASSIGN_OR_RETURN(auto token_client, NewClient(token_config));
    tokens =
        std::make_shared<OAuth2TokenSource>(*config.oauth2, std::move(token_client), Clock::Real());
  }
  return std::unique_ptr<HttpClient>(
      std::make_unique<ConfiguredClient>(this, config, std::move(tokens)));
}

}  // namespace deucalion::scrape
