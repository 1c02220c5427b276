#include "server/http/message.h"

#include <array>

#include "server/http/multipart.h"

namespace deucalion::http {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string ToLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = Lower(c);
  return out;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool IsTokenChar(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

// One `name=value` or `name="quoted value"` at the front of `rest`; false when there is none.
bool TakeMediaParameter(std::string_view* rest, Params* params) {
  const size_t equals = rest->find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = Trim(rest->substr(0, equals));
  if (!IsToken(name)) return false;
  rest->remove_prefix(equals + 1);
  std::string value;
  if (!rest->empty() && rest->front() == '"') {
    size_t i = 1;
    for (; i < rest->size() && (*rest)[i] != '"'; ++i) {
      if ((*rest)[i] == '\\' && i + 1 < rest->size()) ++i;
      value += (*rest)[i];
    }
    if (i >= rest->size()) return false;
    rest->remove_prefix(i + 1);
    *rest = Trim(*rest);
    if (!rest->empty() && rest->front() != ';') return false;
  } else {
    const size_t end = std::min(rest->find(';'), rest->size());
    const std::string_view token = Trim(rest->substr(0, end));
    if (!IsToken(token)) return false;
    value = token;
    rest->remove_prefix(end);
  }
  params->Add(ToLower(name), std::move(value));
  return true;
}

struct CodeText {
  int code;
  std::string_view text;
};

constexpr std::array<CodeText, 41> kStatusTexts{{
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Request Entity Too Large"},
    {414, "Request URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Requested Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Entity"},
    {425, "Too Early"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
}};

}  // namespace

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (a == b) return true;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

std::string_view Headers::Get(std::string_view name) const {
  for (const Field& field : fields_) {
    if (EqualsIgnoreCase(field.first, name)) return field.second;
  }
  return {};
}

size_t Headers::Count(std::string_view name) const {
  return static_cast<size_t>(std::count_if(fields_.begin(), fields_.end(), [&](const Field& f) {
    return EqualsIgnoreCase(f.first, name);
  }));
}

std::vector<std::string_view> Headers::All(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const Field& field : fields_) {
    if (EqualsIgnoreCase(field.first, name)) out.push_back(field.second);
  }
  return out;
}

void Headers::Add(std::string name, std::string value) {
  if (fields_.empty()) fields_.reserve(8);  // most messages have fewer
  fields_.emplace_back(std::move(name), std::move(value));
}

void Headers::Set(std::string_view name, std::string value) {
  Remove(name);
  Add(std::string(name), std::move(value));
}

void Headers::Remove(std::string_view name) {
  std::erase_if(fields_, [&](const Field& f) { return EqualsIgnoreCase(f.first, name); });
}

std::string_view Params::Get(std::string_view name) const {
  for (const Pair& pair : pairs_) {
    if (pair.first == name) return pair.second;
  }
  return {};
}

bool Params::Has(std::string_view name) const {
  return std::any_of(pairs_.begin(), pairs_.end(), [&](const Pair& p) { return p.first == name; });
}

std::vector<std::string> Params::All(std::string_view name) const {
  std::vector<std::string> out;
  for (const Pair& pair : pairs_) {
    if (pair.first == name) out.push_back(pair.second);
  }
  return out;
}

void Params::Add(std::string name, std::string value) {
  pairs_.emplace_back(std::move(name), std::move(value));
}

Result<MediaType> ParseMediaType(std::string_view value) {
  MediaType media;
  const size_t end = std::min(value.find(';'), value.size());
  media.type = ToLower(Trim(value.substr(0, end)));
  if (media.type.empty()) return InvalidArgumentError("mime: no media type");
  const size_t slash = media.type.find('/');
  if (!IsToken(std::string_view(media.type).substr(0, slash)) ||
      (slash != std::string::npos && !IsToken(std::string_view(media.type).substr(slash + 1)))) {
    return InvalidArgumentError("mime: unexpected content in media type: " + std::string(value));
  }
  std::string_view rest = value.substr(end);
  while (!rest.empty()) {
    rest = Trim(rest.substr(1));  // the ';'
    if (rest.empty()) break;
    if (!TakeMediaParameter(&rest, &media.params)) {
      return InvalidArgumentError("mime: invalid media parameter");
    }
  }
  return media;
}

Result<std::string> UrlDecode(std::string_view text, bool plus_is_space) {
  if (text.find_first_of(plus_is_space ? "+%" : "%") == std::string_view::npos) {
    return std::string(text);
  }
  std::string out(text.size(), '\0');
  char* to = out.data();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      *to++ = ' ';
    } else if (text[i] != '%') {
      *to++ = text[i];
    } else {
      const int high = i + 1 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return InvalidArgumentError("invalid URL escape \"" + std::string(text.substr(i, 3)) +
                                    "\"");
      }
      *to++ = static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  out.resize(static_cast<size_t>(to - out.data()));
  return out;
}

std::string UrlEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Status ParseQuery(std::string_view query, Params* params) {
  Status first_error;
  const auto keep = [&](Status status) {
    if (first_error.ok()) first_error = std::move(status);
  };
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    if (pair.find(';') != std::string_view::npos) {
      keep(InvalidArgumentError("invalid semicolon separator in query"));
      continue;
    }
    const size_t equals = std::min(pair.find('='), pair.size());
    auto name = UrlDecode(pair.substr(0, equals), true);
    auto value = UrlDecode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name.ok()) {
      keep(name.TakeStatus());
    } else if (!value.ok()) {
      keep(value.TakeStatus());
    } else {
      params->Add(std::move(name).value(), std::move(value).value());
    }
  }
  return first_error;
}

std::string StatusText(int status) {
  for (const CodeText& entry : kStatusTexts) {
    if (entry.code == status) return std::string(entry.text);
  }
  return "status code " + std::to_string(status);
}

Params Request::Query() const {
  Params params;
  ParseQuery(query, &params).ok();  // Bad pairs are left out, as Go's URL.Query does.
  return params;
}

Status Request::ReadForm(bool multipart, Params* params) const {
  Status status;
  std::string boundary;
  if (method == "POST" || method == "PUT" || method == "PATCH") {
    const std::string_view content_type = headers.Get("Content-Type");
    MediaType media;
    if (!content_type.empty()) {
      auto parsed = ParseMediaType(content_type);
      if (parsed.ok()) {
        media = std::move(parsed).value();
      } else {
        // A bad parameter does not hide the type.
        status = parsed.TakeStatus();
        media.type = ToLower(Trim(content_type.substr(0, content_type.find(';'))));
      }
    }
    if (media.type == "application/x-www-form-urlencoded") {
      Status body_status = ParseQuery(body, params);
      if (status.ok()) status = std::move(body_status);
    } else if (media.type == "multipart/form-data") {
      boundary = media.params.Get("boundary");
    }
  }
  Status query_status = ParseQuery(query, params);
  if (status.ok()) status = std::move(query_status);
  if (multipart && !boundary.empty()) (void)ParseMultipart(boundary, body, params);
  return status;
}

Result<Params> Request::Form() const {
  Params params;
  RETURN_IF_ERROR(ReadForm(false, &params));
  return params;
}

Params Request::FormValues() const {
  Params params;
  (void)ReadForm(true, &params);
  return params;
}

void Response::SetBody(std::string bytes, std::string_view content_type) {
  body = std::move(bytes);
  headers.Set("Content-Type", std::string(content_type));
}

void Response::Text(int code, std::string_view text) {
  status = code;
  SetBody(std::string(text), "text/plain; charset=utf-8");
}

void Response::Error(int code, std::string_view text) {
  status = code;
  source.reset();
  push.reset();
  headers.Remove("Content-Encoding");
  SetBody(std::string(text) + "\n", "text/plain; charset=utf-8");
  headers.Set("X-Content-Type-Options", "nosniff");
}

void Response::Redirect(const Request& request, int code, std::string location) {
  status = code;
  if (request.method == "GET" || request.method == "HEAD") {
    std::string page = "<a href=\"";
    for (const char c : location) {
      if (c == '&') {
        page += "&amp;";
      } else if (c == '<') {
        page += "&lt;";
      } else if (c == '>') {
        page += "&gt;";
      } else if (c == '"') {
        page += "&#34;";
      } else if (c == '\'') {
        page += "&#39;";
      } else {
        page += c;
      }
    }
    SetBody(page + "\">" + StatusText(code) + "</a>.\n\n", "text/html; charset=utf-8");
  }
  headers.Set("Location", std::move(location));
}

bool PushStream::Send(std::string_view bytes) {
  std::shared_ptr<std::function<void()>> wake;
  bool taken = false;
  {
    MutexLock lock(mu_);
    if (closed_) return false;
    if (buffer_.size() + bytes.size() > max_) {
      closed_ = true;
      buffer_.clear();
    } else {
      buffer_.append(bytes);
      taken = true;
    }
    wake = wake_;
  }
  if (wake != nullptr) (*wake)();
  return taken;
}

void PushStream::Close() {
  std::shared_ptr<std::function<void()>> wake;
  {
    MutexLock lock(mu_);
    closed_ = true;
    wake = wake_;
  }
  if (wake != nullptr) (*wake)();
}

bool PushStream::closed() const {
  MutexLock lock(mu_);
  return closed_;
}

void PushStream::Attach(std::function<void()> wake) {
  MutexLock lock(mu_);
  wake_ = wake ? std::make_shared<std::function<void()>>(std::move(wake)) : nullptr;
}

bool PushStream::Take(std::string* out) {
  MutexLock lock(mu_);
  out->append(buffer_);
  buffer_.clear();
  return !closed_;
}

void PushStream::ClientGone() {
  MutexLock lock(mu_);
  closed_ = true;
  buffer_.clear();
  wake_ = nullptr;
}

}  // namespace deucalion::http
