#include "server/remote/read_request.h"

#include <algorithm>

#include "server/remote/wire.h"

namespace deucalion::remote {
namespace {

// Prometheus sends one query with a dozen matchers.
constexpr size_t kMaxQueries = 10'000;
constexpr size_t kMaxMatchers = 100'000;  // of all queries, labels to group by among them
constexpr size_t kMaxTypes = 1'000;

bool ParseMatcher(std::string_view bytes, ReadMatcher* out) {
  WireReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        out->type = in.Varint();
        break;
      case 2:
        out->name = in.Bytes();
        break;
      case 3:
        out->value = in.Bytes();
        break;
      default:
        in.Skip();
    }
  }
  return in.ok();
}

bool ParseHints(std::string_view bytes, ReadHints* out, size_t* labels_left) {
  out->present = true;
  WireReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        out->step_ms = in.Int64();
        break;
      case 2:
        out->func = in.Bytes();
        break;
      case 3:
        out->min_ms = in.Int64();
        break;
      case 4:
        out->max_ms = in.Int64();
        break;
      case 5:
        if (*labels_left == 0) return false;
        --*labels_left;
        out->grouping.push_back(in.Bytes());
        break;
      case 6:
        out->by = in.Varint() != 0;
        break;
      case 7:
        out->range_ms = in.Int64();
        break;
      default:
        in.Skip();
    }
  }
  return in.ok();
}

bool ParseQuery(std::string_view bytes, ReadQuery* out, size_t* matchers_left) {
  WireReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        out->min_ms = in.Int64();
        break;
      case 2:
        out->max_ms = in.Int64();
        break;
      case 3:
        if (*matchers_left == 0) return false;
        --*matchers_left;
        if (!ParseMatcher(in.Bytes(), &out->matchers.emplace_back())) return false;
        break;
      case 4:
        if (!ParseHints(in.Bytes(), &out->hints, matchers_left)) return false;
        break;
      default:
        in.Skip();
    }
  }
  return in.ok();
}

}  // namespace

std::pair<int64_t, int64_t> ReadQuery::Range() const {
  const int64_t from = std::max(min_ms, hints.min_ms);
  const int64_t to = std::min(max_ms, hints.max_ms);
  const bool given = hints.present && (hints.min_ms != 0 || hints.max_ms != 0);
  return given && from <= to ? std::pair(from, to) : std::pair(min_ms, max_ms);
}

Result<ReadRequest> ParseReadRequest(std::string_view bytes) {
  const auto malformed = [](std::string_view what) {
    return InvalidArgumentError("malformed " + std::string(what) + " in remote read request");
  };
  ReadRequest request;
  size_t matchers_left = kMaxMatchers;
  WireReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        if (request.queries.size() == kMaxQueries) return malformed("number of queries");
        if (!ParseQuery(in.Bytes(), &request.queries.emplace_back(), &matchers_left)) {
          return malformed("query");
        }
        break;
      case 2:
        in.RepeatedVarint([&request](uint64_t type) {
          if (request.accepted_types.size() <= kMaxTypes) {
            request.accepted_types.push_back(static_cast<int32_t>(type));
          }
        });
        if (request.accepted_types.size() > kMaxTypes) return malformed("number of types");
        break;
      default:
        in.Skip();
    }
  }
  if (!in.ok()) return malformed("protobuf");
  return request;
}

Result<ReadResponseType> NegotiateResponseType(const std::vector<int32_t>& accepted) {
  if (accepted.empty()) return ReadResponseType::kSamples;
  std::string names;
  for (const int32_t type : accepted) {
    if (type == static_cast<int32_t>(ReadResponseType::kSamples)) {
      return ReadResponseType::kSamples;
    }
    if (type == static_cast<int32_t>(ReadResponseType::kStreamedXorChunks)) {
      return ReadResponseType::kStreamedXorChunks;
    }
    names += (names.empty() ? "" : " ") + std::to_string(type);
  }
  return InvalidArgumentError("server does not support any of the requested response types: [" +
                              names + "]; supported: map[SAMPLES:{} STREAMED_XOR_CHUNKS:{}]");
}

Result<std::vector<Matcher>> StorageMatchers(const ReadQuery& query, LabelsView external_labels) {
  static constexpr MatchType kTypes[] = {MatchType::kEqual, MatchType::kNotEqual,
                                         MatchType::kRegexp, MatchType::kNotRegexp};
  std::vector<Matcher> matchers;
  for (const ReadMatcher& wire : query.matchers) {
    if (wire.type >= std::size(kTypes)) return InvalidArgumentError("invalid matcher type");
    const MatchType type = kTypes[wire.type];
    const bool external = type == MatchType::kEqual && external_labels.Get(wire.name) == wire.value;
    ASSIGN_OR_RETURN(Matcher matcher, Matcher::Make(type, std::string(wire.name),
                                                    std::string(external ? "" : wire.value)));
    matchers.push_back(std::move(matcher));
  }
  return matchers;
}

}  // namespace deucalion::remote
