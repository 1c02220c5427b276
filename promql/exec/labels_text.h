// Label sets as error messages show them: {__name__="up", job="x"}, the name among the others.
#ifndef DEUCALION_PROMQL_EXEC_LABELS_TEXT_H_
#define DEUCALION_PROMQL_EXEC_LABELS_TEXT_H_

#include <string>

#include "model/labels.h"

namespace deucalion::promql {

std::string LabelsText(LabelsView labels);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_LABELS_TEXT_H_
