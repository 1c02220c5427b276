// Bytes as lower-case hexadecimal text.
#ifndef DEUCALION_SERVER_REMOTE_HEX_H_
#define DEUCALION_SERVER_REMOTE_HEX_H_

#include <string>
#include <string_view>

namespace deucalion::remote {

std::string HexText(std::string_view bytes);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_HEX_H_
