// ExitOnSignal: SIGTERM and SIGINT while the database is opening.
//
// The replay of a large WAL takes a while, and nothing that was asked to stop should go on with it.
// As long as this lives, either signal ends the process at once, with status 0: the files on disk
// are then as after a kill, which they are made for, and nothing new has been acknowledged yet. The
// signals must be blocked in all threads.
#ifndef DEUCALION_SERVER_EXIT_ON_SIGNAL_H_
#define DEUCALION_SERVER_EXIT_ON_SIGNAL_H_

#include <thread>

#include "base/log.h"

namespace deucalion {

class ExitOnSignal {
 public:
  explicit ExitOnSignal(Logger* logger);
  // From here on the signals are left to others.
  ~ExitOnSignal();

 private:
  std::jthread thread_;
};

void LogSignal(Logger* logger, int signal);

}  // namespace deucalion

#endif  // DEUCALION_SERVER_EXIT_ON_SIGNAL_H_
