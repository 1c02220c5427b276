// Files of a directory over HTTP: --web.user-assets.
#ifndef DEUCALION_SERVER_WEB_FILES_H_
#define DEUCALION_SERVER_WEB_FILES_H_

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "server/http/message.h"

namespace deucalion::web {

// Larger files are refused: these are pages and pictures, read whole into memory.
inline constexpr uint64_t kMaxAssetBytes = 64 << 20;

// Answers with the file at `path` ("/a/b.html", decoded) below `dir`, index.html for a directory,
// or 404. Never leaves `dir` by the path ("..", NUL); symbolic links are the administrator's own.
void ServeFile(FileSystem* fs, const std::string& dir, std::string_view path,
               http::Response* response);

}  // namespace deucalion::web

#endif  // DEUCALION_SERVER_WEB_FILES_H_
