#include "server/tool/metric_families.h"

#include <memory>
#include <unordered_set>

#include "scrape/parse/parser.h"

namespace deucalion::tool {
namespace {

bool IsComposite(MetricKind kind) {
  return kind == MetricKind::kHistogram || kind == MetricKind::kSummary;
}

// The family that owns the series `name`: of that name, or a histogram or summary it is a part of.
std::string_view FamilyOf(std::string_view name, const std::map<std::string, MetricFamily>& known) {
  if (known.contains(std::string(name))) return name;
  for (const std::string_view suffix : {"_count", "_sum", "_bucket"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string_view stem = name.substr(0, name.size() - suffix.size());
    const auto it = known.find(std::string(stem));
    if (it == known.end()) continue;
    if (it->second.kind == MetricKind::kHistogram) return stem;
    if (it->second.kind == MetricKind::kSummary && suffix != "_bucket") return stem;
  }
  return name;
}

class Collector {
 public:
  Status Read(scrape::Parser* parser) {
    for (;;) {
      scrape::Entry entry;
      RETURN_IF_ERROR(parser->Next(&entry));
      if (entry == scrape::Entry::kEof) return OkStatus();
      if (entry == scrape::Entry::kHelp) Family(parser->family()).has_help = true;
      if (entry == scrape::Entry::kType) Family(parser->family()).kind = parser->kind();
      if (entry == scrape::Entry::kSeries) RETURN_IF_ERROR(AddSeries(parser));
    }
  }

  std::vector<MetricFamily> Take() {
    std::vector<MetricFamily> families;
    for (auto& [name, family] : families_) {
      if (!family.metrics.empty()) families.push_back(std::move(family));
    }
    return families;
  }

 private:
  MetricFamily& Family(std::string_view name) {
    MetricFamily& family = families_[std::string(name)];
    if (family.name.empty()) family.name = name;
    return family;
  }

  Status AddSeries(scrape::Parser* parser) {
    Labels labels;
    RETURN_IF_ERROR(parser->BuildLabels(&labels));
    const std::string name(labels.Get(kMetricName));
    MetricFamily& family = Family(FamilyOf(name, families_));
    LabelsBuilder builder(labels);
    builder.Delete(kMetricName);
    if (!IsComposite(family.kind)) {
      family.metrics.push_back(builder.Build());
      return OkStatus();
    }
    const bool histogram = family.kind == MetricKind::kHistogram;
    const std::string_view special = histogram ? "le" : "quantile";
    const bool is_bucket = name == (histogram ? family.name + "_bucket" : family.name);
    builder.Delete(special);
    Labels metric = builder.Build();
    auto& seen = metrics_of_[family.name];
    if (seen.insert(metric).second) family.metrics.push_back(metric);
    if (is_bucket && metric == family.metrics.front()) ++family.buckets;
    return OkStatus();
  }

  std::map<std::string, MetricFamily> families_;
  // Of composite families: the metrics begun.
  std::map<std::string, std::unordered_set<Labels, LabelsHash, LabelsEqual>> metrics_of_;
};

}  // namespace

size_t MetricFamily::Cardinality() const {
  // Sum and count of each beside the buckets or quantiles.
  return metrics.size() * (IsComposite(kind) ? 2 + buckets : 1);
}

Result<std::vector<MetricFamily>> ReadFamilies(std::string_view text) {
  const std::unique_ptr<scrape::Parser> parser = scrape::NewTextParser(text, {});
  Collector collector;
  RETURN_IF_ERROR(collector.Read(parser.get()));
  return collector.Take();
}

}  // namespace deucalion::tool
