// Tokens of the two text formats, and what both token parsers need: reading quoted strings,
// resolving escapes, building labels, error texts.
#ifndef DEUCALION_SCRAPE_PARSE_TOKEN_H_
#define DEUCALION_SCRAPE_PARSE_TOKEN_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "scrape/parse/scan.h"

namespace deucalion::scrape {

enum class Token {
  kInvalid,
  kEof,
  kLinebreak,
  kWhitespace,
  kHelp,
  kType,
  kUnit,
  kEofWord,
  kText,
  kComment,
  kMetricName,
  kQuotedString,
  kBraceOpen,
  kBraceClose,
  kLabelName,
  kLabelValue,
  kComma,
  kEqual,
  kTimestamp,
  kValue,
};
// "INVALID", "MNAME", … as error messages name them.
std::string_view TokenName(Token token);

// A lexer's place in the body. `pos` is the first byte after the token, or, for kInvalid, the byte
// that does not fit.
struct LexerCursor {
  std::string_view body;
  size_t start = 0;
  size_t pos = 0;

  std::string_view token() const { return body.substr(start, pos - start); }
  // NUL past the end.
  char at(size_t i) const { return i < body.size() ? body[i] : '\0'; }
  bool done() const { return pos >= body.size(); }
};

// What the byte NUL means inside a quoted string.
enum class NulBytes { kAllowed, kRefused };
// Reads "…" at cursor->pos; '\' takes the next byte along. False: cursor->pos is at the misfit.
bool LexQuoted(LexerCursor* cursor, bool newline_allowed, NulBytes nul);
// \" \\ \n; any other backslash stays.
std::string Unescape(std::string_view text);
// HELP of the text format knows \\ and \n only.
std::string UnescapeHelp(std::string_view text);

// "<expected>, got "…" ("TOKEN") while parsing: "…"".
Status ParseError(std::string_view expected, Token got, const LexerCursor& cursor, size_t line);
// "<problem> while parsing: "…"", up to the cursor.
Status ErrorWhileParsing(std::string_view problem, const LexerCursor& cursor, size_t line);
// Quoted as Go's %q, cut where an endless line would make an endless message.
std::string QuoteExcerpt(std::string_view text);

// A sample value or timestamp in the words of strconv.ParseFloat. NaN becomes the ordinary NaN.
Status ParseSampleFloat(std::string_view text, double* out);

// Metadata that becomes labels; empty fields do not.
struct MetadataLabels {
  MetricKind kind = MetricKind::kUnknown;
  std::string_view unit;
};
// Sorted labels from raw pairs. `kind` says whether `le` or `quantile` holds a number to normalise.
// `metadata` null: no __type__ and __unit__. Error: label name "x" is not unique: invalid sample.
Status BuildSeriesLabels(std::string_view raw_name, const RawLabels& raw, MetricKind kind,
                         const MetadataLabels* metadata, Labels* out);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_PARSE_TOKEN_H_
