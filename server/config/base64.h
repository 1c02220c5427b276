// Standard base64, with padding: !!binary of YAML, passwords of HTTP's Basic scheme.
#ifndef DEUCALION_SERVER_CONFIG_BASE64_H_
#define DEUCALION_SERVER_CONFIG_BASE64_H_

#include <string>
#include <string_view>

namespace deucalion::config {

// Appends to *out. False when `text` is not base64; *out then holds a part.
bool DecodeBase64(std::string_view text, std::string* out);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_BASE64_H_
