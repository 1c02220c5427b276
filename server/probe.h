// Whether something listens on a port of this machine.
#ifndef DEUCALION_SERVER_PROBE_H_
#define DEUCALION_SERVER_PROBE_H_

#include <cstdint>

namespace deucalion {

// A connection attempt to 127.0.0.1 that waits at most 200 ms.
bool PortAnswers(int64_t port);

}  // namespace deucalion

#endif  // DEUCALION_SERVER_PROBE_H_
