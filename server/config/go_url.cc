#include "server/config/go_url.h"

#include <algorithm>
#include <cctype>

#include "model/value.h"

namespace deucalion::config {
namespace {

Status UrlError(std::string_view text, std::string_view what) {
  return InvalidArgumentError("parse " + GoQuote(text) + ": " + std::string(what));
}

bool IsHex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// The first malformed escape, three bytes at most; "" when all are fine.
std::string_view BadEscape(std::string_view part) {
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') continue;
    if (i + 2 >= part.size() || !IsHex(part[i + 1]) || !IsHex(part[i + 2])) {
      return part.substr(i, 3);
    }
    i += 2;
  }
  return {};
}

Status CheckEscapes(std::string_view text, std::string_view part) {
  const std::string_view bad = BadEscape(part);
  return bad.empty() ? OkStatus() : UrlError(text, "invalid URL escape " + GoQuote(bad));
}

// scheme:rest, or no scheme at all. Sets *rest.
Status SplitScheme(std::string_view text, std::string_view body, std::string* scheme,
                   std::string_view* rest) {
  *rest = body;
  for (size_t i = 0; i < body.size(); ++i) {
    const auto c = static_cast<unsigned char>(body[i]);
    if (std::isalpha(c)) continue;
    if (std::isdigit(c) || c == '+' || c == '-' || c == '.') {
      if (i == 0) return OkStatus();
      continue;
    }
    if (c == ':') {
      if (i == 0) return UrlError(text, "missing protocol scheme");
      scheme->assign(body.substr(0, i));
      std::ranges::transform(*scheme, scheme->begin(),
                             [](unsigned char l) { return std::tolower(l); });
      *rest = body.substr(i + 1);
      return OkStatus();
    }
    return OkStatus();
  }
  return OkStatus();
}

bool ValidPort(std::string_view port) {
  if (port.empty()) return true;
  return port[0] == ':' &&
         std::ranges::all_of(port.substr(1), [](unsigned char c) { return std::isdigit(c); });
}

Status CheckHost(std::string_view text, std::string_view host) {
  std::string_view port;
  if (host.starts_with('[')) {
    const size_t end = host.rfind(']');
    if (end == std::string_view::npos) return UrlError(text, "missing ']' in host");
    port = host.substr(end + 1);
  } else if (const size_t colon = host.rfind(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
  }
  if (!ValidPort(port)) {
    return UrlError(text, "invalid port " + GoQuote(port) + " after host");
  }
  constexpr std::string_view kForbidden = " \"<>\\^`{|}";
  const size_t bad = host.find_first_of(kForbidden);
  if (bad != std::string_view::npos) {
    return UrlError(text, "invalid character " + GoQuote(host.substr(bad, 1)) + " in host name");
  }
  return CheckEscapes(text, host);
}

Status SplitAuthority(std::string_view text, std::string_view authority, GoUrl* url) {
  const size_t at = authority.rfind('@');
  const std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  RETURN_IF_ERROR(CheckHost(text, host));
  url->host = host;
  if (at == std::string_view::npos) return OkStatus();
  const std::string_view user_info = authority.substr(0, at);
  if (user_info.find_first_of(" \"<>\\^`{|}[]/?#@") != std::string_view::npos) {
    return UrlError(text, "net/url: invalid userinfo");
  }
  RETURN_IF_ERROR(CheckEscapes(text, user_info));
  const size_t colon = user_info.find(':');
  url->user = user_info.substr(0, colon);
  url->has_password = colon != std::string_view::npos;
  if (url->has_password) url->password = user_info.substr(colon + 1);
  return OkStatus();
}

}  // namespace

Result<GoUrl> ParseGoUrl(std::string_view text) {
  GoUrl url;
  std::string_view body = text;
  if (const size_t hash = body.find('#'); hash != std::string_view::npos) {
    url.fragment = body.substr(hash + 1);
    body = body.substr(0, hash);
    RETURN_IF_ERROR(CheckEscapes(text, url.fragment));
  }
  for (const char c : body) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return UrlError(text, "net/url: invalid control character in URL");
    }
  }
  std::string_view rest;
  RETURN_IF_ERROR(SplitScheme(text, body, &url.scheme, &rest));
  if (const size_t question = rest.find('?'); question != std::string_view::npos) {
    url.query = rest.substr(question + 1);
    rest = rest.substr(0, question);
  }
  if (!rest.starts_with('/')) {
    if (!url.scheme.empty()) {  // opaque, as in mailto:x
      url.path = rest;
      return url;
    }
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment.find(':') != std::string_view::npos) {
      return UrlError(text, "first path segment in URL cannot contain colon");
    }
  }
  if (rest.starts_with("//") && (!url.scheme.empty() || !rest.starts_with("///"))) {
    rest.remove_prefix(2);
    const size_t slash = std::min(rest.find('/'), rest.size());
    RETURN_IF_ERROR(SplitAuthority(text, rest.substr(0, slash), &url));
    rest.remove_prefix(slash);
  }
  RETURN_IF_ERROR(CheckEscapes(text, rest));
  url.path = rest;
  return url;
}

std::string RedactUrl(std::string_view text) {
  const Result<GoUrl> url = ParseGoUrl(text);
  if (!url.ok() || !url->has_password) return std::string(text);
  const size_t authority = text.find("//") + 2;
  const size_t password = text.find(':', authority) + 1;
  return std::string(text.substr(0, password)) + "xxxxx" +
         std::string(text.substr(password + url->password.size()));
}

Result<ExternalUrl> ResolveExternalUrl(std::string_view flag, std::string_view listen_address,
                                       std::string_view hostname) {
  std::string text(flag);
  if (text.empty()) {
    const size_t colon = listen_address.rfind(':');
    const std::string_view port =
        colon == std::string_view::npos ? std::string_view() : listen_address.substr(colon + 1);
    text = "http://" + std::string(hostname) + ":" + std::string(port) + "/";
  }
  constexpr std::string_view kQuotes = "\"'";
  if (kQuotes.find(text.front()) != std::string_view::npos ||
      kQuotes.find(text.back()) != std::string_view::npos) {
    return InvalidArgumentError("parse external URL " + GoQuote(flag) +
                                ": URL must not begin or end with quotes");
  }
  Result<GoUrl> parsed = ParseGoUrl(text);
  if (!parsed.ok()) {
    return InvalidArgumentError("parse external URL " + GoQuote(flag) + ": " +
                                std::string(parsed.status().message()));
  }
  std::string path = parsed->path;
  while (path.ends_with('/')) path.pop_back();
  if (!path.empty() && !path.starts_with('/')) path = "/" + path;
  std::string url = parsed->scheme.empty() ? "" : parsed->scheme + ":";
  if (!parsed->host.empty()) {
    url += "//";
    if (!parsed->user.empty() || parsed->has_password) {
      url += parsed->user + (parsed->has_password ? ":" + parsed->password : "") + "@";
    }
    url += parsed->host;
  }
  url += path;
  if (!parsed->query.empty()) url += "?" + parsed->query;
  return ExternalUrl{std::move(url), std::move(path)};
}

}  // namespace deucalion::config
