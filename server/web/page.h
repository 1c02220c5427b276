// The plain page at /: what this is and where to go from here. Works without scripts; a small form
// sends a query to the API.
#ifndef DEUCALION_SERVER_WEB_PAGE_H_
#define DEUCALION_SERVER_WEB_PAGE_H_

#include <string>
#include <string_view>

namespace deucalion::web {

// `agent`: the page of a server that only scrapes and sends.
std::string FrontPage(std::string_view title, std::string_view version,
                      std::string_view path_prefix, bool agent);

}  // namespace deucalion::web

#endif  // DEUCALION_SERVER_WEB_PAGE_H_
