// Byte sizes as Prometheus writes them in flags and in the configuration file: "512MB", "1GiB",
// "0". Powers of two in both spellings; a unit is required except for zero.
#ifndef DEUCALION_SERVER_CONFIG_UNITS_H_
#define DEUCALION_SERVER_CONFIG_UNITS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace deucalion::config {

// Errors in upstream's words: units: invalid x; units: unknown unit u in x; units: overflow parsing
// unit.
Result<int64_t> ParseBytes(std::string_view text);
// "0B", "512MiB", "1MiB512KiB": every unit that is not zero, largest first.
std::string FormatBytes(int64_t bytes);

// Go's time.ParseDuration ("2ms", "1h30m", "1.5s") in nanoseconds.
Result<int64_t> ParseGoDuration(std::string_view text);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_UNITS_H_
