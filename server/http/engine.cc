// What the library is not given, and why (version 0.11.4 as packaged):
//   - the request target: it cuts queries at a second '?' and drops repeated parameters;
//   - client header values: it percent-decodes them and drops empty ones;
//   - bodies: it drains what is too large, and reads blocking;
//   - Accept-Encoding and Range: it would compress at level 6 in one call, and cut bodies to
//   ranges.
// Its own Keep-Alive and Accept-Ranges fields are taken out again, to look like Go's server.
#include "server/http/engine.h"

#include <httplib.h>

#include "server/http/head_cache.h"

namespace deucalion::http {
namespace {

// The call a thread is in. The library's callbacks carry no context of ours.
struct CallContext {
  const Response* response = nullptr;
};
thread_local CallContext* current_call = nullptr;

// Reads one prepared head, gathers one response head.
class MemoryStream : public httplib::Stream {
 public:
  explicit MemoryStream(std::string_view in) : in_(in) {}

  bool is_readable() const override { return !in_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* out, size_t size) override {
    const size_t n = in_.copy(out, size);
    in_.remove_prefix(n);
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* bytes, size_t size) override {
    out_.append(bytes, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { port = 0; }
  void get_local_ip_and_port(std::string& ip, int& port) const override { port = 0; }
  socket_t socket() const override { return 0; }

  std::string TakeOutput() { return std::move(out_); }

 private:
  std::string_view in_;
  std::string out_;
};

// The methods the library knows; its treatment of all but HEAD is the same.
std::string_view MethodForLibrary(std::string_view method) {
  for (const std::string_view known :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    if (method == known) return known;
  }
  return "GET";
}

// A CR or LF in a value would end the field.
std::string OneLine(std::string value) {
  for (char& c : value) {
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
  return value;
}

void CopyHead(const Response& from, httplib::Response* to) {
  to->status = from.status;
  to->headers.clear();
  for (const auto& [name, value] : from.headers) to->headers.emplace(name, OneLine(value));
}

// "HTTP/1.1 499 Internal Server Error" -> "HTTP/1.1 499 status code 499": the library has one text
// for all codes it does not know.
void FixStatusLine(int status, std::string* head) {
  constexpr size_t kTextAt = sizeof("HTTP/1.1 200 ") - 1;
  const size_t end = head->find("\r\n");
  if (end == std::string::npos || end < kTextAt) return;
  head->replace(kTextAt, end - kTextAt, StatusText(status));
}

}  // namespace

class Engine::Impl : public httplib::Server {
 public:
  Impl() {
    set_pre_routing_handler([](const httplib::Request&, httplib::Response& out) {
      CopyHead(*current_call->response, &out);
      return HandlerResponse::Handled;
    });
    set_post_routing_handler([](const httplib::Request&, httplib::Response& out) {
      // Fields the library has added to those of `response`.
      const Headers& wanted = current_call->response->headers;
      for (const char* name : {"Keep-Alive", "Accept-Ranges", "Content-Length", "Content-Type"}) {
        if (!wanted.Has(name)) out.headers.erase(name);
      }
    });
  }

  bool Run(httplib::Stream& stream, bool close) {
    bool closed = false;
    return process_request(stream, close, closed, nullptr);
  }
};

Engine::Engine() : impl_(std::make_unique<Impl>()) {}
Engine::~Engine() = default;

std::string Engine::Process(const Call& call, Response* response) {
  (*call.respond)(response);
  thread_local HeadCache cache;
  const HeadCache::Kind kind{.head_request = call.method == "HEAD", .close = call.close};
  std::string head = cache.Find(kind, *response);
  if (!head.empty()) return head;
  head = AskLibrary(call, *response);
  cache.Keep(*response, head);
  return head;
}

std::string Engine::AskLibrary(const Call& call, const Response& response) {
  std::string request(MethodForLibrary(call.method));
  request += " / HTTP/1.1\r\n\r\n";
  MemoryStream stream(request);
  CallContext context{&response};
  current_call = &context;
  impl_->Run(stream, call.close);
  current_call = nullptr;
  std::string head = stream.TakeOutput();
  FixStatusLine(response.status, &head);
  return head;
}

}  // namespace deucalion::http
