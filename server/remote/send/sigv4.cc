#include "server/remote/send/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>

#include "base/file_system.h"

namespace deucalion::remote {
namespace {

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

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

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The keys of one section of an ini file.
std::map<std::string, std::string> IniSection(std::string_view text,
                                              std::string_view wanted_section) {
  std::map<std::string, std::string> keys;
  bool inside = false;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = Trim(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line.front() == '[' && line.back() == ']') {
      inside = Trim(line.substr(1, line.size() - 2)) == wanted_section;
      continue;
    }
    const size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    keys[std::string(Trim(line.substr(0, equals)))] = Trim(line.substr(equals + 1));
  }
  return keys;
}

// What the two files know of a profile; the credentials file counts more.
std::map<std::string, std::string> ReadProfile(const std::string& profile,
                                               const AwsSurroundings& surroundings) {
  const std::string home = surroundings.environment("HOME");
  const auto path = [&](const char* variable, const char* name) {
    const std::string set = surroundings.environment(variable);
    return set.empty() ? home + "/.aws/" + name : set;
  };
  std::map<std::string, std::string> keys;
  const std::string section = profile == "default" ? profile : "profile " + profile;
  if (const auto text = surroundings.file(path("AWS_CONFIG_FILE", "config"))) {
    keys = IniSection(*text, section);
  }
  if (const auto text = surroundings.file(path("AWS_SHARED_CREDENTIALS_FILE", "credentials"))) {
    for (auto& [key, value] : IniSection(*text, profile)) keys[key] = std::move(value);
  }
  return keys;
}

bool TakeKeys(std::string access, std::string secret, std::string token, AwsCredentials* out) {
  if (access.empty() || secret.empty()) return false;
  out->access_key = std::move(access);
  out->secret_key = std::move(secret);
  out->session_token = std::move(token);
  return true;
}

}  // namespace

AwsSurroundings AwsSurroundings::OfProcess() {
  return {.environment =
              [](const char* variable) {
                const char* const value = std::getenv(variable);
                return std::string(value == nullptr ? "" : value);
              },
          .file = [](const std::string& path) -> std::optional<std::string> {
            auto text = FileSystem::Posix()->ReadFile(path);
            if (!text.ok()) return std::nullopt;
            return std::move(*text);
          }};
}

Result<AwsCredentials> FindAwsCredentials(const config::SigV4Config& config,
                                          const AwsSurroundings& surroundings) {
  const auto& env = surroundings.environment;
  AwsCredentials found;
  std::string profile = config.profile;
  const bool named = !profile.empty();
  if (profile.empty()) profile = env("AWS_PROFILE");
  if (profile.empty()) profile = "default";
  std::map<std::string, std::string> keys = ReadProfile(profile, surroundings);
  const auto take_profile = [&] {
    return TakeKeys(keys["aws_access_key_id"], keys["aws_secret_access_key"],
                    keys["aws_session_token"], &found);
  };
  const auto take_environment = [&] {
    return TakeKeys(env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"),
                    env("AWS_SESSION_TOKEN"), &found);
  };
  const bool ok =
      TakeKeys(config.access_key, config.secret_key, "", &found) ||
      (named ? take_profile() || take_environment() : take_environment() || take_profile());
  if (!ok) {
    return InvalidArgumentError(
        "could not get SigV4 credentials: no access key in the configuration, the environment or "
        "profile \"" +
        profile + "\" (roles of machines and containers are not supported yet)");
  }
  for (const std::string& region :
       {config.region, env("AWS_REGION"), env("AWS_DEFAULT_REGION"), keys["region"]}) {
    if (found.region.empty()) found.region = region;
  }
  if (found.region.empty()) {
    return InvalidArgumentError("region not configured in sigv4 or in default credentials chain");
  }
  return found;
}

std::vector<std::pair<std::string, std::string>> SignAws(const SignedRequest& request,
                                                         const AwsCredentials& credentials,
                                                         std::string_view service, int64_t now_ms) {
  const std::string time = AmzDate(now_ms);
  const std::string date = time.substr(0, 8);
  // Sorted by name.
  std::vector<std::pair<std::string, std::string>> fields;
  if (!request.content_type.empty()) fields.emplace_back("content-type", request.content_type);
  fields.emplace_back("host", request.host);
  fields.emplace_back("x-amz-date", time);
  if (!credentials.session_token.empty()) {
    fields.emplace_back("x-amz-security-token", credentials.session_token);
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
      .append(Hex(Sha256(request.body)));
  const std::string scope =
      date + "/" + credentials.region + "/" + std::string(service) + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + Hex(Sha256(canonical));
  std::string key = HmacSha256("AWS4" + credentials.secret_key, date);
  for (const std::string_view part :
       {std::string_view(credentials.region), service, std::string_view("aws4_request")}) {
    key = HmacSha256(key, part);
  }
  std::vector<std::pair<std::string, std::string>> out = {
      {"Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" + scope +
                            ", SignedHeaders=" + names +
                            ", Signature=" + Hex(HmacSha256(key, to_sign))},
      {"X-Amz-Date", time}};
  if (!credentials.session_token.empty()) {
    out.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  return out;
}

}  // namespace deucalion::remote
