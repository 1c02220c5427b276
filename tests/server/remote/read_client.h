// A remote reader of its own: builds requests and takes answers apart, sharing nothing with the
// writers under test but the wire cursor and the parser of Histogram messages.
#ifndef DEUCALION_TESTS_SERVER_REMOTE_READ_CLIENT_H_
#define DEUCALION_TESTS_SERVER_REMOTE_READ_CLIENT_H_

#include <snappy.h>

#include <string>
#include <vector>

#include "base/hash.h"
#include "server/http/message.h"
#include "server/remote/wire.h"
#include "server/remote/wire_histogram.h"
#include "tests/support/wire_writer.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/xor.h"

namespace deucalion::remote {

inline std::string MatcherBytes(uint64_t type, std::string_view name, std::string_view value) {
  return WireWriter().Varint(1, type).Bytes(2, name).Bytes(3, value).str();
}

inline std::string QueryBytes(int64_t min_ms, int64_t max_ms,
                              const std::vector<std::string>& matchers,
                              const std::string& hints = "") {
  WireWriter query;
  query.Varint(1, static_cast<uint64_t>(min_ms)).Varint(2, static_cast<uint64_t>(max_ms));
  for (const std::string& matcher : matchers) query.Bytes(3, matcher);
  if (!hints.empty()) query.Bytes(4, hints);
  return query.str();
}

inline std::string RequestBytes(const std::vector<std::string>& queries,
                                const std::vector<uint64_t>& types) {
  WireWriter request;
  for (const std::string& query : queries) request.Bytes(1, query);
  if (!types.empty()) request.Packed(2, types);
  return request.str();
}

struct AnswerSeries {
  uint64_t query = 0;
  std::string labels;  // a="1",b="2"
  std::vector<std::pair<int64_t, double>> samples;
  std::vector<WireHistogram> histograms;
  std::vector<uint64_t> encodings;  // of its chunks
  size_t frames = 0;
};

inline std::string ReadLabelText(std::string_view bytes) {
  std::string_view name, value;
  WireReader in(bytes);
  while (in.Next()) (in.field() == 1 ? name : value) = in.Bytes();
  EXPECT_TRUE(in.ok());
  return std::string(name) + "=\"" + std::string(value) + "\"";
}

inline void AddLabel(std::string_view bytes, std::string* labels) {
  *labels += (labels->empty() ? "" : ",") + ReadLabelText(bytes);
}

inline AnswerSeries ReadTimeSeries(uint64_t query, std::string_view bytes) {
  AnswerSeries series;
  series.query = query;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() == 1) {
      AddLabel(in.Bytes(), &series.labels);
    } else if (in.field() == 2) {
      auto& [time_ms, value] = series.samples.emplace_back();
      WireReader sample(in.Bytes());
      while (sample.Next()) {
        if (sample.field() == 1) value = sample.Double();
        if (sample.field() == 2) time_ms = sample.Int64();
      }
      EXPECT_TRUE(sample.ok());
    } else {
      EXPECT_EQ(in.field(), 4u);
      EXPECT_TRUE(ParseHistogram(in.Bytes(), &series.histograms.emplace_back()));
    }
  }
  EXPECT_TRUE(in.ok());
  return series;
}

inline std::vector<AnswerSeries> ReadSamplesAnswer(std::string_view block) {
  std::string message;
  EXPECT_TRUE(snappy::Uncompress(block.data(), block.size(), &message));
  std::vector<AnswerSeries> all;
  uint64_t query = 0;
  WireReader in(message);
  for (; in.Next(); query++) {
    WireReader result(in.Bytes());
    while (result.Next()) all.push_back(ReadTimeSeries(query, result.Bytes()));
    EXPECT_TRUE(result.ok());
  }
  EXPECT_TRUE(in.ok());
  return all;
}

template <typename Reader, typename Take>
void ReadHistogramChunk(std::string_view data, Take&& take) {
  Reader reader(data);
  while (reader.Next()) take(reader.time_ms(), reader.histogram());
  EXPECT_TRUE(reader.status().ok());
}

inline void ReadChunk(std::string_view bytes, AnswerSeries* series) {
  int64_t min_ms = 0, max_ms = 0;
  uint64_t encoding = 0;
  std::string_view data;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() == 1) min_ms = in.Int64();
    if (in.field() == 2) max_ms = in.Int64();
    if (in.field() == 3) encoding = in.Varint();
    if (in.field() == 4) data = in.Bytes();
  }
  EXPECT_TRUE(in.ok());
  series->encodings.push_back(encoding);
  std::vector<int64_t> times;
  if (encoding == 1) {
    std::vector<double> values;
    EXPECT_TRUE(tsdb::XorDecode(data, &times, &values).ok());
    for (size_t i = 0; i < times.size(); i++) series->samples.emplace_back(times[i], values[i]);
  } else if (encoding == 2) {
    ReadHistogramChunk<tsdb::IntHistogramReader>(data, [&](int64_t t, const IntHistogram& h) {
      times.push_back(t);
      series->histograms.push_back({.time_ms = t, .integer = h});
    });
  } else {
    ReadHistogramChunk<tsdb::FloatHistogramReader>(data, [&](int64_t t, const FloatHistogram& h) {
      times.push_back(t);
      series->histograms.push_back({.time_ms = t, .is_float = true, .floating = h});
    });
  }
  if (times.empty()) return;
  EXPECT_EQ(min_ms, times.front());
  EXPECT_EQ(max_ms, times.back());
}

// Frames of one series in a row become one AnswerSeries.
inline std::vector<AnswerSeries> ReadChunksAnswer(std::string_view body) {
  std::vector<AnswerSeries> all;
  ByteReader frames(body);
  while (!frames.done()) {
    const uint64_t size = frames.Varint();
    const uint32_t crc = frames.BigEndian32();
    const std::string_view message = frames.Bytes(size);
    EXPECT_TRUE(frames.ok());
    EXPECT_EQ(Crc32c(message), crc);
    AnswerSeries part;
    std::vector<std::string_view> chunks;
    WireReader in(message);
    while (in.Next()) {
      if (in.field() == 2) {
        part.query = in.Varint();
        continue;
      }
      WireReader series(in.Bytes());
      while (series.Next()) {
        if (series.field() == 1) {
          AddLabel(series.Bytes(), &part.labels);
        } else {
          chunks.push_back(series.Bytes());
        }
      }
      EXPECT_TRUE(series.ok());
    }
    EXPECT_TRUE(in.ok());
    if (all.empty() || all.back().query != part.query || all.back().labels != part.labels) {
      all.push_back(part);
    }
    all.back().frames++;
    for (const std::string_view chunk : chunks) ReadChunk(chunk, &all.back());
  }
  return all;
}

// The whole body, pieces put together.
inline std::string BodyOf(http::Response& response) {
  std::string body = response.body;
  while (response.source != nullptr) {
    const auto more = response.source->Next(&body);
    EXPECT_TRUE(more.ok()) << more.status().ToString();
    if (!more.ok() || !*more) break;
  }
  response.source.reset();
  return body;
}

}  // namespace deucalion::remote

#endif  // DEUCALION_TESTS_SERVER_REMOTE_READ_CLIENT_H_
