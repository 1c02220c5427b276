// CHECK: a broken promise between our own lines ends the process with file, line and the condition.
// Never reached by user input or a bad disk: those are Status.
#ifndef DEUCALION_BASE_CHECK_H_
#define DEUCALION_BASE_CHECK_H_

namespace deucalion {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
}  // namespace deucalion

#define CHECK(condition) \
  ((condition) ? void(0) : ::deucalion::CheckFailed(__FILE__, __LINE__, #condition))

#endif  // DEUCALION_BASE_CHECK_H_
