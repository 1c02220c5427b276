#include "server/config/web_config.h"

#include <array>

#include "base/file_system.h"
#include "server/config/codecs.h"
#include "server/config/units.h"

namespace deucalion::config {
namespace {

struct TlsVersionName {
  using Value = int;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::string text;
    if (!ReadText(d, node, "string", &text)) return OkStatus();
    static constexpr std::array<std::pair<std::string_view, int>, 4> kVersions{
        {{"TLS10", kTls10}, {"TLS11", kTls11}, {"TLS12", kTls12}, {"TLS13", kTls13}}};
    for (const auto& [name, version] : kVersions) {
      if (name == text) {
        *out = version;
        return OkStatus();
      }
    }
    return d.Refuse(node, "unknown TLS version: " + text);
  }
  static bool Empty(Value) { return false; }
  static YamlValue Print(Value v) { return YamlValue::Text("TLS1" + std::to_string(v - kTls10)); }
};

struct OptionalTexts {
  using Value = std::optional<std::vector<std::string>>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    if (IsNull(node)) return OkStatus();
    return Texts::Read(d, node, &out->emplace());
  }
  static bool Empty(const Value& v) { return !v.has_value(); }
  static YamlValue Print(const Value& v) { return Texts::Print(*v); }
};

// Go's time.Duration in nanoseconds: a text such as "1s", or a bare integer.
struct GoDuration {
  using Value = int64_t;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    if (node.kind == YamlKind::kScalar && ResolveNode(node).type == YamlType::kInt) {
      return Int64::Read(d, node, out);
    }
    std::string text;
    if (!ReadText(d, node, "time.Duration", &text)) return OkStatus();
    const Result<int64_t> parsed = ParseGoDuration(text);
    if (parsed.ok()) {
      *out = *parsed;
    } else {
      d.Mismatch(node, "time.Duration");
    }
    return OkStatus();
  }
  static bool Empty(Value v) { return v == 0; }
  static YamlValue Print(Value v) { return YamlValue::Bare(std::to_string(v)); }
};

const Section<WebTlsConfig>& TlsSection() {
  using T = WebTlsConfig;
  static const Section<T> section{
      "web.TLSConfig",
      {
          Key<Text, &T::cert>("cert"),
          Key<Secret, &T::key>("key"),
          Key<Text, &T::client_ca>("client_ca"),
          Key<Text, &T::cert_file>("cert_file"),
          Key<Text, &T::key_file>("key_file"),
          Key<Text, &T::client_auth_type>("client_auth_type"),
          Key<Text, &T::client_ca_file>("client_ca_file"),
          Key<Texts, &T::cipher_suites>("cipher_suites"),
          Key<Texts, &T::curve_preferences>("curve_preferences"),
          Key<TlsVersionName, &T::min_version>("min_version"),
          Key<TlsVersionName, &T::max_version>("max_version"),
          Key<Bool, &T::prefer_server_cipher_suites>("prefer_server_cipher_suites"),
          Key<OptionalTexts, &T::client_allowed_sans>("client_allowed_sans"),
      }};
  return section;
}

struct HttpNode {
  bool http2 = true;
  std::map<std::string, std::string> headers;
  friend bool operator==(const HttpNode&, const HttpNode&) = default;
};

struct RateNode {
  int64_t burst = 0;
  int64_t interval_ns = 0;
  friend bool operator==(const RateNode&, const RateNode&) = default;
};

struct FileNode {
  WebTlsConfig tls;
  HttpNode http;
  RateNode rate;
  std::map<std::string, std::string> users;
};

const Section<HttpNode>& HttpSection() {
  static const Section<HttpNode> section{"web.HTTPConfig",
                                         {
                                             Key<Bool, &HttpNode::http2>("http2"),
                                             Key<TextMap, &HttpNode::headers>("headers"),
                                         }};
  return section;
}

const Section<RateNode>& RateSection() {
  static const Section<RateNode> section{"web.RateLimiterConfig",
                                         {
                                             Key<Int64, &RateNode::burst>("burst"),
                                             Key<GoDuration, &RateNode::interval_ns>("interval"),
                                         }};
  return section;
}

const Section<FileNode>& FileSection() {
  static const Section<FileNode> section{
      "web.Config",
      {
          Key<Nested<WebTlsConfig, TlsSection>, &FileNode::tls>("tls_server_config"),
          Key<Nested<HttpNode, HttpSection>, &FileNode::http>("http_server_config"),
          Key<Nested<RateNode, RateSection>, &FileNode::rate>("rate_limit"),
          Key<TextMap, &FileNode::users>("basic_auth_users"),
      }};
  return section;
}

// The headers that may be set, and the only values some of them may have.
struct AllowedHeader {
  std::string_view name;
  std::vector<std::string_view> values;
};

Status CheckHeader(const std::string& name, const std::string& value) {
  static const std::vector<AllowedHeader> kAllowed{{"Strict-Transport-Security", {}},
                                                   {"X-Content-Type-Options", {"nosniff"}},
                                                   {"X-Frame-Options", {"deny", "sameorigin"}},
                                                   {"X-XSS-Protection", {}},
                                                   {"Content-Security-Policy", {}}};
  for (const AllowedHeader& header : kAllowed) {
    if (header.name != name) continue;
    if (header.values.empty()) return OkStatus();
    std::string expected;
    for (const std::string_view allowed : header.values) {
      if (allowed == value) return OkStatus();
      expected += (expected.empty() ? "\"" : " \"") + std::string(allowed) + "\"";
    }
    return InvalidArgumentError("invalid value for " + name + ". Expected one of: [" + expected +
                                "], but got: \"" + value + "\"");
  }
  return InvalidArgumentError("HTTP header \"" + name + "\" can not be configured");
}

// What Go's bcrypt.Cost says of a hash.
Status CheckHash(const std::string& hash) {
  constexpr size_t kHashBytes = 60;
  const auto fail = [](std::initializer_list<std::string_view> parts) {
    std::string text = "crypto/bcrypt: ";
    for (const std::string_view part : parts) text.append(part);
    return InvalidArgumentError(std::move(text));
  };
  const std::string_view view = hash;
  if (hash.size() < kHashBytes - 1) {
    return fail({"hashedSecret too short to be a bcrypted password"});
  }
  if (hash[0] != '$') {
    return fail({"bcrypt hashes must start with '$', but hashedSecret started with '",
                 view.substr(0, 1), "'"});
  }
  if (hash[1] > '2') {
    return fail({"bcrypt algorithm version '", view.substr(1, 1),
                 "' requested is newer than current version '2'"});
  }
  const std::string cost_text = hash.substr(hash[2] == '$' ? 3 : 4, 2);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!is_digit(cost_text[0]) || !is_digit(cost_text[1])) {
    return InvalidArgumentError("strconv.Atoi: parsing \"" + cost_text + "\": invalid syntax");
  }
  const int cost = std::stoi(cost_text);
  if (cost < 4 || cost > 31) {
    return fail({"cost ", std::to_string(cost), " is outside allowed range (4,31)"});
  }
  return OkStatus();
}

Status CheckTls(const WebTlsConfig& tls) {
  if (!tls.enabled()) return OkStatus();
  if (tls.cert_file.empty() && tls.cert.empty()) {
    return InvalidArgumentError("missing one of cert or cert_file");
  }
  if (tls.key_file.empty() && tls.key.empty()) {
    return InvalidArgumentError("missing one of key or key_file");
  }
  const std::string& type = tls.client_auth_type;
  const bool none = type.empty() || type == "NoClientCert";
  const bool required = type == "RequireAnyClientCert" || type == "RequireClientCert" ||
                        type == "RequireAndVerifyClientCert";
  const bool optional = type == "RequestClientCert" || type == "VerifyClientCertIfGiven";
  if (!none && !required && !optional) {
    return InvalidArgumentError("invalid ClientAuth: " + type);
  }
  if (none && (!tls.client_ca_file.empty() || !tls.client_ca.empty())) {
    return InvalidArgumentError("client CA's have been configured without a Client Auth Policy");
  }
  if (tls.client_allowed_sans.has_value() && !required) {
    return InvalidArgumentError(
        "client_allowed_sans requires client_auth_type to be one of RequireAnyClientCert or "
        "RequireAndVerifyClientCert");
  }
  return OkStatus();
}

Status CheckAll(const WebConfig& config) {
  for (const auto& [name, value] : config.headers) RETURN_IF_ERROR(CheckHeader(name, value));
  for (const auto& [name, hash] : config.users) RETURN_IF_ERROR(CheckHash(hash));
  return CheckTls(config.tls);
}

void SetDirectory(const std::string& directory, WebTlsConfig* tls) {
  for (std::string* file : {&tls->cert_file, &tls->key_file, &tls->client_ca_file}) {
    if (!file->empty() && (*file)[0] != '/') *file = JoinPath(directory, *file);
  }
}

}  // namespace

bool WebTlsConfig::enabled() const {
  return !cert_file.empty() || !cert.empty() || !key_file.empty() || !key.empty() ||
         !client_ca_file.empty() || !client_ca.empty() || !client_auth_type.empty();
}

Result<WebConfig> ParseWebConfig(const std::string& path, std::string_view text) {
  YamlPosition at;
  Result<YamlDocument> document = YamlDocument::Parse(text, &at);
  if (!document.ok()) return document.TakeStatus().WithContext(FilePosition(path, at));
  Decoder d;
  FileNode file;
  RETURN_IF_ERROR(d.FinishPlain(path, ReadSection(d, document->root(), FileSection(), &file)));
  WebConfig config;
  config.tls = std::move(file.tls);
  config.http2 = file.http.http2;
  config.headers = std::move(file.http.headers);
  config.rate_interval_ns = file.rate.interval_ns;
  config.rate_burst = file.rate.burst;
  config.users = std::move(file.users);
  RETURN_IF_ERROR(CheckAll(config).WithContext(path));
  SetDirectory(DirName(path), &config.tls);
  return config;
}

}  // namespace deucalion::config
