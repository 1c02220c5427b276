// /series, /labels, /label/<name>/values: what there is, without samples.
#include <algorithm>
#include <set>

#include "model/value.h"
#include "server/api/api.h"
#include "server/api/escape_name.h"
#include "server/api/json.h"
#include "server/api/params.h"
#include "server/api/reply.h"

namespace deucalion::api {
namespace {

constexpr std::string_view kTruncated = "results truncated due to limit";

struct MetadataQuery {
  int64_t start_ms = 0, end_ms = 0;
  size_t limit = 0;
  std::vector<std::vector<Matcher>> matchers;
};

// False: the answer has been written.
bool Read(const http::Params& form, bool name_match_parameter, MetadataQuery* out,
          http::Response* response) {
  const auto limit = LimitParam(form);
  if (!limit.ok()) return RespondInvalidParameter("limit", limit.status(), response), false;
  const auto start = TimeParam(form, "start", kMinApiTimeMs);
  if (!start.ok()) return RespondInvalidParameter("start", start.status(), response), false;
  const auto end = TimeParam(form, "end", kMaxApiTimeMs);
  if (!end.ok()) return RespondInvalidParameter("end", end.status(), response), false;
  auto matchers = MatchParams(form);
  if (!matchers.ok()) {
    if (name_match_parameter) {
      RespondInvalidParameter("match[]", matchers.status(), response);
    } else {
      RespondError(ErrorType::kBadData, matchers.status().message(), response);
    }
    return false;
  }
  out->limit = *limit;
  out->start_ms = *start;
  out->end_ms = *end;
  out->matchers = std::move(*matchers);
  return true;
}

void RespondStrings(std::vector<std::string> values, size_t limit, bool truncated,
                    std::vector<std::string> warnings, http::Response* response) {
  Notes notes{.warnings = std::move(warnings)};
  if (limit > 0 && values.size() > limit) {
    values.resize(limit);
    truncated = true;
  }
  if (truncated) notes.warnings.emplace_back(kTruncated);
  std::string json;
  JsonArray array(&json);
  for (const std::string& v : values) array.String(v);
  array.Close();
  RespondData(json, notes, response);
}

// Runs `list` (names or values for one matcher set) over every set and merges.
template <typename List>
void RespondMerged(const MetadataQuery& query, const Querier& querier, List list,
                   http::Response* response) {
  bool truncated = false;
  std::vector<std::vector<Matcher>> sets = query.matchers;
  if (sets.empty()) sets.emplace_back();
  std::vector<std::string> merged;
  for (const auto& matchers : sets) {
    Result<std::vector<std::string>> some = list(matchers, &truncated);
    if (!some.ok()) {
      return RespondError(ErrorType::kExecution, some.status().message(), response);
    }
    merged.insert(merged.end(), std::make_move_iterator(some->begin()),
                  std::make_move_iterator(some->end()));
  }
  if (sets.size() > 1) {
    std::sort(merged.begin(), merged.end());
    merged.erase(std::unique(merged.begin(), merged.end()), merged.end());
  }
  RespondStrings(std::move(merged), query.limit, truncated, querier.Warnings(), response);
}

// Series of one or several sorted sets, each label set once, as a JSON array in pieces.
class SeriesBody : public http::BodySource {
 public:
  SeriesBody(std::unique_ptr<Querier> querier, std::vector<std::unique_ptr<SeriesSet>> sets,
             size_t limit)
      : querier_(std::move(querier)), sets_(std::move(sets)), heads_(sets_.size()), limit_(limit) {
    for (size_t i = 0; i < sets_.size(); i++) Load(i);
  }

  Result<bool> Next(std::string* out) override {
    const size_t want = out->size() + (64 << 10);
    if (written_ == 0 && !begun_) {
      AppendEnvelopeBegin(out);
      out->push_back('[');
      begun_ = true;
    }
    while (out->size() < want) {
      if (!NextSeries()) {
        Notes notes;
        notes.warnings = querier_->Warnings();
        if (truncated_) notes.warnings.emplace_back(kTruncated);
        out->push_back(']');
        AppendEnvelopeEnd(out, notes);
        return false;
      }
      if (written_++ > 0) out->push_back(',');
      AppendJsonLabels(out, current_);
    }
    return true;
  }

 private:
  struct Head {
    size_t index = 0;
    bool valid = false;
    Labels labels;
  };

  void Load(size_t i) {
    Head& head = heads_[i];
    head.valid = head.index < sets_[i]->size();
    if (head.valid) sets_[i]->LabelsOf(head.index, &head.labels);
  }

  // Moves the smallest head to current_ and every equal one on.
  bool NextSeries() {
    const Head* least = nullptr;
    for (const Head& head : heads_) {
      if (head.valid && (least == nullptr || head.labels < least->labels)) least = &head;
    }
    if (least == nullptr) return false;
    if (limit_ > 0 && written_ == limit_) {
      truncated_ = true;
      return false;
    }
    current_ = least->labels;
    for (size_t i = 0; i < heads_.size(); i++) {
      if (!heads_[i].valid || !(heads_[i].labels == current_)) continue;
      heads_[i].index++;
      Load(i);
    }
    return true;
  }

  const std::unique_ptr<Querier> querier_;
  const std::vector<std::unique_ptr<SeriesSet>> sets_;
  std::vector<Head> heads_;
  const size_t limit_;
  Labels current_;
  size_t written_ = 0;
  bool begun_ = false;
  bool truncated_ = false;
};

}  // namespace

void Api::Series(http::Request& request, http::Response* response) {
  if (request.method == "DELETE") {
    return RespondError(ErrorType::kInternal, "not implemented", response);
  }
  const auto form = request.Form();
  if (!form.ok()) {
    return RespondError(ErrorType::kBadData,
                        "error parsing form values: " + form.status().message(), response);
  }
  if (!form->Has("match[]")) {
    return RespondError(ErrorType::kBadData, "no match[] parameter provided", response);
  }
  MetadataQuery query;
  if (!Read(*form, true, &query, response)) return;
  auto querier = options_.queryable()->NewQuerier(query.start_ms, query.end_ms);
  if (!querier.ok()) {
    return RespondError(ErrorType::kExecution, querier.status().message(), response);
  }
  SelectHints hints{.min_ms = query.start_ms,
                    .max_ms = query.end_ms,
                    .func = "series",
                    .limit = query.limit == 0 ? 0 : query.limit + 1};
  std::vector<std::unique_ptr<SeriesSet>> sets;
  for (const auto& matchers : query.matchers) {
    auto set = (*querier)->Select(true, hints, matchers, &request.cancel);
    if (!set.ok()) return RespondError(ErrorType::kExecution, set.status().message(), response);
    sets.push_back(std::move(*set));
  }
  auto body = std::make_unique<SeriesBody>(std::move(*querier), std::move(sets), query.limit);
  std::string first;
  const auto more = body->Next(&first);
  response->SetBody(std::move(first), "application/json");
  if (more.ok() && *more) response->source = std::move(body);
}

void Api::LabelNames(http::Request& request, http::Response* response) {
  MetadataQuery query;
  if (!Read(request.FormValues(), false, &query, response)) return;
  auto querier = options_.queryable()->NewQuerier(query.start_ms, query.end_ms);
  if (!querier.ok()) {
    return RespondError(ErrorType::kExecution, querier.status().message(), response);
  }
  RespondMerged(
      query, **querier,
      [&](const std::vector<Matcher>& matchers, bool* truncated) {
        return (*querier)->LabelNames(matchers, query.limit, truncated);
      },
      response);
}

void Api::LabelValues(http::Request& request, http::Response* response) {
  const std::string name = UnescapeName(request.path_params.Get("name"));
  if (!IsValidLabelName(name)) {
    return RespondError(ErrorType::kBadData, "invalid label name: " + GoQuote(name), response);
  }
  MetadataQuery query;
  if (!Read(request.Query(), false, &query, response)) return;
  auto querier = options_.queryable()->NewQuerier(query.start_ms, query.end_ms);
  if (!querier.ok()) {
    return RespondError(ErrorType::kExecution, querier.status().message(), response);
  }
  RespondMerged(
      query, **querier,
      [&](const std::vector<Matcher>& matchers, bool* truncated) {
        return (*querier)->LabelValues(name, matchers, query.limit, truncated);
      },
      response);
}

}  // namespace deucalion::api
