// What a handler sees of HTTP: a whole Request in, a Response out. No type of any HTTP library.
//
// A Request is complete when the handler runs: head parsed, body read and unchunked, within the
// limits of the server. A Response is one of four things: a body held in memory, a BodySource that
// is asked for piece after piece as fast as the client reads, a PushStream fed from anywhere for as
// long as the client stays (server-sent events), or nothing (204, HEAD).
#ifndef DEUCALION_SERVER_HTTP_MESSAGE_H_
#define DEUCALION_SERVER_HTTP_MESSAGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "base/thread_annotations.h"

namespace deucalion::http {

// ASCII only, as HTTP's own comparisons are.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

// Header fields in order of arrival; names compare without case, a name may repeat.
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  // The first value, empty when there is none. Valid until the headers change.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return Count(name) > 0; }
  size_t Count(std::string_view name) const;
  // Every value of `name`, in order.
  std::vector<std::string_view> All(std::string_view name) const;
  void Add(std::string name, std::string value);
  // Replaces every value of `name`.
  void Set(std::string_view name, std::string value);
  void Remove(std::string_view name);

  bool empty() const { return fields_.empty(); }
  size_t size() const { return fields_.size(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

// Decoded query or form parameters in order; names may repeat ("match[]").
class Params {
 public:
  using Pair = std::pair<std::string, std::string>;

  // The first value, empty when there is none.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::vector<std::string> All(std::string_view name) const;
  void Add(std::string name, std::string value);

  bool empty() const { return pairs_.empty(); }
  auto begin() const { return pairs_.begin(); }
  auto end() const { return pairs_.end(); }

 private:
  std::vector<Pair> pairs_;
};

// "text/html; charset=utf-8": type in lower case, parameter names in lower case.
struct MediaType {
  std::string type;
  Params params;
};
Result<MediaType> ParseMediaType(std::string_view value);

// %XX (and '+' as a space when `plus_is_space`). A bad escape is an error in Go's words:
// invalid URL escape "%zz".
Result<std::string> UrlDecode(std::string_view text, bool plus_is_space);
std::string UrlEncode(std::string_view text);
// Appends the pairs of an urlencoded string. Bad pairs are left out; the first error is returned
// after all good pairs were added, as Go does.
Status ParseQuery(std::string_view query, Params* params);
// Go's http.StatusText; "status code 499" for codes without a text.
std::string StatusText(int status);

struct Request {
  std::string method;    // "GET"
  std::string path;      // decoded, without query
  std::string raw_path;  // as sent, without query
  std::string query;     // as sent, without '?'
  Headers headers;
  std::string body;
  std::string remote_addr;  // "10.0.0.1:4711", "[::1]:4711"
  bool tls = false;
  // Values of ":name" and "*name" in the pattern that matched.
  Params path_params;
  // Cancelled when the client goes away and when the server stops waiting at shutdown.
  CancelToken cancel = CancelToken::Never();

  std::string_view host() const { return headers.Get("Host"); }
  // The URL query alone.
  Params Query() const;
  // URL query and, for POST, PUT and PATCH, an urlencoded body, merged as Go's ParseForm does: body
  // first.
  Result<Params> Form() const;
  // The same for handlers that take what can be read and ignore the rest, as Go's FormValue does:
  // never an error, and fields of a multipart/form-data body come after the others.
  Params FormValues() const;

 private:
  // Everything that can be read, and the first thing that cannot.
  Status ReadForm(bool multipart, Params* params) const;
};

// Produces a streamed body. Calls come one at a time, from threads of the route's pool; between two
// calls nothing holds a thread, so a slow client costs memory only. Destroyed when the body is
// complete or the client is gone.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Appends the next piece (some KiB to a MiB) to `out`; false when that was the last one. An error
  // cuts the connection: the head is long gone, and a body cut short is the only honest answer
  // left.
  virtual Result<bool> Next(std::string* out) = 0;
};

// A body fed over time. Any thread may Send; the server holds one reference, the feeder another.
class PushStream {
 public:
  // At most `max_buffered_bytes` wait for a slow client.
  explicit PushStream(size_t max_buffered_bytes = 256 << 10) : max_(max_buffered_bytes) {}

  // False when the client is gone, the stream is closed, or the client is too slow: `bytes` was
  // dropped. A stream that overflowed is closed.
  bool Send(std::string_view bytes) EXCLUDES(mu_);
  // Ends the body after what is buffered.
  void Close() EXCLUDES(mu_);
  // True once nobody reads any more.
  bool closed() const EXCLUDES(mu_);

  // For the server: `wake` is called (under no lock of the stream) whenever there is something to
  // Take; an empty function detaches. False from Take: the stream has ended.
  void Attach(std::function<void()> wake) EXCLUDES(mu_);
  bool Take(std::string* out) EXCLUDES(mu_);
  void ClientGone() EXCLUDES(mu_);

 private:
  const size_t max_;
  mutable Mutex mu_;
  std::string buffer_ GUARDED_BY(mu_);
  std::shared_ptr<std::function<void()>> wake_ GUARDED_BY(mu_);
  bool closed_ GUARDED_BY(mu_) = false;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  // At most one of these; then `body` is sent first.
  std::unique_ptr<BodySource> source;
  std::shared_ptr<PushStream> push;

  // Replaces body and Content-Type.
  void SetBody(std::string bytes, std::string_view content_type);
  // Plain text as it stands.
  void Text(int code, std::string_view text);
  // Go's http.Error: text/plain, nosniff, a newline at the end.
  void Error(int code, std::string_view text);
  // Go's http.Redirect: for GET and HEAD with a small page, for browsers that do not follow.
  void Redirect(const Request& request, int code, std::string location);
};

// Runs on a thread of the route's pool. May move out of the request. An exception that escapes is
// answered with 500 and logged.
using Handler = std::function<void(Request& request, Response* response)>;

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_MESSAGE_H_
