// remote_write and remote_read.
#include <algorithm>
#include <array>

#include "server/config/config_sections.h"

namespace deucalion::config {
namespace {

struct OptionalUrl {
  using Value = std::optional<std::string>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    out->reset();
    if (IsNull(node)) return OkStatus();
    return Url::Read(d, node, &out->emplace());
  }
  static bool Empty(const Value& v) { return !v.has_value(); }
  static YamlValue Print(const Value& v) {
    return v.has_value() ? Url::Print(*v) : YamlValue::Bare("null");
  }
};

const Section<QueueConfig>& QueueSection() {
  using Q = QueueConfig;
  static const Section<Q> section{
      "config.QueueConfig",
      {
          Key<Int, &Q::capacity>("capacity"),
          Key<Int, &Q::max_shards>("max_shards"),
          Key<Int, &Q::min_shards>("min_shards"),
          Key<Int, &Q::max_samples_per_send>("max_samples_per_send"),
          Key<Duration, &Q::batch_send_deadline_ms>("batch_send_deadline"),
          Key<Duration, &Q::min_backoff_ms>("min_backoff"),
          Key<Duration, &Q::max_backoff_ms>("max_backoff"),
          Key<Bool, &Q::retry_on_http_429>("retry_on_http_429"),
          Key<Duration, &Q::sample_age_limit_ms>("sample_age_limit"),
      }};
  return section;
}

const Section<MetadataConfig>& MetadataSection() {
  using M = MetadataConfig;
  static const Section<M> section{
      "config.MetadataConfig",
      {
          Key<Bool, &M::send>("send", When::kAlways),
          Key<Duration, &M::send_interval_ms>("send_interval", When::kAlways),
          Key<Int, &M::max_samples_per_send>("max_samples_per_send"),
      }};
  return section;
}

const Section<AzureAdConfig::ManagedIdentity>& ManagedIdentitySection() {
  using M = AzureAdConfig::ManagedIdentity;
  static const Section<M> section{"azuread.ManagedIdentityConfig",
                                  {Key<Text, &M::client_id>("client_id")}};
  return section;
}

const Section<AzureAdConfig::WorkloadIdentity>& WorkloadIdentitySection() {
  using W = AzureAdConfig::WorkloadIdentity;
  static const Section<W> section{"azuread.WorkloadIdentityConfig",
                                  {
                                      Key<Text, &W::client_id>("client_id"),
                                      Key<Text, &W::tenant_id>("tenant_id"),
                                      Key<Text, &W::token_file_path>("token_file_path"),
                                  }};
  return section;
}

const Section<AzureAdConfig::OAuth>& AzureOAuthSection() {
  using O = AzureAdConfig::OAuth;
  static const Section<O> section{"azuread.OAuthConfig",
                                  {
                                      Key<Text, &O::client_id>("client_id"),
                                      Key<Secret, &O::client_secret>("client_secret"),
                                      Key<Text, &O::tenant_id>("tenant_id"),
                                  }};
  return section;
}

const Section<AzureAdConfig::Sdk>& AzureSdkSection() {
  using S = AzureAdConfig::Sdk;
  static const Section<S> section{"azuread.SDKConfig", {Key<Text, &S::tenant_id>("tenant_id")}};
  return section;
}

// 8-4-4-4-12 hexadecimal digits.
bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) {
      return false;
    }
  }
  return true;
}

Status CheckAzureParts(const AzureAdConfig& c) {
  if (c.managed_identity && !c.managed_identity->client_id.empty() &&
      !IsUuid(c.managed_identity->client_id)) {
    return InvalidArgumentError("the provided Azure Managed Identity client_id is invalid");
  }
  if (c.workload_identity) {
    if (c.workload_identity->client_id.empty()) {
      return InvalidArgumentError(
          "must provide an Azure Workload Identity client_id in the Azure AD config");
    }
    if (c.workload_identity->tenant_id.empty()) {
      return InvalidArgumentError(
          "must provide an Azure Workload Identity tenant_id in the Azure AD config");
    }
  }
  if (!c.oauth) return OkStatus();
  if (c.oauth->client_id.empty()) {
    return InvalidArgumentError("must provide an Azure OAuth client_id in the Azure AD config");
  }
  if (c.oauth->client_secret.empty()) {
    return InvalidArgumentError("must provide an Azure OAuth client_secret in the Azure AD config");
  }
  if (c.oauth->tenant_id.empty()) {
    return InvalidArgumentError("must provide an Azure OAuth tenant_id in the Azure AD config");
  }
  return IsUuid(c.oauth->client_id)
             ? OkStatus()
             : InvalidArgumentError("the provided Azure OAuth client_id is invalid");
}

Status FinishAzure(AzureAdConfig* c) {
  if (c->cloud.empty()) c->cloud = "AzurePublic";
  if (c->cloud != "AzurePublic" && c->cloud != "AzureChina" && c->cloud != "AzureGovernment") {
    return InvalidArgumentError("must provide a cloud in the Azure AD config");
  }
  std::vector<std::string> methods;
  if (c->managed_identity) methods.emplace_back("Azure Managed Identity");
  if (c->workload_identity) methods.emplace_back("Azure Workload Identity");
  if (c->oauth) methods.emplace_back("Azure OAuth");
  if (c->sdk) methods.emplace_back("Azure SDK");
  if (methods.empty()) {
    return InvalidArgumentError(
        "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth or Azure SDK "
        "in the Azure AD config");
  }
  if (methods.size() > 1) {
    return InvalidArgumentError("cannot provide both " + methods[0] + " and " + methods[1] +
                                " in the Azure AD config");
  }
  return CheckAzureParts(*c);
}

const Section<AzureAdConfig>& AzureAdSection() {
  using A = AzureAdConfig;
  static const Section<A> section{
      "azuread.plain",
      {
          Key<OptionalNested<A::ManagedIdentity, ManagedIdentitySection>, &A::managed_identity>(
              "managed_identity"),
          Key<OptionalNested<A::WorkloadIdentity, WorkloadIdentitySection>, &A::workload_identity>(
              "workload_identity"),
          Key<OptionalNested<A::OAuth, AzureOAuthSection>, &A::oauth>("oauth"),
          Key<OptionalNested<A::Sdk, AzureSdkSection>, &A::sdk>("sdk"),
          Key<Text, &A::cloud>("cloud"),
          Key<Text, &A::scope>("scope"),
      },
      FinishAzure};
  return section;
}

const Section<GoogleIamConfig>& GoogleIamSection() {
  static const Section<GoogleIamConfig> section{
      "googleiam.Config", {Key<Text, &GoogleIamConfig::credentials_file>("credentials_file")}};
  return section;
}

struct ProtobufMessage {
  using Value = std::string;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::string text;
    if (!ReadText(d, node, "remote.WriteMessageType", &text)) return OkStatus();
    if (text != RemoteWriteConfig::kV1 && text != RemoteWriteConfig::kV2) {
      return d.Refuse(node,
                      "invalid protobuf_message value: unknown type for remote write protobuf "
                      "message " +
                          text + ", supported: " + RemoteWriteConfig::kV1 + ", " +
                          RemoteWriteConfig::kV2);
    }
    *out = std::move(text);
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v) { return YamlValue::Text(v); }
};

Status CheckOneAuth(const RemoteWriteConfig& c) {
  std::string list;
  int count = 0;
  const auto add = [&](bool set, std::string_view name) {
    if (!set) return;
    list += (list.empty() ? "" : " ") + std::string(name);
    ++count;
  };
  add(c.http.basic_auth.has_value(), "basic_auth");
  add(c.http.authorization.has_value(), "authorization");
  add(c.http.oauth2.has_value(), "oauth2");
  add(c.sigv4.has_value(), "sigv4");
  add(c.azuread.has_value(), "azuread");
  add(c.google_iam.has_value(), "google_iam");
  if (count <= 1) return OkStatus();
  return InvalidArgumentError(
      "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be "
      "configured. Currently configured: [" +
      list + "]");
}

constexpr std::string_view kAuthorizationHeader =
    "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, "
    "azuread "
    "or google_iam parameter";

Status FinishWrite(RemoteWriteConfig* c) {
  if (!c->url) return InvalidArgumentError("url for remote_write is empty");
  RETURN_IF_ERROR(ValidateHeaders(c->headers, kAuthorizationHeader));
  RETURN_IF_ERROR(c->http.Validate());
  return CheckOneAuth(*c);
}

Status FinishRead(RemoteReadConfig* c) {
  if (!c->url) return InvalidArgumentError("url for remote_read is empty");
  RETURN_IF_ERROR(ValidateHeaders(c->headers, kAuthorizationHeader));
  return c->http.Validate();
}

}  // namespace

Status ValidateHeaders(const std::map<std::string, std::string>& headers,
                       std::string_view authorization_message) {
  static constexpr std::array<std::string_view, 16> kReserved = {
      "host",
      "content-encoding",
      "content-length",
      "content-type",
      "user-agent",
      "connection",
      "keep-alive",
      "proxy-authenticate",
      "proxy-authorization",
      "www-authenticate",
      "accept-encoding",
      "x-prometheus-remote-write-version",
      "x-prometheus-remote-read-version",
      "x-amz-date",
      "x-amz-security-token",
      "x-amz-content-sha256",
  };
  for (const auto& [name, value] : headers) {
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (lower == "authorization") return InvalidArgumentError(std::string(authorization_message));
    if (std::ranges::find(kReserved, lower) != kReserved.end()) {
      return InvalidArgumentError(name + " is a reserved header. It must not be changed");
    }
  }
  return OkStatus();
}

const Section<RemoteWriteConfig>& RemoteWriteSection() {
  using W = RemoteWriteConfig;
  static const Section<W> section{
      "config.plain",
      WithInline<&W::http>(
          {
              Key<OptionalUrl, &W::url>("url", When::kAlways),
              Key<Duration, &W::remote_timeout_ms>("remote_timeout"),
              Key<TextMap, &W::headers>("headers"),
              Key<RelabelList<kWriteRelabel>, &W::write_relabel_configs>("write_relabel_configs"),
              Key<Text, &W::name>("name"),
              Key<Bool, &W::send_exemplars>("send_exemplars"),
              Key<Bool, &W::send_native_histograms>("send_native_histograms"),
              Key<Bool, &W::round_robin_dns>("round_robin_dns"),
              Key<ProtobufMessage, &W::protobuf_message>("protobuf_message"),
          },
          HttpClientFields(),
          {
              Key<Nested<QueueConfig, QueueSection>, &W::queue>("queue_config", When::kAlways),
              Key<Nested<MetadataConfig, MetadataSection>, &W::metadata>("metadata_config",
                                                                         When::kAlways),
              Key<OptionalNested<SigV4Config, SigV4Section>, &W::sigv4>("sigv4"),
              Key<OptionalNested<AzureAdConfig, AzureAdSection>, &W::azuread>("azuread"),
              Key<OptionalNested<GoogleIamConfig, GoogleIamSection>, &W::google_iam>("google_iam"),
          }),
      FinishWrite};
  return section;
}

const Section<RemoteReadConfig>& RemoteReadSection() {
  using R = RemoteReadConfig;
  static const Section<R> section{
      "config.plain",
      WithInline<&R::http>(
          {
              Key<OptionalUrl, &R::url>("url", When::kAlways),
              Key<Duration, &R::remote_timeout_ms>("remote_timeout"),
              Key<Uint, &R::chunked_read_limit>("chunked_read_limit"),
              Key<TextMap, &R::headers>("headers"),
              Key<Bool, &R::read_recent>("read_recent"),
              Key<Text, &R::name>("name"),
          },
          HttpClientFields(),
          {
              Key<LabelSet, &R::required_matchers>("required_matchers"),
              Key<Bool, &R::filter_external_labels>("filter_external_labels"),
          }),
      FinishRead};
  return section;
}

}  // namespace deucalion::config
