// A trie of path segments. A node has fixed children by text, at most one child for ":name" and at
// most one rest "*name"; lookup tries them in this order and steps back when a branch leads
// nowhere.
#include "server/http/router.h"

#include <set>

namespace deucalion::http {
namespace {

// "/a/b" -> "a", leaving "/b". `rest` begins with '/'.
std::string_view TakeSegment(std::string_view* rest) {
  rest->remove_prefix(1);
  const size_t end = std::min(rest->find('/'), rest->size());
  const std::string_view segment = rest->substr(0, end);
  rest->remove_prefix(end);
  return segment;
}

std::shared_ptr<const Route> InlineRoute(Handler handler) {
  auto route = std::make_shared<Route>();
  route->handler = std::move(handler);
  route->options.pool = PoolClass::kInline;
  route->options.compress = false;
  return route;
}

// "/a/./b//c/../d" -> "/a/b/d", as Go's ServeMux cleans it; a slash at the end stays.
std::string CleanPath(std::string_view path) {
  std::vector<std::string_view> kept;
  std::string_view rest = path;
  std::string_view segment;
  while (!rest.empty()) {
    segment = TakeSegment(&rest);
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string out;
  for (const std::string_view s : kept) out.append("/").append(s);
  if (out.empty() || path.back() == '/') out += '/';
  return out;
}

bool IsClean(std::string_view path) {
  for (size_t at = path.find("/"); at != std::string_view::npos; at = path.find("/", at + 1)) {
    const std::string_view rest = path.substr(at);
    if (rest.starts_with("//") || rest.starts_with("/./") || rest.starts_with("/../") ||
        rest == "/." || rest == "/..") {
      return false;
    }
  }
  return true;
}

// For a Location: what a path may hold as it stands is kept.
std::string EscapePath(std::string_view path) {
  constexpr std::string_view kPlain = "-_.~/:@!$&'()*+,;=";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alphanumeric || kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append("%").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
  return out;
}

}  // namespace

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> fixed;
  std::unique_ptr<Node> param;
  std::string param_name;
  std::unique_ptr<Node> rest;
  std::string rest_name;
  std::map<std::string, std::shared_ptr<const Route>, std::less<>> routes;  // by method
};

Router::Router(std::string prefix)
    : prefix_(prefix == "/" ? "" : std::move(prefix)),
      root_(std::make_unique<Node>()),
      not_found_(InlineRoute(
          [](Request&, Response* response) { response->Error(404, "404 page not found"); })) {
  if (prefix_.empty()) return;
  // Who comes to the root is sent below the prefix.
  auto root = InlineRoute(
      [this](Request& request, Response* response) { response->Redirect(request, 302, prefix_); });
  auto& child = root_->fixed[""];
  child = std::make_unique<Node>();
  child->routes["GET"] = std::move(root);
}

Router::~Router() = default;

void Router::Handle(std::string_view method, std::string_view pattern, Handler handler,
                    RouteOptions options) {
  if (options.label.empty()) options.label = pattern;
  const std::string full = prefix_ + std::string(pattern);
  std::string_view rest = full;
  Node* node = root_.get();
  while (!rest.empty()) {
    const std::string_view segment = TakeSegment(&rest);
    if (!segment.empty() && segment[0] == '*') {
      if (node->rest == nullptr) node->rest = std::make_unique<Node>();
      node->rest_name = segment.substr(1);
      node = node->rest.get();
      break;
    }
    if (!segment.empty() && segment[0] == ':') {
      if (node->param == nullptr) node->param = std::make_unique<Node>();
      node->param_name = segment.substr(1);
      node = node->param.get();
    } else {
      auto& child = node->fixed[std::string(segment)];
      if (child == nullptr) child = std::make_unique<Node>();
      node = child.get();
    }
  }
  auto route = std::make_shared<Route>();
  route->handler = std::move(handler);
  route->options = std::move(options);
  node->routes[std::string(method)] = std::move(route);
}

void Router::Get(std::string_view pattern, Handler handler, RouteOptions options) {
  Handle("GET", pattern, std::move(handler), std::move(options));
}

void Router::Post(std::string_view pattern, Handler handler, RouteOptions options) {
  Handle("POST", pattern, std::move(handler), std::move(options));
}

const Router::Node* Router::Walk(const Node* node, std::string_view rest, std::string_view method,
                                 Params* params) const {
  const auto serves = [method](const Node* candidate) {
    return method.empty() ? !candidate->routes.empty() : candidate->routes.contains(method);
  };
  if (rest.empty()) return serves(node) ? node : nullptr;
  std::string_view after = rest;
  const std::string_view segment = TakeSegment(&after);
  if (const auto it = node->fixed.find(segment); it != node->fixed.end()) {
    if (const Node* found = Walk(it->second.get(), after, method, params)) return found;
  }
  if (node->param != nullptr && !segment.empty()) {
    if (const Node* found = Walk(node->param.get(), after, method, params)) {
      params->Add(node->param_name, std::string(segment));
      return found;
    }
  }
  if (node->rest != nullptr && serves(node->rest.get())) {
    params->Add(node->rest_name, std::string(rest));
    return node->rest.get();
  }
  return nullptr;
}

Router::Match Router::Find(std::string_view method, std::string_view path) const {
  if (path.empty() || path[0] != '/') return Miss(method, path);
  if (!IsClean(path)) {
    return {
        InlineRoute([location = EscapePath(CleanPath(path))](Request& request, Response* response) {
          response->Redirect(request, 301,
                             request.query.empty() ? location : location + "?" + request.query);
        })};
  }
  Match match;
  const Node* node = Walk(root_.get(), path, method, &match.params);
  if (node == nullptr) return Miss(method, path);
  match.route = node->routes.find(method)->second;
  match.found = true;
  return match;
}

Router::Match Router::Miss(std::string_view method, std::string_view path) const {
  const auto methods_of = [&](std::string_view candidate) {
    std::set<std::string> methods;
    Params ignored;
    const bool absolute = !candidate.empty() && candidate[0] == '/';
    const Node* node = absolute ? Walk(root_.get(), candidate, "", &ignored) : nullptr;
    if (node != nullptr) {
      for (const auto& [name, route] : node->routes) methods.insert(name);
    }
    // OPTIONS alone (it may stand for a whole tree) does not make a path.
    methods.erase("OPTIONS");
    return methods;
  };
  std::set<std::string> methods = methods_of(path);
  if (!methods.empty()) {
    methods.insert("OPTIONS");
    std::string allow;
    for (const std::string& name : methods) allow += (allow.empty() ? "" : ", ") + name;
    const bool options = method == "OPTIONS";
    return {InlineRoute([allow, options](Request&, Response* response) {
      response->headers.Set("Allow", allow);
      if (!options) response->Error(405, StatusText(405));
    })};
  }
  if (method != "CONNECT" && path.size() > 1) {
    std::string other(path);
    if (other.back() == '/') {
      other.pop_back();
    } else {
      other += '/';
    }
    if (methods_of(other).contains(std::string(method))) {
      const int code = method == "GET" ? 301 : 308;
      return {InlineRoute([code, path = EscapePath(other)](Request& request, Response* response) {
        std::string location = path;
        if (!request.query.empty()) location += "?" + request.query;
        response->Redirect(request, code, std::move(location));
      })};
    }
  }
  return {not_found_};
}

std::vector<std::string> Router::Labels() const {
  std::set<std::string> labels;
  const auto collect = [&labels](const auto& self, const Node* node) -> void {
    if (node == nullptr) return;
    for (const auto& [method, route] : node->routes) {
      if (!route->options.label.empty()) labels.insert(route->options.label);
    }
    for (const auto& [text, child] : node->fixed) self(self, child.get());
    self(self, node->param.get());
    self(self, node->rest.get());
  };
  collect(collect, root_.get());
  return {labels.begin(), labels.end()};
}

}  // namespace deucalion::http
