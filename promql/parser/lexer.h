// Text -> tokens. Which words are possible depends on where we are: inside braces keywords are
// plain identifiers, inside brackets a duration comes first.
//
// Thread-compatible; borrows the text. After a kError token the lexer is spent: error() says what
// is wrong, in Prometheus's words.
#ifndef DEUCALION_PROMQL_PARSER_LEXER_H_
#define DEUCALION_PROMQL_PARSER_LEXER_H_

#include <string>
#include <string_view>

#include "promql/parser/token.h"

namespace deucalion::promql {

class Lexer {
 public:
  // `text` is shorter than 2 GiB.
  explicit Lexer(std::string_view text) : text_(text) {}

  Token Next();
  const std::string& error() const { return error_; }
  std::string_view TextOf(const Token& t) const {
    return text_.substr(t.span.begin, t.span.end - t.span.begin);
  }

 private:
  Token InStatement();
  Token InBraces();
  Token InDuration();
  Token AtEnd();
  Token Symbol();
  Token CloseParen();
  Token OpenBracket();
  Token Word();
  Token WordInBrackets();
  Token NumberOrDuration();
  Token String();
  bool DurationWord(Token* token);
  bool FollowedByParen(size_t at) const;
  bool SkipBlanks(bool comments);
  char32_t RuneAt(size_t at) const;
  std::string_view rest() const { return text_.substr(pos_); }
  Token Emit(TokenKind kind, size_t size);
  Token Fail(std::string message);

  std::string_view text_;
  size_t pos_ = 0;
  std::string error_;

  int open_parens_ = 0;
  bool in_braces_ = false;
  bool in_brackets_ = false;
  bool in_duration_ = false;    // in brackets, no number yet
  bool seen_duration_ = false;  // in any brackets so far
  bool seen_colon_ = false;
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PARSER_LEXER_H_
