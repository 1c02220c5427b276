// Names as clients without UTF-8 send them in URLs: "U__" and then '_' for what is not a legacy
// character, as "__" for an underscore and "_<hex>_" for any other code point.
#ifndef DEUCALION_SERVER_API_ESCAPE_NAME_H_
#define DEUCALION_SERVER_API_ESCAPE_NAME_H_

#include <string>
#include <string_view>

#include "server/http/exposition_format.h"

namespace deucalion::api {

// The name itself when it is not escaped, or not well.
std::string UnescapeName(std::string_view name);

// A name for a reader that wants this escaping; UTF-8 in. `colons`: of a metric, where ':' is a
// letter.
std::string EscapeName(std::string_view name, http::NameEscaping escaping, bool colons);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_ESCAPE_NAME_H_
