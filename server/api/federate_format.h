// How /federate writes samples: the text format, or protobuf for clients that ask for it (the only
// one of the two that can carry native histograms).
#ifndef DEUCALION_SERVER_API_FEDERATE_FORMAT_H_
#define DEUCALION_SERVER_API_FEDERATE_FORMAT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"
#include "server/http/exposition_format.h"

namespace deucalion::api {

struct FederatedSample {
  Labels labels;
  int64_t time_ms = 0;
  double value = 0;
  std::shared_ptr<const FloatHistogram> histogram;  // instead of the value
};

// External labels in the order of their names, with instance="" where none is configured: a target
// without an instance must not get that of whoever scrapes us.
std::vector<Label> FederateLabels(LabelsView external);

// Appends one metric family. All samples have the same __name__, and are all histograms or all
// floats. Histograms are left out of the text format.
void AppendFederatedFamily(const http::ExpositionFormat& format,
                           std::span<const FederatedSample> samples,
                           std::span<const Label> external, std::string* out);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_FEDERATE_FORMAT_H_
