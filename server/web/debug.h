// /debug/pprof: what a server that is not written in Go can honestly say there.
#ifndef DEUCALION_SERVER_WEB_DEBUG_H_
#define DEUCALION_SERVER_WEB_DEBUG_H_

#include "server/http/router.h"

namespace deucalion::web {

// The index and `cmdline` answer; Go's profiles are unknown here, and say so with 404.
void RegisterDebug(http::Router* router);

}  // namespace deucalion::web

#endif  // DEUCALION_SERVER_WEB_DEBUG_H_
