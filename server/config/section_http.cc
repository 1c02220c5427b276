// basic_auth, authorization, oauth2, tls_config, proxies and headers: how outgoing requests are
// made.
#include "server/config/sections.h"

namespace deucalion::config {
namespace {

using scrape::Authorization;
using scrape::BasicAuth;
using scrape::HttpClientConfig;
using scrape::HttpHeader;
using scrape::OAuth2;
using scrape::ProxyConfig;
using scrape::TlsConfig;

struct TlsVersionCodec {
  using Value = scrape::TlsVersion;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::string text;
    if (!ReadText(d, node, "string", &text)) return OkStatus();
    Result<Value> version = scrape::ParseTlsVersion(text);
    if (!version.ok()) return d.Refuse(node, version.TakeStatus());
    *out = *version;
    return OkStatus();
  }
  static bool Empty(Value v) { return v == Value::kUnset; }
  static YamlValue Print(Value v) { return YamlValue::Text(scrape::TlsVersionText(v)); }
};

// Keys that name a secret in a secret manager, which neither Prometheus's binary nor this one has.
template <typename S>
Field<S> SecretReference(std::string_view name, bool print_empty = false) {
  return Field<S>{name,
                  [](Decoder& d, const YamlNode& node, S*) {
                    std::string text;
                    if (!ReadText(d, node, "string", &text) || text.empty()) return OkStatus();
                    return d.Refuse(
                        node, "secret references are not supported: there is no secret manager");
                  },
                  [print_empty](const S&) {
                    return print_empty ? std::optional(YamlValue::Text("")) : std::nullopt;
                  }};
}

const Section<BasicAuth>& BasicAuthSection() {
  static const Section<BasicAuth> section{
      "config.plain",
      {
          Key<Text, &BasicAuth::username>("username", When::kAlways),
          Key<Text, &BasicAuth::username_file>("username_file"),
          SecretReference<BasicAuth>("username_ref"),
          Key<Secret, &BasicAuth::password>("password"),
          Key<Text, &BasicAuth::password_file>("password_file"),
          SecretReference<BasicAuth>("password_ref"),
      }};
  return section;
}

const Section<Authorization>& AuthorizationSection() {
  static const Section<Authorization> section{
      "config.Authorization",
      {
          Key<Text, &Authorization::type>("type"),
          Key<Secret, &Authorization::credentials>("credentials"),
          Key<Text, &Authorization::credentials_file>("credentials_file"),
          SecretReference<Authorization>("credentials_ref"),
      }};
  return section;
}

const std::vector<Field<ProxyConfig>>& ProxyFields() {
  static const std::vector<Field<ProxyConfig>> fields = {
      Key<Url, &ProxyConfig::proxy_url>("proxy_url"),
      Key<Text, &ProxyConfig::no_proxy>("no_proxy"),
      Key<Bool, &ProxyConfig::proxy_from_environment>("proxy_from_environment"),
      Key<SecretsMap, &ProxyConfig::proxy_connect_header>("proxy_connect_header"),
  };
  return fields;
}

const Section<OAuth2>& OAuth2Section() {
  static const Section<OAuth2> section{
      "config.plain",
      WithInline<&OAuth2::proxy>(
          {
              Key<Text, &OAuth2::client_id>("client_id", When::kAlways),
              Key<Secret, &OAuth2::client_secret>("client_secret", When::kAlways),
              Key<Text, &OAuth2::client_secret_file>("client_secret_file", When::kAlways),
              SecretReference<OAuth2>("client_secret_ref", true),
              Key<Text, &OAuth2::client_certificate_key_id>("client_certificate_key_id"),
              Key<Secret, &OAuth2::client_certificate_key>("client_certificate_key"),
              Key<Text, &OAuth2::client_certificate_key_file>("client_certificate_key_file"),
              SecretReference<OAuth2>("client_certificate_key_ref"),
              Key<Text, &OAuth2::grant_type>("grant_type"),
              Key<Text, &OAuth2::signature_algorithm>("signature_algorithm"),
              Key<Text, &OAuth2::iss>("iss"),
              Key<Text, &OAuth2::audience>("audience"),
              Key<TextMap, &OAuth2::claims>("claims"),
              Key<Texts, &OAuth2::scopes>("scopes"),
              Key<Text, &OAuth2::token_url>("token_url", When::kAlways),
              Key<TextMap, &OAuth2::endpoint_params>("endpoint_params"),
              Key<Nested<TlsConfig, TlsSection>, &OAuth2::tls_config>("tls_config"),
          },
          ProxyFields())};
  return section;
}

const Section<HttpHeader>& HeaderSection() {
  static const Section<HttpHeader> section{"config.Header",
                                           {
                                               Key<Texts, &HttpHeader::values>("values"),
                                               Key<SecretTexts, &HttpHeader::secrets>("secrets"),
                                               Key<Texts, &HttpHeader::files>("files"),
                                           }};
  return section;
}

struct Headers {
  using Value = std::map<std::string, HttpHeader>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    out->clear();
    if (IsNull(node)) return OkStatus();
    if (node.kind != YamlKind::kMap) {
      d.Mismatch(node, "config.Headers");
      return OkStatus();
    }
    for (const YamlPair& pair : MapPairs(node)) {
      const auto [entry, fresh] = out->try_emplace(pair.key->value);
      if (!fresh) {
        d.DuplicateKey(*pair.key);
        continue;
      }
      RETURN_IF_ERROR(ReadSection(d, *pair.value, HeaderSection(), &entry->second));
    }
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v) {
    YamlValue map = YamlValue::Map();
    for (const auto& [name, header] : v) map.Add(name, PrintSection(HeaderSection(), header));
    return map;
  }
};

}  // namespace

const Section<TlsConfig>& TlsSection() {
  static const Section<TlsConfig> section{
      "config.plain",
      {
          Key<Text, &TlsConfig::ca>("ca"),
          Key<Text, &TlsConfig::cert>("cert"),
          Key<Secret, &TlsConfig::key>("key"),
          Key<Text, &TlsConfig::ca_file>("ca_file"),
          Key<Text, &TlsConfig::cert_file>("cert_file"),
          Key<Text, &TlsConfig::key_file>("key_file"),
          SecretReference<TlsConfig>("ca_ref"),
          SecretReference<TlsConfig>("cert_ref"),
          SecretReference<TlsConfig>("key_ref"),
          Key<Text, &TlsConfig::server_name>("server_name"),
          Key<Bool, &TlsConfig::insecure_skip_verify>("insecure_skip_verify", When::kAlways),
          Key<TlsVersionCodec, &TlsConfig::min_version>("min_version"),
          Key<TlsVersionCodec, &TlsConfig::max_version>("max_version"),
      },
      [](TlsConfig* tls) { return tls->Validate(); }};
  return section;
}

const std::vector<Field<HttpClientConfig>>& HttpClientFields() {
  using H = HttpClientConfig;
  static const std::vector<Field<H>> fields = WithInline<&H::proxy>(
      {
          Key<OptionalNested<BasicAuth, BasicAuthSection>, &H::basic_auth>("basic_auth"),
          Key<OptionalNested<Authorization, AuthorizationSection>, &H::authorization>(
              "authorization"),
          Key<OptionalNested<OAuth2, OAuth2Section>, &H::oauth2>("oauth2"),
          Key<Secret, &H::bearer_token>("bearer_token"),
          Key<Text, &H::bearer_token_file>("bearer_token_file"),
          Key<Nested<TlsConfig, TlsSection>, &H::tls_config>("tls_config"),
          Key<Bool, &H::follow_redirects>("follow_redirects", When::kAlways),
          Key<Bool, &H::enable_http2>("enable_http2", When::kAlways),
      },
      ProxyFields(), {Key<Headers, &H::http_headers>("http_headers")});
  return fields;
}

}  // namespace deucalion::config
