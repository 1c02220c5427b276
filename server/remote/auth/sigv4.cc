#include "server/remote/auth/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "server/config/go_url.h"
#include "server/remote/hex.h"

namespace deucalion::remote {
namespace {

std::string Sha256(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

std::string HmacSha256(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

// RFC 3986: everything but unreserved characters, and slashes where they may stay.
std::string Escape(std::string_view text, bool keep_slash) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '~' || (c == '/' && keep_slash);
    if (plain) {
      out += c;
    } else {
      char buffer[4];
      std::snprintf(buffer, sizeof(buffer), "%%%02X", static_cast<unsigned char>(c));
      out += buffer;
    }
  }
  return out;
}

// Parameters sorted, each with a value. They are escaped already.
std::string CanonicalQuery(std::string_view query) {
  std::vector<std::string> pairs;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    pairs.push_back(std::string(pair) + (pair.find('=') == std::string_view::npos ? "=" : ""));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const std::string& pair : pairs) out += (out.empty() ? "" : "&") + pair;
  return out;
}

// 20150830T123600Z
std::string AmzDate(int64_t now_ms) {
  const time_t seconds = static_cast<time_t>(now_ms / 1000);
  std::tm t{};
  gmtime_r(&seconds, &t);
  char buffer[32];
  const size_t n = std::strftime(buffer, sizeof(buffer), "%Y%m%dT%H%M%SZ", &t);
  return std::string(buffer, n);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> SignAws(const SignedRequest& request,
                                                         const AwsKeys& keys, const AwsScope& scope,
                                                         int64_t now_ms) {
  const std::string time = AmzDate(now_ms);
  const std::string date = time.substr(0, 8);
  // Sorted by name.
  std::vector<std::pair<std::string, std::string>> fields;
  if (!request.content_type.empty()) fields.emplace_back("content-type", request.content_type);
  fields.emplace_back("host", request.host);
  fields.emplace_back("x-amz-date", time);
  if (!keys.session_token.empty()) {
    fields.emplace_back("x-amz-security-token", keys.session_token);
  }
  std::string field_lines, names;
  for (const auto& [name, value] : fields) {
    field_lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  std::string canonical(request.method);
  canonical.append("\n")
      .append(request.path.empty() ? "/" : Escape(request.path, true))
      .append("\n")
      .append(CanonicalQuery(request.query))
      .append("\n")
      .append(field_lines)
      .append("\n")
      .append(names)
      .append("\n")
      .append(HexText(Sha256(request.body)));
  const std::string scope_text = date + "/" + scope.region + "/" + scope.service + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope_text + "\n" + HexText(Sha256(canonical));
  std::string key = HmacSha256("AWS4" + keys.secret_key, date);
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")}) {
    key = HmacSha256(key, part);
  }
  std::vector<std::pair<std::string, std::string>> out = {
      {"Authorization", "AWS4-HMAC-SHA256 Credential=" + keys.access_key + "/" + scope_text +
                            ", SignedHeaders=" + names +
                            ", Signature=" + HexText(HmacSha256(key, to_sign))},
      {"X-Amz-Date", time}};
  if (!keys.session_token.empty()) {
    out.emplace_back("X-Amz-Security-Token", keys.session_token);
  }
  return out;
}

Status SignAwsRequest(const AwsKeys& keys, const AwsScope& scope, int64_t now_ms,
                      scrape::HttpRequest* request) {
  ASSIGN_OR_RETURN(config::GoUrl url, config::ParseGoUrl(request->url));
  // As the Host field is sent: without the port that goes without saying.
  const std::string_view usual = url.scheme == "https" ? ":443" : ":80";
  if (url.host.ends_with(usual)) url.host.resize(url.host.size() - usual.size());
  std::string content_type;
  for (const auto& [name, value] : request->headers) {
    if (name == "Content-Type") content_type = value;
  }
  auto fields = SignAws({.method = request->method,
                         .host = url.host,
                         .path = url.path,
                         .query = url.query,
                         .content_type = content_type,
                         .body = request->body},
                        keys, scope, now_ms);
  for (auto& field : fields) request->headers.push_back(std::move(field));
  return OkStatus();
}

}  // namespace deucalion::remote
