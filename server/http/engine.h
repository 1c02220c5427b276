// Engine: cpp-httplib behind a wall. It runs one request through the library's protocol code
// (Server::process_request) on a stream in memory: request line and fields in, our handler in the
// middle, response head out. The only file that knows the library is engine.cc.
//
// Answers come in few forms: what the library wrote for a response is kept, and the head of the
// next one that differs in nothing but Date and Content-Length is made from it (head_cache.h).
//
// The library never sees a socket, a body or an unchecked byte: RequestParser has refused what it
// would misread, bodies go around it in both directions (it would copy them, and block a thread on
// a slow client). Thread-safe: any number of Process calls at a time.
#ifndef DEUCALION_SERVER_HTTP_ENGINE_H_
#define DEUCALION_SERVER_HTTP_ENGINE_H_

#include <functional>
#include <memory>
#include <string>

#include "server/http/message.h"

namespace deucalion::http {

class Engine {
 public:
  Engine();
  ~Engine();

  struct Call {
    // "GET", ...
    std::string_view method;
    // Answer with "Connection: close".
    bool close = false;
    // Fills the response and makes it final: all headers set, framing included. Must not throw.
    const std::function<void(Response*)>* respond = nullptr;
  };
  // Returns the head of the response, up to and including the empty line. `response` is what
  // `respond` was given, for the body. `respond` has returned before the library is asked.
  std::string Process(const Call& call, Response* response);

 private:
  class Impl;
  std::string AskLibrary(const Call& call, const Response& response);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_ENGINE_H_
