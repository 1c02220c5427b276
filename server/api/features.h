// What this server can do, as /api/v1/features lists it: category -> feature -> on or off. Parts
// register what they have where they are wired; the answer is never a fixed text.
#ifndef DEUCALION_SERVER_API_FEATURES_H_
#define DEUCALION_SERVER_API_FEATURES_H_

#include <map>
#include <string>
#include <string_view>

namespace deucalion::api {

// Filled at start, then const.
class FeatureRegistry {
 public:
  void Set(std::string_view category, std::string_view feature, bool on) {
    features_[std::string(category)][std::string(feature)] = on;
  }
  const std::map<std::string, std::map<std::string, bool>>& features() const { return features_; }

 private:
  std::map<std::string, std::map<std::string, bool>> features_;
};

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_FEATURES_H_
