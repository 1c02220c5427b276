// Small text work the commands share.
#ifndef DEUCALION_SERVER_TOOL_TEXT_H_
#define DEUCALION_SERVER_TOOL_TEXT_H_

#include <istream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace deucalion::tool {

// The parts of "a,b,c"; one empty part of "". Views into `text`.
std::vector<std::string_view> SplitCommas(std::string_view text);
// Everything up to the end of the stream.
std::string ReadAll(std::istream& in);

// A label name for the path of a URL: itself when it is a legacy name, else "U__" and the escapes
// that the API undoes.
std::string EscapeName(std::string_view name);

// Columns aligned with tabs of four, as Go's text/tabwriter prints them under promtool's settings.
class TabTable {
 public:
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void Print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_TEXT_H_
