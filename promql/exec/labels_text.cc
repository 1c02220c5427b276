#include "promql/exec/labels_text.h"

#include "model/value.h"

namespace deucalion::promql {

std::string LabelsText(LabelsView labels) {
  std::string out = "{";
  for (const Label& l : labels) {
    if (out.size() > 1) out += ", ";
    out += IsLegacyLabelName(l.name) ? std::string(l.name) : GoQuote(l.name);
    out += '=';
    out += GoQuote(l.value);
  }
  out += '}';
  return out;
}

}  // namespace deucalion::promql
