#include "scrape/fetch/curl_transfer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "model/value.h"
#include "scrape/fetch/dial_metrics.h"

namespace deucalion::scrape {
namespace {

// As Go's http.Client and http.Transport.
constexpr long kMaxRedirects = 10;
constexpr long kIdleSeconds = 300;
constexpr size_t kMaxHeaderBytes = 10 << 20;
// How long a CA file may be remembered after it was replaced.
constexpr long kCaCacheSeconds = 60;
// Per recv: a scraped body has hundreds of kilobytes. Held while a transfer is under way.
constexpr long kReceiveBytes = 64 << 10;

long CurlTlsVersion(TlsVersion min, TlsVersion max) {
  long version = CURL_SSLVERSION_TLSv1_2;
  switch (min) {
    case TlsVersion::kTls10:
      version = CURL_SSLVERSION_TLSv1_0;
      break;
    case TlsVersion::kTls11:
      version = CURL_SSLVERSION_TLSv1_1;
      break;
    case TlsVersion::kTls13:
      version = CURL_SSLVERSION_TLSv1_3;
      break;
    case TlsVersion::kTls12:
    case TlsVersion::kUnset:
      break;
  }
  switch (max) {
    case TlsVersion::kTls10:
      return version | CURL_SSLVERSION_MAX_TLSv1_0;
    case TlsVersion::kTls11:
      return version | CURL_SSLVERSION_MAX_TLSv1_1;
    case TlsVersion::kTls12:
      return version | CURL_SSLVERSION_MAX_TLSv1_2;
    case TlsVersion::kTls13:
      return version | CURL_SSLVERSION_MAX_TLSv1_3;
    case TlsVersion::kUnset:
      break;
  }
  return version;
}

curl_blob BlobOf(const std::string& text) {
  return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

std::string AddressText(const struct curl_sockaddr& a) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (a.family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &a.addr, sizeof(in));
    inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(in.sin_port));
  }
  if (a.family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &a.addr, std::min<size_t>(sizeof(in), a.addrlen));
    inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(in.sin6_port));
  }
  return "";
}

// An errno in Go's words.
std::string ErrnoText(long error_number) {
  std::string text = std::strerror(static_cast<int>(error_number));
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string UrlPart(const std::string& url, CURLUPart part) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> u(curl_url(), curl_url_cleanup);
  char* text = nullptr;
  if (curl_url_set(u.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(u.get(), part, &text, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) !=
          CURLUE_OK) {
    return "";
  }
  std::string out(text);
  curl_free(text);
  return out;
}

std::string WithHost(const std::string& url, const std::string& host) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> u(curl_url(), curl_url_cleanup);
  char* text = nullptr;
  if (curl_url_set(u.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_set(u.get(), CURLUPART_HOST, host.c_str(), 0) != CURLUE_OK ||
      curl_url_get(u.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) {
    return "";
  }
  std::string out(text);
  curl_free(text);
  return out;
}

// "Get" of "GET".
std::string TitleCase(std::string method) {
  std::transform(method.begin() + 1, method.end(), method.begin() + 1,
                 [](unsigned char c) { return std::tolower(c); });
  return method;
}

std::string VerifyErrorText(long verify_result, std::string_view curl_text) {
  switch (verify_result) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    default:
      return "tls: failed to verify certificate: x509: " + std::string(curl_text);
  }
}

}  // namespace

CurlTransfer::CurlTransfer(HttpRequest request, std::shared_ptr<const TransferSettings> settings,
                           HttpClient::Done done)
    : request_(std::move(request)), settings_(std::move(settings)), done_(std::move(done)) {}

CurlTransfer::~CurlTransfer() {
  curl_slist_free_all(headers_);
  curl_slist_free_all(proxy_headers_);
  curl_slist_free_all(connect_to_);
}

Status CurlTransfer::Prepare(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReceiveBytes);
  if (curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str()) != CURLE_OK) {
    return InvalidArgumentError("cannot set URL " + GoQuote(request_.url));
  }
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  if (!request_.body.empty() || request_.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
    headers_ = curl_slist_append(headers_, "Expect:");  // no round trip for 100-continue
  }
  if (request_.method != "GET" && request_.method != "POST") {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
  for (const auto& [name, value] : request_.headers) {
    // "name;" is how curl sends a header without a value.
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    headers_ = curl_slist_append(headers_, line.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout_ms));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.timeout_ms));
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, kIdleSeconds);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                   settings_->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, settings_->follow_redirects ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &OnOpenSocket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  if (request_.dialer != nullptr) {
    // A connection outlives the transfer that opened it.
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &OnCloseSocket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, const_cast<Dialer*>(request_.dialer));
  }
  if (!request_.unix_socket.empty()) {
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request_.unix_socket.c_str());
  }
  if (request_.shuffle_addresses) {
    curl_easy_setopt(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  }
  response_.body.reserve(std::min<uint64_t>(request_.expected_body_bytes, 64 << 20));
  PrepareProxy(easy);
  RETURN_IF_ERROR(PrepareTls(easy));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
  return OkStatus();
}

void CurlTransfer::PrepareProxy(CURL* easy) {
  const ProxyConfig& proxy = settings_->proxy;
  if (proxy.proxy_from_environment) return;  // curl's own default
  curl_easy_setopt(easy, CURLOPT_PROXY,
                   proxy.proxy_url.c_str());  // "" = none, whatever the env says
  curl_easy_setopt(easy, CURLOPT_NOPROXY, proxy.no_proxy.c_str());
  for (const auto& [name, values] : proxy.proxy_connect_header) {
    for (const std::string& value : values) {
      proxy_headers_ = curl_slist_append(proxy_headers_, (name + ": " + value).c_str());
    }
  }
  curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(easy, CURLOPT_PROXYHEADER, proxy_headers_);
}

Status CurlTransfer::PrepareTls(CURL* easy) {
  const TlsConfig& tls = settings_->tls;
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, CurlTlsVersion(tls.min_version, tls.max_version));
  curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, kCaCacheSeconds);
  if (tls.insecure_skip_verify) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  const auto set = [easy](const std::string& text, CURLoption blob_option, const std::string& file,
                          CURLoption file_option) {
    if (!text.empty()) {
      curl_blob blob = BlobOf(text);
      curl_easy_setopt(easy, blob_option, &blob);
    } else if (!file.empty()) {
      curl_easy_setopt(easy, file_option, file.c_str());
    }
  };
  set(tls.ca, CURLOPT_CAINFO_BLOB, tls.ca_file, CURLOPT_CAINFO);
  if (!tls.ca.empty() || !tls.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  set(tls.cert, CURLOPT_SSLCERT_BLOB, tls.cert_file, CURLOPT_SSLCERT);
  set(tls.key, CURLOPT_SSLKEY_BLOB, tls.key_file, CURLOPT_SSLKEY);
  return tls.server_name.empty() ? OkStatus() : PrepareServerName(easy);
}

// libcurl takes the name to verify from the URL: put the server name there and connect to where the
// URL really points.
Status CurlTransfer::PrepareServerName(CURL* easy) {
  const std::string host = UrlPart(request_.url, CURLUPART_HOST);
  const std::string port = UrlPart(request_.url, CURLUPART_PORT);
  const std::string url = WithHost(request_.url, settings_->tls.server_name);
  if (host.empty() || url.empty()) {
    return InvalidArgumentError("cannot parse URL " + GoQuote(request_.url));
  }
  connect_to_ = curl_slist_append(connect_to_, ("::" + host + ":" + port).c_str());
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_);
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  headers_ = curl_slist_append(headers_, ("Host: " + host + ":" + port).c_str());
  return OkStatus();
}

size_t CurlTransfer::OnBody(char* data, size_t size, size_t n, void* self) {
  auto* t = static_cast<CurlTransfer*>(self);
  t->headers_done_ = true;
  const size_t bytes = size * n;
  if (t->response_.body.size() + bytes > t->request_.max_body_bytes) {
    t->too_large_ = true;
    return 0;  // ends the transfer
  }
  t->response_.body.append(data, bytes);
  return bytes;
}

size_t CurlTransfer::OnHeader(char* data, size_t size, size_t n, void* self) {
  auto* t = static_cast<CurlTransfer*>(self);
  const size_t bytes = size * n;
  std::string_view line(data, bytes);
  t->header_bytes_ += bytes;
  if (t->header_bytes_ > kMaxHeaderBytes) return 0;
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // of this or, after a redirect, of the next response
    t->response_.headers.clear();
    t->response_.body.clear();
    const size_t space = line.find(' ');
    t->response_.status_line = space == std::string_view::npos ? "" : line.substr(space + 1);
    return bytes;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  t->response_.headers[std::move(name)] = value;
  return bytes;
}

// Remembers the address for error texts, which name what was dialled.
curl_socket_t CurlTransfer::OnOpenSocket(void* self, curlsocktype, struct curl_sockaddr* address) {
  auto* t = static_cast<CurlTransfer*>(self);
  t->dialed_ = AddressText(*address);
  t->opened_++;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int CurlTransfer::OnCloseSocket(void* dialer, curl_socket_t fd) {
  static_cast<const Dialer*>(dialer)->CountClose(fd);
  return close(fd);
}

void CurlTransfer::CountDials(CURL* easy, CURLcode code) const {
  if (request_.dialer == nullptr) return;
  long connected = 0, os_errno = 0;
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connected);
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
  const bool unresolved = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY;
  const bool timed_out = code == CURLE_OPERATION_TIMEDOUT;
  const bool unconnected = opened_ > 0 && connected == 0 && code != CURLE_OK;
  DialFailure reason = DialFailure::kUnknown;
  if (unresolved) {
    reason = DialFailure::kResolution;
  } else if (timed_out) {
    reason = DialFailure::kTimeout;
  } else if (os_errno == ECONNREFUSED) {
    reason = DialFailure::kRefused;
  }
  request_.dialer->CountRequest(opened_, static_cast<size_t>(connected), unresolved || unconnected,
                                reason);
}

void CurlTransfer::Finish(CURL* easy, CURLcode code) {
  CountDials(easy, code);
  if (code != CURLE_OK) {
    Fail(ErrorOf(easy, code));
    return;
  }
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  // HTTP/2 has no reason phrase; Go shows the usual one.
  if (response_.status_line.find(' ') == std::string::npos ||
      response_.status_line.ends_with(' ')) {
    response_.status_line = HttpStatusLine(response_.status);
  }
  done_(std::move(response_));
}

void CurlTransfer::Fail(Status status) { done_(std::move(status)); }

std::string CurlTransfer::RequestError(std::string_view what) const {
  return TitleCase(request_.method) + " " + GoQuote(request_.url) + ": " + std::string(what);
}

Status CurlTransfer::ErrorOf(CURL* easy, CURLcode code) const {
  const std::string curl_text =
      error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
  const std::string host = UrlPart(request_.url, CURLUPART_HOST);
  const std::string where =
      !request_.unix_socket.empty() ? "dial unix " + request_.unix_socket : "dial tcp " + dialed_;
  long os_errno = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Status(StatusCode::kDeadlineExceeded, headers_done_
                                                       ? "context deadline exceeded"
                                                       : RequestError("context deadline exceeded"));
    case CURLE_WRITE_ERROR:
      if (too_large_) return ResourceExhaustedError("body size limit exceeded");
      return UnavailableError(RequestError("net/http: server response headers exceeded " +
                                           std::to_string(kMaxHeaderBytes) + " bytes; aborted"));
    case CURLE_COULDNT_CONNECT:
      return UnavailableError(RequestError(
          where + ": connect: " + (os_errno != 0 ? ErrnoText(os_errno) : "connection refused")));
    case CURLE_COULDNT_RESOLVE_HOST:
      return UnavailableError(RequestError("dial tcp: lookup " + host + ": no such host"));
    case CURLE_COULDNT_RESOLVE_PROXY:
      return UnavailableError(RequestError("proxyconnect tcp: dial tcp: lookup: no such host"));
    case CURLE_GOT_NOTHING:
      return UnavailableError(RequestError("EOF"));
    case CURLE_PARTIAL_FILE:
      return UnavailableError("unexpected EOF");
    case CURLE_RECV_ERROR:
      if (os_errno != 0) return UnavailableError(RequestError("read: " + ErrnoText(os_errno)));
      return UnavailableError(headers_done_ ? "unexpected EOF" : RequestError("EOF"));
    case CURLE_SEND_ERROR:
      return UnavailableError(
          RequestError("write: " + (os_errno != 0 ? ErrnoText(os_errno) : "broken pipe")));
    case CURLE_TOO_MANY_REDIRECTS:
      return UnavailableError(RequestError("stopped after 10 redirects"));
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      if (!dialed_.empty()) {
        return UnavailableError(RequestError(
            "net/http: HTTP/1.x transport connection broken: malformed HTTP response"));
      }
      return InvalidArgumentError(RequestError("unsupported protocol scheme " +
                                               GoQuote(UrlPart(request_.url, CURLUPART_SCHEME))));
    case CURLE_URL_MALFORMAT:
      return InvalidArgumentError("parse " + GoQuote(request_.url) + ": " + curl_text);
    case CURLE_PEER_FAILED_VERIFICATION: {
      long verify = 0;
      curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verify);
      return UnavailableError(RequestError(VerifyErrorText(verify, curl_text)));
    }
    case CURLE_SSL_CONNECT_ERROR:
      if (curl_text.find("wrong version number") != std::string::npos) {
        return UnavailableError(RequestError("http: server gave HTTP response to HTTPS client"));
      }
      return UnavailableError(RequestError("tls: " + curl_text));
    case CURLE_SSL_CACERT_BADFILE:
      return UnavailableError("unable to read CA cert: " + curl_text);
    case CURLE_SSL_CERTPROBLEM:
      return UnavailableError("unable to use specified client cert: " + curl_text);
    default:
      return UnavailableError(RequestError(curl_text));
  }
}

}  // namespace deucalion::scrape
