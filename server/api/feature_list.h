// Fills the feature registry: what is built in, read from the tables that build it, and what flags
// have switched on.
#ifndef DEUCALION_SERVER_API_FEATURE_LIST_H_
#define DEUCALION_SERVER_API_FEATURE_LIST_H_

#include <span>
#include <string_view>
#include <vector>

#include "promql/functions/signature.h"
#include "server/api/features.h"
#include "server/api/route_table.h"

namespace deucalion::api {

// What the program consists of. Everything named here lives as long as the process.
struct FeatureSources {
  std::span<const promql::FunctionSignature> functions;
  std::vector<std::string_view> keywords;  // of PromQL, without operators and aggregations
  std::span<const ApiRoute> routes;
  std::vector<std::string_view> discovery;  // kinds of service discovery there is machinery for

  static FeatureSources BuiltIn();
};

// What the command line says.
struct FeatureSwitches {
  bool agent = false;
  bool auto_reload_config = false;
  bool admin = false;
  bool lifecycle = false;
  bool remote_write_receiver = false;
  bool otlp_receiver = false;
  bool otlp_native_delta = false;
  bool experimental_functions = false;
  bool extended_range_selectors = false;
  bool fill_modifiers = false;
  bool delayed_name_removal = false;
  bool per_step_stats = false;
  bool type_and_unit_labels = false;
  bool start_zero_ingestion = false;
  bool exemplar_storage = false;
};

void RegisterFeatures(const FeatureSources& sources, const FeatureSwitches& switches,
                      FeatureRegistry* registry);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_FEATURE_LIST_H_
