#include "server/exit_on_signal.h"

#include <pthread.h>

#include <csignal>
#include <cstdlib>
#include <ctime>

namespace deucalion {
namespace {

// How often the end of this object is looked for.
constexpr timespec kPoll{.tv_sec = 0, .tv_nsec = 50'000'000};

void Watch(const std::stop_token& stop, Logger* logger) {
  pthread_setname_np(pthread_self(), "start-signals");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  while (!stop.stop_requested()) {
    const int signal = ::sigtimedwait(&set, nullptr, &kPoll);
    if (signal < 0) continue;
    LogSignal(logger, signal);
    logger->Info("See you next time!");
    std::_Exit(0);
  }
}

}  // namespace

void LogSignal(Logger* logger, int signal) {
  logger->Warn("Received an OS signal, exiting gracefully...",
               {{"signal", signal == SIGINT ? "interrupt" : "terminated"}});
}

ExitOnSignal::ExitOnSignal(Logger* logger)
    : thread_([logger](const std::stop_token& stop) { Watch(stop, logger); }) {}

ExitOnSignal::~ExitOnSignal() = default;

}  // namespace deucalion
