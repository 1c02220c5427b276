#include "server/remote/otlp/otlp_handler.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/server/remote/fake_storage.h"
#include "tests/server/remote/otlp/recording_appender.h"

namespace deucalion::remote {
namespace {

std::string Gzip(const std::string& text) {
  z_stream z{};
  deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(compressBound(text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

class OneAppenderStorage : public FakeStorage {
 public:
  // Hands out to the one appender that the test looks at.
  class Lent : public RecordingAppender {
   public:
    explicit Lent(OneAppenderStorage* storage) : storage_(storage) { refuse = storage->refuse; }
    Status Commit() override {
      storage_->committed = Sorted();
      return OkStatus();
    }

   private:
    OneAppenderStorage* const storage_;
  };
  std::unique_ptr<Appender> NewAppender(const AppenderOptions&) override {
    return std::make_unique<Lent>(this);
  }
  std::map<std::string, Status> refuse;
  std::string committed;
};

class OtlpHandlerTest : public ::testing::Test {
 protected:
  http::Response Send(const std::string& body, const std::string& type,
                      const std::string& encoding = "") {
    http::Request request;
    if (!type.empty()) request.headers.Set("Content-Type", type);
    if (!encoding.empty()) request.headers.Set("Content-Encoding", encoding);
    request.body = body;
    http::Response response;
    storage_.committed.clear();
    handler_.Serve(request, &response);
    return response;
  }

  const std::string body_ = R"({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "g",
      "gauge": {"dataPoints": [{"timeUnixNano": "1000000", "asInt": 4}]}}]}]}]})";
  OneAppenderStorage storage_;
  ManualClock clock_{1000};
  MetricRegistry metrics_;
  OtlpHandler handler_{{.storage = [this] { return &storage_; },
                        .config = [] { return config::OtlpConfig(); },
                        .clock = &clock_,
                        .logger = Logger::Null(),
                        .metrics = &metrics_,
                        .max_decoded_bytes = 4096}};
};

TEST_F(OtlpHandlerTest, TakesJsonAndProtobufPlainAndPacked) {
  for (const auto& [body, encoding] :
       {std::pair(body_, std::string()), std::pair(Gzip(body_), std::string("gzip"))}) {
    EXPECT_EQ(Send(body, "application/json", encoding).status, 200);
    EXPECT_EQ(storage_.committed, "g 4@1\n");
  }
  EXPECT_EQ(Send("", "application/x-protobuf").status, 200);
  EXPECT_EQ(Send("\x0a", "application/x-protobuf").body, "malformed OTLP request\n");
}

TEST_F(OtlpHandlerTest, RefusesWhatItDoesNotUnderstand) {
  http::Response response = Send(body_, "");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            "unsupported content type: , supported: [application/json, application/x-protobuf]\n");
  EXPECT_EQ(Send(body_, "text/plain").status, 400);
  EXPECT_EQ(Send(body_, "application/json", "br").body,
            "unsupported compression: br. Only \"gzip\" or no compression supported\n");
  EXPECT_EQ(Send(body_, "application/json", "gzip").status, 400);
  // However small it comes.
  const std::string large = "{\"x\": \"" + std::string(100'000, ' ') + "\"}";
  EXPECT_EQ(Send(Gzip(large), "application/json", "gzip").status, 400);
  EXPECT_EQ(Send(large, "application/json").status, 400);
  EXPECT_EQ(storage_.committed, "");
}

TEST_F(OtlpHandlerTest, WhatStorageRefusesIsTheSendersFaultUnlessItMayTryAgain) {
  storage_.refuse["g"] = Status(StatusCode::kOutOfOrder, "out of order sample");
  http::Response response = Send(body_, "application/json");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "out of order sample\n");
  storage_.refuse["g"] = Status(StatusCode::kNoSpace, "disk full");
  response = Send(body_, "application/json");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers.Get("Retry-After"), "5");
  storage_.refuse["g"] = InternalError("bug");
  EXPECT_EQ(Send(body_, "application/json").status, 500);
  EXPECT_EQ(storage_.committed, "");
}

}  // namespace
}  // namespace deucalion::remote
