#include "server/remote/auth/aws_keys.h"

#include <utility>

#include "server/config/go_url.h"
#include "server/remote/auth/aws_fetch.h"
#include "server/remote/auth/aws_profile.h"
#include "server/remote/auth/token.h"

namespace deucalion::remote {
namespace {

constexpr const char* kMachineEndpoint = "http://169.254.169.254";
constexpr const char* kContainerEndpoint = "http://169.254.170.2";
// source_profile of source_profile of …: longer chains are circles.
constexpr int kMaxProfiles = 8;

AwsFetch Always(AwsKeys keys) {
  return [keys = std::move(keys)](const auto& done) { done(Fresh<AwsKeys>{.value = keys}); };
}

std::string ValueOf(const AwsProfile& profile, const char* key) {
  const auto it = profile.find(key);
  return it == profile.end() ? std::string() : it->second;
}

// Only the machine itself may be told who we are without encryption.
bool IsNear(const std::string& host_and_port) {
  std::string host = host_and_port;
  if (host.starts_with('[')) {
    host = host.substr(0, host.find(']') + 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  return host == "localhost" || host.starts_with("127.") || host == "[::1]" ||
         host == "169.254.170.2" || host == "169.254.170.23" || host == "[fd00:ec2::23]";
}

class Chain {
 public:
  Chain(const config::SigV4Config& config, const AuthParts& parts, std::string region)
      : config_(config), parts_(parts), region_(std::move(region)) {}

  // Clients to fetch with.
  Status Prepare() {
    ASSIGN_OR_RETURN(near_, NearClient(parts_.engine));
    ASSIGN_OR_RETURN(far_, FarClient(parts_.engine));
    return OkStatus();
  }

  Result<AwsFetch> Resolve() {
    if (!config_.access_key.empty() && !config_.secret_key.empty()) {
      return Always({.access_key = config_.access_key, .secret_key = config_.secret_key});
    }
    if (!config_.profile.empty()) return OfNamedProfile(config_.profile);
    AwsKeys keys = EnvironmentKeys();
    if (!keys.access_key.empty()) return Always(std::move(keys));
    const std::string token_file = Env("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (!token_file.empty()) {
      return WebIdentity(token_file, Env("AWS_ROLE_ARN"), Env("AWS_ROLE_SESSION_NAME"));
    }
    const std::string chosen = Env("AWS_PROFILE");
    return chosen.empty() ? OfProfile("default", ReadAwsProfile("default", parts_.surroundings), 0)
                          : OfNamedProfile(chosen);
  }

  AwsFetch Assume(AwsFetch with, std::string arn, std::string external_id,
                  std::string session_name) const {
    return AssumeAwsRole(far_,
                         {.arn = std::move(arn),
                          .external_id = std::move(external_id),
                          .session_name = std::move(session_name),
                          .endpoint = StsEndpoint(),
                          .region = region_},
                         std::make_shared<Renewed<AwsKeys>>(std::move(with), parts_.clock),
                         parts_.clock);
  }

 private:
  std::string Env(const char* name) const { return parts_.surroundings.environment(name); }

  AwsKeys EnvironmentKeys() const {
    AwsKeys keys{.access_key = Env("AWS_ACCESS_KEY_ID"),
                 .secret_key = Env("AWS_SECRET_ACCESS_KEY"),
                 .session_token = Env("AWS_SESSION_TOKEN")};
    return keys.access_key.empty() || keys.secret_key.empty() ? AwsKeys() : keys;
  }

  Result<AwsFetch> OfNamedProfile(const std::string& name) {
    const AwsProfile profile = ReadAwsProfile(name, parts_.surroundings);
    if (profile.empty() && name != "default") {
      return InvalidArgumentError(
          "could not create new AWS session: failed to get shared config profile, " + name);
    }
    return OfProfile(name, profile, 0);
  }

  // The keys of a profile, with its role on top.
  Result<AwsFetch> OfProfile(const std::string& name, const AwsProfile& profile, int depth) {
    if (depth == kMaxProfiles) {
      return InvalidArgumentError("could not create new AWS session: profile \"" + name +
                                  "\" has a source_profile that leads in a circle");
    }
    const std::string role = ValueOf(profile, "role_arn");
    if (!ValueOf(profile, "web_identity_token_file").empty() &&
        ValueOf(profile, "source_profile").empty()) {
      return WebIdentity(ValueOf(profile, "web_identity_token_file"), role,
                         ValueOf(profile, "role_session_name"));
    }
    ASSIGN_OR_RETURN(AwsFetch fetch, BelowRole(name, profile, depth));
    if (role.empty()) return fetch;
    if (!ValueOf(profile, "mfa_serial").empty()) {
      return InvalidArgumentError("could not create new AWS session: profile \"" + name +
                                  "\" wants a second factor (mfa_serial), which a server has not");
    }
    return Assume(std::move(fetch), role, ValueOf(profile, "external_id"),
                  ValueOf(profile, "role_session_name"));
  }

  Result<AwsFetch> BelowRole(const std::string& name, const AwsProfile& profile, int depth) {
    const std::string source = ValueOf(profile, "source_profile");
    if (!source.empty() && source != name) {
      return OfProfile(source, ReadAwsProfile(source, parts_.surroundings), depth + 1);
    }
    AwsKeys keys{.access_key = ValueOf(profile, "aws_access_key_id"),
                 .secret_key = ValueOf(profile, "aws_secret_access_key"),
                 .session_token = ValueOf(profile, "aws_session_token")};
    if (!keys.access_key.empty() && !keys.secret_key.empty()) return Always(std::move(keys));
    const std::string named = ValueOf(profile, "credential_source");
    if (named == "Environment") return Always(EnvironmentKeys());
    if (named == "EcsContainer") return OfContainer();
    if (named == "Ec2InstanceMetadata") return OfMachine(name);
    if (!named.empty()) {
      return InvalidArgumentError(
          "credential_source values must be EcsContainer, Ec2InstanceMetadata, or Environment");
    }
    for (const char* key : {"sso_session", "sso_start_url", "credential_process"}) {
      if (profile.contains(key)) {
        return UnimplementedError("sigv4: profile \"" + name + "\": " + key +
                                  " is not supported yet");
      }
    }
    const bool container = !Env("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty() ||
                           !Env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty();
    return container ? OfContainer() : OfMachine(name);
  }

  Result<AwsFetch> WebIdentity(const std::string& token_file, const std::string& role,
                               const std::string& session_name) const {
    if (role.empty()) return InvalidArgumentError("role ARN is not set");
    return AssumeAwsRoleWithWebIdentity(far_,
                                        {.arn = role,
                                         .external_id = "",
                                         .session_name = session_name,
                                         .endpoint = StsEndpoint(),
                                         .region = region_},
                                        token_file, parts_.surroundings, parts_.clock);
  }

  Result<AwsFetch> OfContainer() const {
    AwsContainer container{.url = Env("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
                           .token = Env("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
                           .token_file = Env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")};
    if (container.url.empty()) {
      const std::string below = Env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
      if (below.empty()) {
        return InvalidArgumentError(
            "EcsContainer was specified as the credential_source, but "
            "'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI' was not set");
      }
      container.url = kContainerEndpoint + below;
    } else {
      ASSIGN_OR_RETURN(const config::GoUrl url, config::ParseGoUrl(container.url));
      if (url.scheme != "https" && !IsNear(url.host)) {
        return InvalidArgumentError("invalid endpoint host, \"" + url.host +
                                    "\", only loopback/ecs/eks hosts are allowed.");
      }
    }
    return FetchFromContainer(near_, std::move(container), parts_.surroundings);
  }

  Result<AwsFetch> OfMachine(const std::string& profile) const {
    if (Env("AWS_EC2_METADATA_DISABLED") == "true") {
      return InvalidArgumentError(
          "could not get SigV4 credentials: no access key in the configuration, the environment or "
          "profile \"" +
          profile + "\", and access to EC2's metadata is disabled");
    }
    std::string endpoint = Env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (endpoint.empty()) endpoint = kMachineEndpoint;
    while (endpoint.ends_with('/')) endpoint.pop_back();
    return FetchFromMachine(near_, std::move(endpoint));
  }

  std::string StsEndpoint() const {
    for (const char* variable : {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"}) {
      std::string url = Env(variable);
      while (url.ends_with('/')) url.pop_back();
      if (!url.empty()) return url;
    }
    return (config_.use_fips_sts_endpoint ? "https://sts-fips." : "https://sts.") + region_ +
           (region_.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
  }

  const config::SigV4Config& config_;
  const AuthParts& parts_;
  const std::string region_;
  HttpClientPtr near_, far_;
};

// Of the entry, the environment, or the profile that counts.
std::string FindRegion(const config::SigV4Config& config, const Surroundings& surroundings) {
  const auto& env = surroundings.environment;
  for (const std::string& region : {config.region, env("AWS_REGION"), env("AWS_DEFAULT_REGION")}) {
    if (!region.empty()) return region;
  }
  std::string profile = config.profile.empty() ? env("AWS_PROFILE") : config.profile;
  if (profile.empty()) profile = "default";
  return ValueOf(ReadAwsProfile(profile, surroundings), "region");
}

}  // namespace

Result<AwsIdentity> FindAwsIdentity(const config::SigV4Config& config, const AuthParts& parts) {
  AwsIdentity identity{.keys = nullptr, .region = FindRegion(config, parts.surroundings)};
  Chain chain(config, parts, identity.region);
  RETURN_IF_ERROR(chain.Prepare());
  ASSIGN_OR_RETURN(AwsFetch fetch, chain.Resolve());
  if (identity.region.empty()) {
    return InvalidArgumentError("region not configured in sigv4 or in default credentials chain");
  }
  if (!config.role_arn.empty()) {
    fetch = chain.Assume(std::move(fetch), config.role_arn, config.external_id, "");
  }
  identity.keys = std::make_shared<Renewed<AwsKeys>>(std::move(fetch), parts.clock);
  return identity;
}

}  // namespace deucalion::remote
