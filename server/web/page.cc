#include "server/web/page.h"

namespace deucalion::web {
namespace {

constexpr std::string_view kPage = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@TITLE@</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
  input { font: 15px ui-monospace, monospace; width: 100%; box-sizing: border-box; padding: .5rem; }
  ul { padding-left: 1.2rem; }
  code { font-size: .95em; }
  small { opacity: .7; }
</style>
</head>
<body>
<h1>Deucalion</h1>
@INTRO@<ul>
@QUERY_LINKS@  <li><a href="@PREFIX@/api/v1/targets">/api/v1/targets</a>: what is scraped, and what went wrong</li>
@STORAGE_LINKS@  <li><a href="@PREFIX@/api/v1/status/config">/api/v1/status/config</a>,
      <a href="@PREFIX@/api/v1/status/flags">flags</a>,
      <a href="@PREFIX@/api/v1/status/runtimeinfo">runtimeinfo</a>: how this server is set up</li>
  <li><a href="@PREFIX@/metrics">/metrics</a>: its own metrics</li>
</ul>
<small>version @VERSION@</small>
</body>
</html>
)html";

constexpr std::string_view kServerIntro =
    R"html(<p>A monitoring server that speaks Prometheus: same configuration, same PromQL, same HTTP API.
In Grafana, add a Prometheus data source with the address of this page.</p>
<form action="@PREFIX@/api/v1/query">
  <label>Ask something:
  <input name="query" value="up" spellcheck="false" autofocus></label>
</form>
)html";
constexpr std::string_view kAgentIntro =
    R"html(<p>This server runs in agent mode: it scrapes its targets and sends what they say to remote storage.
Queries, rules and alerts are the business of the other side.</p>
)html";
constexpr std::string_view kQueryLinks =
    R"html(  <li><a href="@PREFIX@/api/v1/query?query=up">/api/v1/query?query=up</a>: which targets answer</li>
)html";
constexpr std::string_view kStorageLinks =
    R"html(  <li><a href="@PREFIX@/api/v1/label/__name__/values">/api/v1/label/__name__/values</a>: every metric name</li>
  <li><a href="@PREFIX@/api/v1/status/tsdb">/api/v1/status/tsdb</a>: which metrics have the most series</li>
)html";

void Replace(std::string* text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text->find(what, at)) != std::string::npos; at += with.size()) {
    text->replace(at, what.size(), with);
  }
}

std::string HtmlEscape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

}  // namespace

std::string FrontPage(std::string_view title, std::string_view version,
                      std::string_view path_prefix, bool agent) {
  std::string page(kPage);
  Replace(&page, "@INTRO@", agent ? kAgentIntro : kServerIntro);
  Replace(&page, "@QUERY_LINKS@", agent ? "" : kQueryLinks);
  Replace(&page, "@STORAGE_LINKS@", agent ? "" : kStorageLinks);
  Replace(&page, "@TITLE@", HtmlEscape(title));
  Replace(&page, "@VERSION@", HtmlEscape(version));
  Replace(&page, "@PREFIX@", HtmlEscape(path_prefix));
  return page;
}

}  // namespace deucalion::web
