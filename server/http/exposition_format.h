// The form in which metrics are answered, by an Accept header, as Prometheus's client library
// negotiates it (expfmt.Negotiate): text unless delimited protobuf is asked for and can be had.
#ifndef DEUCALION_SERVER_HTTP_EXPOSITION_FORMAT_H_
#define DEUCALION_SERVER_HTTP_EXPOSITION_FORMAT_H_

#include <string>
#include <string_view>

namespace deucalion::http {

// What stands for the characters of names that old readers do not know.
enum class NameEscaping { kUnderscores, kDots, kValues, kAllowUtf8 };

struct ExpositionFormat {
  bool protobuf = false;
  NameEscaping escaping = NameEscaping::kUnderscores;

  static ExpositionFormat Negotiate(std::string_view accept, bool can_protobuf);
  std::string ContentType() const;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_EXPOSITION_FORMAT_H_
