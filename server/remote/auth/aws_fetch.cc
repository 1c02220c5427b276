#include "server/remote/auth/aws_fetch.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/duration.h"
#include "server/remote/auth/token.h"

namespace deucalion::remote {
namespace {

using Json = nlohmann::json;
using Done = std::function<void(Result<Fresh<AwsKeys>>)>;
using scrape::HttpRequest;
using scrape::HttpResponse;

// Keys are renewed so long before they expire, as Amazon's own clients do: those of a role that is
// assumed, which live for a quarter of an hour; and those that are handed out by the machine.
constexpr int64_t kRoleMarginMs = 30'000;
constexpr int64_t kMachineMarginMs = 5 * 60'000;
constexpr const char* kRoleSeconds = "900";
// That a token of the metadata server is good for; it is used at once.
constexpr const char* kMachineTokenSeconds = "300";

Result<Fresh<AwsKeys>> MakeFresh(AwsKeys keys, const std::string& expiration, int64_t margin_ms) {
  if (keys.access_key.empty() || keys.secret_key.empty()) {
    return UnavailableError("the answer has no keys in it");
  }
  Fresh<AwsKeys> fresh{.value = std::move(keys)};
  if (expiration.empty()) return fresh;
  ASSIGN_OR_RETURN(fresh.expires_ms, ParseTime(expiration));
  fresh.renew_ms = fresh.expires_ms - margin_ms;
  return fresh;
}

std::string Text(const Json& json, const char* name) {
  const auto it = json.find(name);
  return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// {"AccessKeyId": …, "SecretAccessKey": …, "Token": …, "Expiration": "2026-01-02T03:04:05Z"}
Result<Fresh<AwsKeys>> ParseJsonKeys(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return UnavailableError("the answer is no JSON object");
  const std::string code = Text(json, "Code");
  if (!code.empty() && code != "Success") {
    return UnavailableError(code + ": " + Text(json, "Message"));
  }
  return MakeFresh({.access_key = Text(json, "AccessKeyId"),
                    .secret_key = Text(json, "SecretAccessKey"),
                    .session_token = Text(json, "Token")},
                   Text(json, "Expiration"), kMachineMarginMs);
}

// What stands in the first element of that name; no element of ours has attributes or entities.
std::string Element(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">", close = "</" + std::string(name) + ">";
  const size_t begin = xml.find(open);
  if (begin == std::string_view::npos) return "";
  const size_t end = xml.find(close, begin);
  if (end == std::string_view::npos) return "";
  return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

Result<Fresh<AwsKeys>> ParseXmlKeys(std::string_view xml) {
  return MakeFresh({.access_key = Element(xml, "AccessKeyId"),
                    .secret_key = Element(xml, "SecretAccessKey"),
                    .session_token = Element(xml, "SessionToken")},
                   Element(xml, "Expiration"), kRoleMarginMs);
}

// One conversation with the metadata server: a token, the name of the role, its keys.
class MachineTalk : public std::enable_shared_from_this<MachineTalk> {
 public:
  MachineTalk(HttpClientPtr client, std::string endpoint, Done done)
      : client_(std::move(client)), endpoint_(std::move(endpoint)), done_(std::move(done)) {}

  void Begin() {
    HttpRequest request =
        MetadataRequest(endpoint_ + "/latest/api/token",
                        {{"X-aws-ec2-metadata-token-ttl-seconds", kMachineTokenSeconds}});
    request.method = "PUT";
    Send(std::move(request), [](MachineTalk& talk, const Result<HttpResponse>& response) {
      const int status = response.ok() ? response->status : 0;
      // Metadata servers of version 1 know of no tokens.
      const bool old = status == 403 || status == 404 || status == 405;
      if (!old && !talk.Accept(response)) return;
      if (!old) talk.headers_.emplace_back("X-aws-ec2-metadata-token", response->body);
      talk.AskForRole();
    });
  }

 private:
  using Next = void (*)(MachineTalk&, const Result<HttpResponse>&);

  void AskForRole() {
    Ask("", [](MachineTalk& talk, const Result<HttpResponse>& response) {
      if (!talk.Accept(response)) return;
      const std::string role = response->body.substr(0, response->body.find_first_of("\r\n"));
      if (role.empty()) return talk.Fail(UnavailableError("the machine has no role"));
      talk.AskForKeys(role);
    });
  }

  void AskForKeys(const std::string& role) {
    Ask(role, [](MachineTalk& talk, const Result<HttpResponse>& response) {
      if (!talk.Accept(response)) return;
      Result<Fresh<AwsKeys>> keys = ParseJsonKeys(response->body);
      if (!keys.ok()) return talk.Fail(keys.TakeStatus());
      talk.done_(std::move(keys));
    });
  }

  void Ask(const std::string& below, Next next) {
    Send(MetadataRequest(endpoint_ + "/latest/meta-data/iam/security-credentials/" + below,
                         headers_),
         next);
  }

  void Send(HttpRequest request, Next next) {
    asked_ = {.method = request.method, .url = request.url};
    client_->Send(std::move(request),
                  [self = shared_from_this(), next](const Result<HttpResponse>& response) {
                    next(*self, response);
                  });
  }

  bool Accept(const Result<HttpResponse>& response) {
    const Status status = CheckAnswer(asked_, response);
    if (!status.ok()) Fail(status);
    return status.ok();
  }
  void Fail(const Status& status) { done_(status.WithContext("no EC2 IMDS role found")); }

  const HttpClientPtr client_;
  const std::string endpoint_;
  const Done done_;
  std::vector<std::pair<std::string, std::string>> headers_;
  HttpRequest asked_;
};

std::string SessionName(const AwsRole& role, int64_t now_ms) {
  return role.session_name.empty() ? "deucalion-" + std::to_string(now_ms) : role.session_name;
}

void AskSts(scrape::HttpClient* client, HttpRequest request, const std::string& action, Done done) {
  const auto deliver = [asked = HttpRequest{.method = request.method, .url = request.url},
                        context = "operation error STS: " + action,
                        done = std::move(done)](const Result<HttpResponse>& response) {
    const Status status = CheckAnswer(asked, response);
    if (!status.ok()) return done(status.WithContext(context));
    Result<Fresh<AwsKeys>> keys = ParseXmlKeys(response->body);
    if (!keys.ok()) return done(keys.status().WithContext(context));
    done(std::move(keys));
  };
  client->Send(std::move(request), deliver);
}

}  // namespace

AwsFetch FetchFromMachine(HttpClientPtr near, std::string endpoint) {
  return [near = std::move(near), endpoint = std::move(endpoint)](Done done) {
    std::make_shared<MachineTalk>(near, endpoint, std::move(done))->Begin();
  };
}

AwsFetch FetchFromContainer(HttpClientPtr near, AwsContainer container, Surroundings surroundings) {
  return [near = std::move(near), container = std::move(container),
          surroundings = std::move(surroundings)](Done done) {
    std::string token = container.token;
    if (!container.token_file.empty()) {
      const auto text = surroundings.file(container.token_file);
      if (!text) {
        return done(
            UnavailableError("failed to read authorization token from " + container.token_file));
      }
      token = text->substr(0, text->find_last_not_of(" \t\r\n") + 1);
    }
    HttpRequest request = MetadataRequest(container.url, {{"Accept", "application/json"}});
    if (!token.empty()) request.headers.emplace_back("Authorization", token);
    const HttpRequest asked{.method = request.method, .url = request.url};
    near->Send(std::move(request),
               [asked, done = std::move(done)](const Result<HttpResponse>& response) {
                 const Status status = CheckAnswer(asked, response);
                 if (!status.ok()) {
                   return done(status.WithContext("failed to load credentials"));
                 }
                 done(ParseJsonKeys(response->body));
               });
  };
}

AwsFetch AssumeAwsRole(HttpClientPtr far, AwsRole role, std::shared_ptr<Renewed<AwsKeys>> with,
                       const Clock* clock) {
  return [far = std::move(far), role = std::move(role), with = std::move(with), clock](Done done) {
    with->Get([far, role, clock, done = std::move(done)](const Result<AwsKeys>& keys) {
      if (!keys.ok()) return done(keys.status());
      const std::string session = SessionName(role, clock->NowMs());
      Form form = {{"Action", "AssumeRole"},
                   {"Version", "2011-06-15"},
                   {"RoleArn", role.arn},
                   {"RoleSessionName", session},
                   {"DurationSeconds", kRoleSeconds}};
      if (!role.external_id.empty()) form.emplace_back("ExternalId", role.external_id);
      HttpRequest request = FormRequest(role.endpoint + "/", form);
      const Status signed_request =
          SignAwsRequest(*keys, {role.region, "sts"}, clock->NowMs(), &request);
      if (!signed_request.ok()) return done(signed_request);
      AskSts(far.get(), std::move(request), "AssumeRole", done);
    });
  };
}

AwsFetch AssumeAwsRoleWithWebIdentity(HttpClientPtr far, AwsRole role, std::string token_file,
                                      Surroundings surroundings, const Clock* clock) {
  return [far = std::move(far), role = std::move(role), token_file = std::move(token_file),
          surroundings = std::move(surroundings), clock](Done done) {
    const auto token = surroundings.file(token_file);
    if (!token) {
      return done(UnavailableError("unable to read file at " + token_file));
    }
    const std::string session = SessionName(role, clock->NowMs());
    const Form form = {{"Action", "AssumeRoleWithWebIdentity"},
                       {"Version", "2011-06-15"},
                       {"RoleArn", role.arn},
                       {"RoleSessionName", session},
                       {"WebIdentityToken", *token}};
    AskSts(far.get(), FormRequest(role.endpoint + "/", form), "AssumeRoleWithWebIdentity",
           std::move(done));
  };
}

}  // namespace deucalion::remote
