#include "server/web/files.h"

#include <algorithm>
#include <array>
#include <utility>

namespace deucalion::web {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kTypes{{
    {".css", "text/css; charset=utf-8"},
    {".gif", "image/gif"},
    {".htm", "text/html; charset=utf-8"},
    {".html", "text/html; charset=utf-8"},
    {".ico", "image/vnd.microsoft.icon"},
    {".jpg", "image/jpeg"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".txt", "text/plain; charset=utf-8"},
    {".webp", "image/webp"},
    {".woff2", "font/woff2"},
    {".xml", "text/xml; charset=utf-8"},
}};

std::string_view TypeOf(std::string_view path) {
  for (const auto& [extension, type] : kTypes) {
    if (path.ends_with(extension)) return type;
  }
  return "application/octet-stream";
}

bool StaysInside(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return false;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (path.substr(0, end) == "..") return false;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return true;
}

}  // namespace

void ServeFile(FileSystem* fs, const std::string& dir, std::string_view path,
               http::Response* response) {
  const auto missing = [response] { response->Error(404, "404 page not found"); };
  if (!StaysInside(path)) return missing();
  std::string full = dir + (path.starts_with('/') ? "" : "/") + std::string(path);
  auto info = fs->Stat(full);
  if (info.ok() && info->is_directory) {
    full += full.ends_with('/') ? "index.html" : "/index.html";
    info = fs->Stat(full);
  }
  if (!info.ok() || info->is_directory) return missing();
  if (info->size_bytes > kMaxAssetBytes) return response->Error(413, "the file is too large");
  auto bytes = fs->ReadFile(full);
  if (!bytes.ok()) return response->Error(500, bytes.status().message());
  response->SetBody(std::move(bytes).value(), TypeOf(full));
}

}  // namespace deucalion::web
