// RFC 3339 and Unix-seconds times. Calendar arithmetic is Howard Hinnant's days_from_civil: eras of
// 400 years, years starting in March, so that leap days come last.
#include <cmath>

#include "model/duration.h"
#include "model/value.h"

namespace deucalion {
namespace {

// Prometheus's own texts for the ends of time, which its RFC 3339 parser cannot read.
constexpr std::string_view kMinTimeText = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kMaxTimeText = "292277025-08-18T07:12:54.999999999Z";
constexpr int64_t kMinTextMs = (kMinTimeMs / 1000 + 62135596801) * 1000;
constexpr int64_t kMaxTextMs = (kMaxTimeMs / 1000 - 62135596801) * 1000 + 999;

struct Date {
  int64_t year;
  int month;  // 1..12
  int day;    // 1..31
};

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

int64_t DaysFromDate(const Date& d) {
  const int64_t y = d.month <= 2 ? d.year - 1 : d.year;
  const int64_t era = FloorDiv(y, 400);
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

Date DateFromDays(int64_t days) {
  days += 719468;
  const int64_t era = FloorDiv(days, 146097);
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  const int month = static_cast<int>(month_from_march + (month_from_march < 10 ? 3 : -9));
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

int DaysInMonth(int64_t year, int month) {
  if (month == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Reads fixed fields off the front of an RFC 3339 text; fails for good at the first mismatch.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_; }
  bool done() const { return rest_.empty(); }

  int Digits(size_t n) {
    if (rest_.size() < n) return Fail();
    int value = 0;
    for (size_t i = 0; i < n; i++) {
      if (rest_[i] < '0' || rest_[i] > '9') return Fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(n);
    return value;
  }
  bool Accept(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(char c) {
    if (!Accept(c)) Fail();
  }
  // A point and any number of digits, or nothing. In milliseconds, the rest cut off.
  int FractionMs() {
    if (!Accept('.') && !Accept(',')) return 0;
    int ms = 0;
    int digits = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; digits++) {
      if (digits < 3) ms = ms * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    if (digits == 0) return Fail();
    for (; digits < 3; digits++) ms *= 10;
    return ms;
  }
  // Seconds east of UTC.
  int Zone() {
    if (Accept('Z')) return 0;
    const bool west = Accept('-');
    if (!west) Expect('+');
    const int hours = Digits(2);
    Expect(':');
    const int minutes = Digits(2);
    if (hours > 24 || minutes > 60) return Fail();
    const int seconds = hours * 3600 + minutes * 60;
    return west ? -seconds : seconds;
  }

 private:
  int Fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

bool ParseRfc3339(std::string_view text, int64_t* ms) {
  FieldReader in(text);
  Date date{};
  date.year = in.Digits(4);
  in.Expect('-');
  date.month = in.Digits(2);
  in.Expect('-');
  date.day = in.Digits(2);
  in.Expect('T');
  const int hour = in.Digits(2);
  in.Expect(':');
  const int minute = in.Digits(2);
  in.Expect(':');
  const int second = in.Digits(2);
  const int fraction_ms = in.FractionMs();
  const int zone = in.Zone();
  if (!in.ok() || !in.done()) return false;
  if (date.month < 1 || date.month > 12 || date.day < 1) return false;
  if (date.day > DaysInMonth(date.year, date.month)) return false;
  if (hour > 23 || minute > 59 || second > 59) return false;
  const int64_t seconds = DaysFromDate(date) * 86400 + hour * 3600 + minute * 60 + second - zone;
  *ms = seconds * 1000 + fraction_ms;
  return true;
}

// Rounds the fraction to milliseconds as the API does, by way of nanoseconds cut off to an integer.
bool SecondsToMs(double t, int64_t* ms) {
  if (!(std::fabs(t) < 9.2e15)) return false;  // also NaN
  double seconds = 0;
  double fraction = std::modf(t, &seconds);
  fraction = std::round(fraction * 1000) / 1000;
  const auto ns = static_cast<int64_t>(fraction * 1e9);
  *ms = static_cast<int64_t>(seconds) * 1000 + FloorDiv(ns, 1'000'000);
  return true;
}

void AppendPadded(std::string* out, int64_t value, size_t width) {
  const std::string digits = std::to_string(value < 0 ? -value : value);
  if (value < 0) out->push_back('-');
  if (digits.size() < width) out->append(width - digits.size(), '0');
  out->append(digits);
}

}  // namespace

Result<int64_t> ParseTime(std::string_view text) {
  int64_t ms = 0;
  double seconds = 0;
  if (ParseFloatFast(text, &seconds)) {
    if (SecondsToMs(seconds, &ms)) return ms;
  } else if (ParseRfc3339(text, &ms)) {
    return ms;
  } else if (text == kMinTimeText) {
    return kMinTextMs;
  } else if (text == kMaxTimeText) {
    return kMaxTextMs;
  }
  return InvalidArgumentError("cannot parse " + GoQuote(text) + " to a valid timestamp");
}

std::string FormatTimeRfc3339(int64_t ms) {
  const int64_t seconds = FloorDiv(ms, 1000);
  const int64_t days = FloorDiv(seconds, 86400);
  const int64_t second_of_day = seconds - days * 86400;
  const Date date = DateFromDays(days);
  std::string out;
  AppendPadded(&out, date.year, 4);
  out.push_back('-');
  AppendPadded(&out, date.month, 2);
  out.push_back('-');
  AppendPadded(&out, date.day, 2);
  out.push_back('T');
  AppendPadded(&out, second_of_day / 3600, 2);
  out.push_back(':');
  AppendPadded(&out, second_of_day / 60 % 60, 2);
  out.push_back(':');
  AppendPadded(&out, second_of_day % 60, 2);
  if (const int64_t fraction = (ms % 1000 + 1000) % 1000; fraction != 0) {
    out.push_back('.');
    AppendPadded(&out, fraction, 3);
    out.erase(out.find_last_not_of('0') + 1);
  }
  out.push_back('Z');
  return out;
}

}  // namespace deucalion
