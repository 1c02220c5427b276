#include "promql/functions/math.h"

#include <cmath>
#include <cstdint>
#include <limits>

namespace deucalion::promql {
namespace {

double Sgn(double v) { return v < 0 ? -1 : v > 0 ? 1 : v; }
double Rad(double v) { return v * M_PI / 180; }
double Deg(double v) { return v * 180 / M_PI; }

// Year, month and day of a count of days since 1970-01-01 in the proleptic Gregorian calendar, from
// eras of 400 years that begin on the first of March (Howard Hinnant's days_from_civil, inverted).
struct Date {
  int64_t year;
  int month, day;  // from 1
};

Date DateOf(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<int64_t>(days - era * 146097);
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const int day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  const int month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

bool IsLeap(int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

int DaysInMonth(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

// As Go's int64(f) on amd64: what does not fit, NaN too, is the smallest integer.
int64_t Seconds(double v) {
  constexpr double kLimit = 9223372036854775808.0;
  if (!(v >= -kLimit && v < kLimit)) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(v);
}

// Go counts seconds from the first of January of the year -292277022399, without a sign: earlier
// times are taken for times of a far future.
constexpr int64_t kGoZeroDays = 106751991073094;
constexpr uint64_t kGoZeroSeconds = static_cast<uint64_t>(kGoZeroDays) * 86400;

uint64_t GoSeconds(double v) { return static_cast<uint64_t>(Seconds(v)) + kGoZeroSeconds; }
int64_t Floor(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
int64_t Days(double v) { return static_cast<int64_t>(GoSeconds(v) / 86400) - kGoZeroDays; }
int64_t SecondOfDay(double v) { return static_cast<int64_t>(GoSeconds(v) % 86400); }

double Year(double v) { return static_cast<double>(DateOf(Days(v)).year); }
double Month(double v) { return DateOf(Days(v)).month; }
double DayOfMonth(double v) { return DateOf(Days(v)).day; }
double DayOfWeek(double v) {
  const int64_t days = Days(v) + 4;  // 1970-01-01 was a Thursday
  return static_cast<double>(days - Floor(days, 7) * 7);
}
double DayOfYear(double v) {
  const Date d = DateOf(Days(v));
  int day = d.day;
  for (int m = 1; m < d.month; m++) day += DaysInMonth(d.year, m);
  return day;
}
double DaysInMonthOf(double v) {
  const Date d = DateOf(Days(v));
  return DaysInMonth(d.year, d.month);
}
double Hour(double v) { return static_cast<double>(SecondOfDay(v) / 3600); }
double Minute(double v) { return static_cast<double>(SecondOfDay(v) / 60 % 60); }

}  // namespace

FloatFunction MathFunctionOf(FunctionId id) {
  switch (id) {
    case FunctionId::kAbs:
      return [](double v) { return std::fabs(v); };
    case FunctionId::kAcos:
      return [](double v) { return std::acos(v); };
    case FunctionId::kAcosh:
      return [](double v) { return std::acosh(v); };
    case FunctionId::kAsin:
      return [](double v) { return std::asin(v); };
    case FunctionId::kAsinh:
      return [](double v) { return std::asinh(v); };
    case FunctionId::kAtan:
      return [](double v) { return std::atan(v); };
    case FunctionId::kAtanh:
      return [](double v) { return std::atanh(v); };
    case FunctionId::kCeil:
      return [](double v) { return std::ceil(v); };
    case FunctionId::kCos:
      return [](double v) { return std::cos(v); };
    case FunctionId::kCosh:
      return [](double v) { return std::cosh(v); };
    case FunctionId::kDeg:
      return Deg;
    case FunctionId::kExp:
      return [](double v) { return std::exp(v); };
    case FunctionId::kFloor:
      return [](double v) { return std::floor(v); };
    case FunctionId::kLn:
      return [](double v) { return std::log(v); };
    case FunctionId::kLog10:
      return [](double v) { return std::log10(v); };
    case FunctionId::kLog2:
      return [](double v) { return std::log2(v); };
    case FunctionId::kRad:
      return Rad;
    case FunctionId::kSgn:
      return Sgn;
    case FunctionId::kSin:
      return [](double v) { return std::sin(v); };
    case FunctionId::kSinh:
      return [](double v) { return std::sinh(v); };
    case FunctionId::kSqrt:
      return [](double v) { return std::sqrt(v); };
    case FunctionId::kTan:
      return [](double v) { return std::tan(v); };
    case FunctionId::kTanh:
      return [](double v) { return std::tanh(v); };
    default:
      return nullptr;
  }
}

FloatFunction DateFunctionOf(FunctionId id) {
  switch (id) {
    case FunctionId::kDayOfMonth:
      return DayOfMonth;
    case FunctionId::kDayOfWeek:
      return DayOfWeek;
    case FunctionId::kDayOfYear:
      return DayOfYear;
    case FunctionId::kDaysInMonth:
      return DaysInMonthOf;
    case FunctionId::kHour:
      return Hour;
    case FunctionId::kMinute:
      return Minute;
    case FunctionId::kMonth:
      return Month;
    case FunctionId::kYear:
      return Year;
    default:
      return nullptr;
  }
}

}  // namespace deucalion::promql
