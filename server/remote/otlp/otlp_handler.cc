#include "server/remote/otlp/otlp_handler.h"

#include <string>
#include <utility>

#include "scrape/fetch/http_client.h"
#include "server/remote/received_samples.h"

namespace deucalion::remote {
namespace {

constexpr std::string_view kProtobuf = "application/x-protobuf";
constexpr std::string_view kJson = "application/json";

}  // namespace

OtlpHandler::OtlpHandler(OtlpHandlerOptions options)
    : options_(std::move(options)),
      refused_exemplars_(options_.metrics->AddCounter(
          "prometheus_api_otlp_out_of_order_exemplars_total",
          "The total number of received OTLP exemplars which were rejected because they were out "
          "of order.")) {}

Result<OtlpRequest> OtlpHandler::Decode(const http::Request& request) const {
  const std::string_view sent_type = request.headers.Get("Content-Type");
  const auto type = http::ParseMediaType(sent_type);
  const bool json = type.ok() && type->type == kJson;
  if (!json && !(type.ok() && type->type == kProtobuf)) {
    return InvalidArgumentError("unsupported content type: " + std::string(sent_type) +
                                ", supported: [" + std::string(kJson) + ", " +
                                std::string(kProtobuf) + "]");
  }
  const std::string_view encoding = request.headers.Get("Content-Encoding");
  if (!encoding.empty() && encoding != "gzip") {
    return InvalidArgumentError("unsupported compression: " + std::string(encoding) +
                                ". Only \"gzip\" or no compression supported");
  }
  std::string decoded;
  if (encoding == "gzip") {
    ASSIGN_OR_RETURN(decoded, scrape::DecodeGzip(request.body, options_.max_decoded_bytes));
  }
  const std::string_view body = encoding.empty() ? request.body : decoded;
  if (body.size() > options_.max_decoded_bytes) {
    return InvalidArgumentError("OTLP request is larger than " +
                                std::to_string(options_.max_decoded_bytes >> 20) + " MiB");
  }
  return json ? ParseOtlpJson(body) : ParseOtlpProtobuf(body);
}

void OtlpHandler::Serve(http::Request& request, http::Response* response) {
  const Result<OtlpRequest> decoded = Decode(request);
  if (!decoded.ok()) {
    options_.logger->Error("Error decoding OTLP write request", {{"err", decoded.status()}});
    return response->Error(400, decoded.status().message());
  }
  const OtlpSettings settings{.config = options_.config(),
                              .lookback_ms = options_.lookback_ms,
                              .max_time_ms = options_.clock->NowMs() + kMaxAheadMs,
                              .allow_delta = options_.allow_delta,
                              .type_and_unit_labels = options_.type_and_unit_labels,
                              .start_zero_ingestion = options_.start_zero_ingestion};
  auto appender = options_.storage()->NewAppender();
  OtlpWriter writer(settings, appender.get());
  Status status = writer.Write(*decoded);
  if (status.ok()) {
    status = appender->Commit();
  } else {
    (void)appender->Rollback();
  }
  if (writer.refused_exemplars() > 0) {
    refused_exemplars_->Add(static_cast<double>(writer.refused_exemplars()));
  }
  if (!status.ok()) {
    RespondToFailedAppend(status, "Error appending remote write", options_.logger, response);
  }
}

}  // namespace deucalion::remote
