// Sample values and their text. The stale marker is one NaN bit pattern; an ordinary NaN is
// another.
#ifndef DEUCALION_MODEL_VALUE_H_
#define DEUCALION_MODEL_VALUE_H_

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/status.h"

namespace deucalion {

inline constexpr uint64_t kStaleNanBits = 0x7ff0000000000002;
inline constexpr uint64_t kNormalNanBits = 0x7ff8000000000001;
inline double StaleNan() { return std::bit_cast<double>(kStaleNanBits); }
inline double NormalNan() { return std::bit_cast<double>(kNormalNanBits); }
inline bool IsStaleNan(double v) { return std::bit_cast<uint64_t>(v) == kStaleNanBits; }

inline constexpr int64_t kMinTimeMs = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kMaxTimeMs = std::numeric_limits<int64_t>::max();

// Go's strconv.FormatFloat(v, 'f', -1, 64) with NaN, +Inf, -Inf: PromQL results, `le` values.
void AppendFloatF(std::string* out, double v);
// Go's 'g', shortest: 'e' when the decimal exponent is below -4 or at least 6 (1e+06, as %v, %g and
// the text exposition write it).
void AppendFloatG(std::string* out, double v);
// Go's 'e', shortest; the exponent has at least two digits: 1e-07, 1e+21.
void AppendFloatE(std::string* out, double v);
// Prometheus's JSON: 'f', or 'e' when 0 < |v| < 1e-6 or |v| >= 1e21. Without the quotes.
void AppendFloatJson(std::string* out, double v);
std::string FormatFloatF(double v);
std::string FormatFloatG(double v);
std::string FormatFloatE(double v);
// Milliseconds as seconds, three decimals or none, as the HTTP API writes them: 1.500, 12, -0.001.
void AppendTimestampSeconds(std::string* out, int64_t ms);

// Go's strconv.ParseFloat(s, 64) without hex and underscores: decimal, exponent, Inf, Infinity, NaN
// any case. Values beyond the range are an error.
Result<double> ParseFloat(std::string_view text);
// Same, for hot loops: false on failure.
bool ParseFloatFast(std::string_view text, double* out);

// Go's strconv.Quote: "…" with \n, \", \\, \xNN for bytes that are not UTF-8, \u for
// non-printables.
std::string GoQuote(std::string_view text);

}  // namespace deucalion

#endif  // DEUCALION_MODEL_VALUE_H_
