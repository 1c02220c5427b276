// Service discovery of AWS: ec2, lightsail, ecs, elasticache, msk, rds, and aws, which is any of
// them by role.
#include "server/config/sd_checks.h"

namespace deucalion::config {
namespace {

constexpr When kAlways = When::kAlways;

const SdSchema kFilter{
    .kind = "filter",
    .go_type = "aws.EC2Filter",
    .fields = {{"name", SdType::kText, "", kAlways}, {"values", SdType::kTexts, "", kAlways}}};

Status CheckFilters(const SdRecord& record) {
  for (const SdRecord& filter : record.Groups("filters")) {
    if (filter.List("values").empty()) {
      return SdError("EC2 SD configuration filter values cannot be empty");
    }
  }
  return OkStatus();
}

Status CheckAws(const SdRecord& record) {
  if (!record.Has("role")) return SdError("unknown AWS SD role \"\"");
  RETURN_IF_ERROR(RequireChoice(record, "role",
                                {"ec2", "ecs", "elasticache", "lightsail", "msk", "rds"},
                                "unknown AWS SD role"));
  return CheckFilters(record);
}

// The keys all kinds share; `more` come before the keys of the HTTP client.
std::vector<SdField> AwsFields(std::vector<SdField> more) {
  std::vector<SdField> fields = {
      {"endpoint", SdType::kText, "", kAlways},
      {"region", SdType::kText, "", kAlways},
      {"access_key", SdType::kText},
      {"secret_key", SdType::kSecret},
      {"profile", SdType::kText},
      {"role_arn", SdType::kText},
      {"external_id", SdType::kText},
      {"refresh_interval", SdType::kDuration, "1m"},
      {"port", SdType::kInt, "80", kAlways},
  };
  for (SdField& field : more) fields.push_back(field);
  fields.push_back({"http_config", SdType::kHttp});
  return fields;
}

SdSchema AwsSchema(std::string_view kind, std::vector<SdField> more) {
  return {.kind = kind,
          .go_type = "aws.plain",
          .fields = AwsFields(std::move(more)),
          .check = CheckFilters};
}

}  // namespace

std::span<const SdSchema* const> AwsSdSchemas() {
  static const SdField kFilters{"filters", SdType::kGroups, "", When::kNotEmpty, &kFilter};
  static const SdField kClusters{"clusters", SdType::kTexts};
  static const SdField kConcurrency{"request_concurrency", SdType::kInt};
  static const SdSchema ec2 = AwsSchema("ec2", {kFilters});
  static const SdSchema lightsail = AwsSchema("lightsail", {});
  static const SdSchema ecs = AwsSchema("ecs", {kClusters, kConcurrency});
  static const SdSchema elasticache = AwsSchema("elasticache", {kClusters, kConcurrency});
  static const SdSchema msk = AwsSchema("msk", {kClusters, kConcurrency});
  static const SdSchema rds = AwsSchema("rds", {kClusters, kConcurrency, kFilters});
  static const SdSchema aws = [] {
    return SdSchema{.kind = "aws",
                    .go_type = "aws.plain",
                    .fields = {{"role", SdType::kText, "", kAlways},
                               {"region", SdType::kText},
                               {"endpoint", SdType::kText},
                               {"access_key", SdType::kText},
                               {"secret_key", SdType::kSecret},
                               {"profile", SdType::kText},
                               {"role_arn", SdType::kText},
                               {"external_id", SdType::kText},
                               {"refresh_interval", SdType::kDuration, "1m"},
                               {"port", SdType::kInt},
                               {"http_config", SdType::kHttp},
                               kFilters,
                               kClusters,
                               kConcurrency},
                    .check = CheckAws};
  }();
  static const SdSchema* const all[] = {&ec2, &lightsail, &ecs, &elasticache, &msk, &rds, &aws};
  return all;
}

}  // namespace deucalion::config
