#include "server/http/multipart.h"

#include <string>

namespace deucalion::http {
namespace {

// What Go's reader calls every end that comes too early.
Status UnexpectedEnd() { return InvalidArgumentError("multipart: NextPart: EOF"); }

// The line at the start of `text`, without its end; `text` moves behind it. False: no line end.
bool TakeLine(std::string_view* text, std::string_view* line) {
  const size_t end = text->find('\n');
  if (end == std::string_view::npos) return false;
  *line = text->substr(0, end);
  text->remove_prefix(end + 1);
  if (!line->empty() && line->back() == '\r') line->remove_suffix(1);
  return true;
}

struct PartHead {
  std::string name;
  bool is_field = false;  // form-data with a name, not a file
};

// Header lines up to the empty one.
bool TakeHead(std::string_view* text, PartHead* head) {
  constexpr std::string_view kDisposition = "content-disposition";
  std::string_view line;
  while (TakeLine(text, &line)) {
    if (line.empty()) return true;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    if (!EqualsIgnoreCase(line.substr(0, colon), kDisposition)) continue;
    const auto value = ParseMediaType(line.substr(colon + 1));
    if (!value.ok() || value->type != "form-data" || !value->params.Has("name")) continue;
    head->name = value->params.Get("name");
    head->is_field = !value->params.Has("filename");
  }
  return false;
}

}  // namespace

Status ParseMultipart(std::string_view boundary, std::string_view body, Params* params) {
  if (boundary.empty()) return InvalidArgumentError("no multipart boundary param in Content-Type");
  const std::string dashes = "--" + std::string(boundary);
  const std::string delimiter = "\n" + dashes;
  // A preamble may stand before the first boundary.
  size_t at = body.starts_with(dashes) ? 0 : body.find(delimiter);
  if (at == std::string_view::npos) return UnexpectedEnd();
  body.remove_prefix(at + (at == 0 && body.starts_with(dashes) ? 0 : 1) + dashes.size());
  while (!body.starts_with("--")) {
    std::string_view padding;
    PartHead head;
    if (!TakeLine(&body, &padding) || !TakeHead(&body, &head)) return UnexpectedEnd();
    // The line end before a boundary belongs to the boundary; an empty value has none of its own.
    std::string_view value;
    if (body.starts_with(dashes)) {
      body.remove_prefix(dashes.size());
    } else {
      at = body.find(delimiter);
      if (at == std::string_view::npos) return UnexpectedEnd();
      value = body.substr(0, at);
      if (!value.empty() && value.back() == '\r') value.remove_suffix(1);
      body.remove_prefix(at + delimiter.size());
    }
    if (head.is_field) params->Add(std::move(head.name), std::string(value));
  }
  return OkStatus();
}

}  // namespace deucalion::http
