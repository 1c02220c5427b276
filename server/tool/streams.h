// What every command of deutool is given and what it answers: streams instead of the process's own,
// so that tests read what a user would see, and an exit code.
#ifndef DEUCALION_SERVER_TOOL_STREAMS_H_
#define DEUCALION_SERVER_TOOL_STREAMS_H_

#include <istream>
#include <ostream>

namespace deucalion::tool {

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
// Nothing is wrong, but a lint check has found something.
inline constexpr int kLintFailure = 3;

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_STREAMS_H_
