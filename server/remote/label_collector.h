// Puts the labels of one series, as they come off the wire, into the encoding of model/labels.h.
#ifndef DEUCALION_SERVER_REMOTE_LABEL_COLLECTOR_H_
#define DEUCALION_SERVER_REMOTE_LABEL_COLLECTOR_H_

#include <string>
#include <vector>

#include "model/labels.h"
#include "server/remote/write_request.h"

namespace deucalion::remote {

// Reused from series to series. Views must stay valid until Finish.
class LabelCollector {
 public:
  void Clear() { labels_.clear(); }
  void Add(std::string_view name, std::string_view value) { labels_.push_back({name, value}); }
  // Sorts if need be, checks, drops empty values, appends the encoding to `out`. On a problem the
  // labels are appended for messages, empty values and repeated names included (nothing when they
  // are too long in all). `need_name`: __name__ must be there.
  LabelProblem Finish(bool need_name, std::string* out);

 private:
  LabelProblem Check(bool need_name) const;

  std::vector<Label> labels_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_LABEL_COLLECTOR_H_
