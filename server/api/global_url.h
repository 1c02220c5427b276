// How a target on this machine is shown to people elsewhere.
#ifndef DEUCALION_SERVER_API_GLOBAL_URL_H_
#define DEUCALION_SERVER_API_GLOBAL_URL_H_

#include <string>
#include <string_view>

namespace deucalion::api {

// The URL itself unless its host is localhost, 127.0.0.1 or ::1. Then: for our own port the scheme
// and host of the external URL, for another port the host name of the external URL and that port.
std::string GlobalUrl(std::string_view url, std::string_view external_scheme,
                      std::string_view external_host, std::string_view own_port);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_GLOBAL_URL_H_
