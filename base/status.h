// Status and Result<T>: the one way a function says that it failed.
//
// An OK Status is a null pointer, so returning success costs nothing. A failed one carries a code
// (what kind of failure; the HTTP layer maps it to a status code) and a message that says what was
// being done, to what, what was got and what was wanted.
#ifndef DEUCALION_BASE_STATUS_H_
#define DEUCALION_BASE_STATUS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace deucalion {

enum class StatusCode {
  kOk = 0,
  kInvalidArgument,    // the caller's input is wrong (HTTP 400 bad_data)
  kNotFound,           // no such thing
  kAlreadyExists,      // it is there already
  kOutOfOrder,         // sample older than the newest of its series
  kOutOfBounds,        // sample older than the head (or too far in the future)
  kTooOld,             // sample older than the out-of-order window
  kDuplicateSample,    // same timestamp, other value
  kCorrupt,            // bytes on disk or wire do not decode
  kIo,                 // the operating system said no
  kNoSpace,            // disk full
  kResourceExhausted,  // a limit or budget was exceeded
  kDeadlineExceeded,   // ran out of time
  kCanceled,           // the caller went away
  kUnavailable,        // not now; try again
  kUnimplemented,      // "not supported yet"
  kExecution,          // a query failed while being evaluated (HTTP 422)
  kInternal,           // a bug of ours
};

std::string_view StatusCodeName(StatusCode code);

// Thread-compatible value. Moving is one pointer.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;

  bool ok() const { return rep_ == nullptr; }
  StatusCode code() const { return rep_ ? rep_->code : StatusCode::kOk; }
  // Valid as long as this Status.
  const std::string& message() const;
  // "<code name>: <message>", "ok".
  std::string ToString() const;
  // Puts "<context>: " before the message. No effect on OK.
  Status WithContext(std::string_view context) const;

 private:
  struct Rep {
    StatusCode code;
    std::string message;
  };
  std::unique_ptr<Rep> rep_;
};

inline Status OkStatus() { return Status(); }
Status InvalidArgumentError(std::string message);
Status NotFoundError(std::string message);
Status CorruptError(std::string message);
Status IoError(std::string message);
Status ResourceExhaustedError(std::string message);
Status UnavailableError(std::string message);
Status UnimplementedError(std::string message);
Status InternalError(std::string message);
Status CanceledError(std::string message);
// From errno; ENOSPC and EDQUOT become kNoSpace, ENOENT kNotFound, EEXIST kAlreadyExists.
Status ErrnoError(std::string_view doing, int error_number);

// A value or the Status that says why there is none. Reading the value of a failed Result ends the
// process.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit by intent
  Result(Status status) : status_(std::move(status)) { CHECK(!status_.ok()); }  // NOLINT

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  Status TakeStatus() { return std::move(status_); }
  T& value() & {
    CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    CHECK(ok());
    return *value_;
  }
  T&& value() && {
    CHECK(ok());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T value_or(T other) && { return ok() ? std::move(*value_) : std::move(other); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace deucalion

#define RETURN_IF_ERROR(expr)                      \
  do {                                             \
    ::deucalion::Status status_macro_ = (expr);    \
    if (!status_macro_.ok()) return status_macro_; \
  } while (0)

#define DEUCALION_CONCAT_INNER(a, b) a##b
#define DEUCALION_CONCAT(a, b) DEUCALION_CONCAT_INNER(a, b)
#define ASSIGN_OR_RETURN_IMPL(result, lhs, expr)           \
  auto result = (expr);                                    \
  if (!result.ok()) return std::move(result).TakeStatus(); \
  lhs = std::move(result).value()
// ASSIGN_OR_RETURN(auto file, fs.Open(path));
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL(DEUCALION_CONCAT(result_macro_, __LINE__), lhs, expr)

#endif  // DEUCALION_BASE_STATUS_H_
