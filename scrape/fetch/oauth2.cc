#include "scrape/fetch/oauth2.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/file_system.h"

namespace deucalion::scrape {
namespace {

// A token is renewed this long before it expires, as golang.org/x/oauth2 does.
constexpr int64_t kExpiryMarginSeconds = 10;
// Lifetime of a JWT assertion, and of tokens whose server does not say.
constexpr int64_t kAssertionSeconds = 3600;
constexpr uint64_t kMaxTokenResponseBytes = 1 << 20;

using Json = nlohmann::json;

struct FreePkey {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
struct FreeMdCtx {
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
};
struct FreeBio {
  void operator()(BIO* p) const { BIO_free(p); }
};

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& p : parts) out += (out.empty() ? "" : " ") + p;
  return out;
}

void AddField(std::string* form, std::string_view name, std::string_view value) {
  if (!form->empty()) form->push_back('&');
  *form += QueryEscape(name) + "=" + QueryEscape(value);
}

std::string RandomId() {
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), bytes.size());
  return Base64(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), true);
}

Result<std::string> SignRsa(const std::string& key_pem, const EVP_MD* digest,
                            const std::string& text) {
  std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  std::unique_ptr<EVP_PKEY, FreePkey> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA) {
    return InvalidArgumentError("invalid oauth2 client certificate key: not an RSA private key");
  }
  std::unique_ptr<EVP_MD_CTX, FreeMdCtx> ctx(EVP_MD_CTX_new());
  size_t size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  if (EVP_DigestSignInit(ctx.get(), nullptr, digest, nullptr, key.get()) != 1 ||
      EVP_DigestSign(ctx.get(), nullptr, &size, data, text.size()) != 1) {
    return InternalError("cannot sign the oauth2 assertion");
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(ctx.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                     text.size()) != 1) {
    return InternalError("cannot sign the oauth2 assertion");
  }
  signature.resize(size);
  return signature;
}

Result<std::string> MakeAssertion(const OAuth2& c, int64_t now_s) {
  std::string key = c.client_certificate_key;
  if (!c.client_certificate_key_file.empty()) {
    ASSIGN_OR_RETURN(key, ReadSecretFile(c.client_certificate_key_file));
  }
  const std::string algorithm = c.signature_algorithm.empty() ? "RS256" : c.signature_algorithm;
  const EVP_MD* digest = algorithm == "RS512"   ? EVP_sha512()
                         : algorithm == "RS384" ? EVP_sha384()
                                                : EVP_sha256();
  Json header = {{"alg", algorithm}, {"typ", "JWT"}};
  if (!c.client_certificate_key_id.empty()) header["kid"] = c.client_certificate_key_id;
  Json claims = {{"iss", c.iss.empty() ? c.client_id : c.iss},
                 {"aud", c.audience.empty() ? c.token_url : c.audience},
                 {"jti", RandomId()},
                 {"iat", now_s},
                 {"exp", now_s + kAssertionSeconds}};
  if (!c.client_id.empty()) claims["sub"] = c.client_id;
  if (!c.scopes.empty()) claims["scope"] = Join(c.scopes);
  for (const auto& [name, value] : c.claims) claims[name] = value;
  const std::string text = Base64(header.dump(), true) + "." + Base64(claims.dump(), true);
  ASSIGN_OR_RETURN(const std::string signature, SignRsa(key, digest, text));
  return text + "." + Base64(signature, true);
}

}  // namespace

std::string Base64(std::string_view bytes, bool url_safe) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');
  // EVP_EncodeBlock writes a NUL behind the text: where std::string has its own.
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  out.resize(n);
  if (!url_safe) return out;
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (out.ends_with('=')) out.pop_back();
  return out;
}

Result<std::string> ReadSecretFile(const std::string& path) {
  Result<std::string> text = FileSystem::Posix()->ReadFile(path);
  if (!text.ok()) {
    return Status(text.status().code(),
                  "unable to read file " + path + ": " + text.status().message());
  }
  const size_t begin = text->find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return std::string();
  return text->substr(begin, text->find_last_not_of(" \t\r\n") - begin + 1);
}

void OAuth2TokenSource::Get(int64_t timeout_ms, Done done) {
  std::string token;
  bool fetch = false;
  {
    MutexLock lock(mu_);
    if (!token_.empty() && clock_->MonotonicNs() < expires_ns_) {
      token = token_;
    } else {
      fetch = waiting_.empty();
      waiting_.push_back(std::move(done));
    }
  }
  if (!token.empty()) {
    done(std::move(token));
  } else if (fetch) {
    Fetch(timeout_ms, CredentialsIn::kHeader);
  }
}

void OAuth2TokenSource::Fetch(int64_t timeout_ms, CredentialsIn where) {
  Result<HttpRequest> request = MakeRequest(where);
  if (!request.ok()) {
    Settle(request.status(), 0);
    return;
  }
  request->timeout_ms = timeout_ms;
  http_->Send(*std::move(request),
              [self = shared_from_this(), timeout_ms, where](Result<HttpResponse> response) {
                self->OnResponse(std::move(response), timeout_ms, where);
              });
}

Result<HttpRequest> OAuth2TokenSource::MakeRequest(CredentialsIn where) const {
  HttpRequest request{
      .method = "POST", .url = config_.token_url, .max_body_bytes = kMaxTokenResponseBytes};
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  std::string form;
  for (const auto& [name, value] : config_.endpoint_params) AddField(&form, name, value);
  if (config_.grant_type == OAuth2::kJwtBearer) {
    ASSIGN_OR_RETURN(const std::string assertion, MakeAssertion(config_, clock_->NowMs() / 1000));
    AddField(&form, "grant_type", OAuth2::kJwtBearer);
    AddField(&form, "assertion", assertion);
    request.body = std::move(form);
    return request;
  }
  std::string secret = config_.client_secret;
  if (!config_.client_secret_file.empty()) {
    Result<std::string> text = ReadSecretFile(config_.client_secret_file);
    if (!text.ok()) return text.status().WithContext("unable to read oauth2 client secret");
    secret = *std::move(text);
  }
  AddField(&form, "grant_type", "client_credentials");
  if (!config_.scopes.empty()) AddField(&form, "scope", Join(config_.scopes));
  if (where == CredentialsIn::kHeader) {
    request.headers.emplace_back("Authorization", "Basic " + Base64(QueryEscape(config_.client_id) +
                                                                    ":" + QueryEscape(secret)));
  } else {
    AddField(&form, "client_id", config_.client_id);
    AddField(&form, "client_secret", secret);
  }
  request.body = std::move(form);
  return request;
}

void OAuth2TokenSource::OnResponse(Result<HttpResponse> response, int64_t timeout_ms,
                                   CredentialsIn where) {
  if (!response.ok()) {
    Settle(response.status(), 0);
    return;
  }
  if (response->status < 200 || response->status > 299) {
    if (where == CredentialsIn::kHeader && config_.grant_type != OAuth2::kJwtBearer) {
      Fetch(timeout_ms, CredentialsIn::kBody);
      return;
    }
    Settle(UnavailableError("oauth2: cannot fetch token: " + response->status_line +
                            "\nResponse: " + response->body),
           0);
    return;
  }
  const Json json = Json::parse(response->body, nullptr, /*allow_exceptions=*/false);
  const bool has_token = json.is_object() && json.contains("access_token") &&
                         json["access_token"].is_string() &&
                         !json["access_token"].get_ref<const std::string&>().empty();
  if (!has_token) {
    Settle(UnavailableError("oauth2: server response missing access_token"), 0);
    return;
  }
  std::string type = "Bearer";
  if (json.contains("token_type") && json["token_type"].is_string()) {
    const std::string given = json["token_type"].get<std::string>();
    if (!given.empty() && given != "bearer") type = given;
  }
  int64_t expires_in_s = kAssertionSeconds;
  if (json.contains("expires_in") && json["expires_in"].is_number()) {
    expires_in_s = std::clamp<int64_t>(json["expires_in"].get<int64_t>(), 0, 365 * 86400);
  }
  Settle(type + " " + json["access_token"].get<std::string>(), expires_in_s);
}

void OAuth2TokenSource::Settle(Result<std::string> token, int64_t expires_in_s) {
  std::vector<Done> waiting;
  {
    MutexLock lock(mu_);
    waiting.swap(waiting_);
    if (token.ok()) {
      token_ = *token;
      expires_ns_ = clock_->MonotonicNs() + (expires_in_s - kExpiryMarginSeconds) * 1'000'000'000;
    }
  }
  for (Done& done : waiting) done(token);
}

}  // namespace deucalion::scrape
