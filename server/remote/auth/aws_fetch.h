// Temporary AWS keys, fetched from whoever hands them out: the metadata server of an EC2 machine,
// the agent of a container (ECS, EKS), the Security Token Service.
#ifndef DEUCALION_SERVER_REMOTE_AUTH_AWS_FETCH_H_
#define DEUCALION_SERVER_REMOTE_AUTH_AWS_FETCH_H_

#include <memory>
#include <string>

#include "scrape/fetch/http_client.h"
#include "server/remote/auth/renewed.h"
#include "server/remote/auth/sigv4.h"
#include "server/remote/auth/surroundings.h"

namespace deucalion::remote {

using AwsFetch = Renewed<AwsKeys>::Fetch;
using HttpClientPtr = std::shared_ptr<scrape::HttpClient>;

// `endpoint`: "http://169.254.169.254" on a machine of Amazon's.
AwsFetch FetchFromMachine(HttpClientPtr near, std::string endpoint);

struct AwsContainer {
  std::string url;
  // The Authorization field, read from the file each time when there is one. May be empty.
  std::string token, token_file;
};
AwsFetch FetchFromContainer(HttpClientPtr near, AwsContainer container, Surroundings surroundings);

struct AwsRole {
  std::string arn;
  std::string external_id;   // may be empty
  std::string session_name;  // empty: one of ours
  std::string endpoint;      // of STS: https://sts.eu-west-1.amazonaws.com
  std::string region;        // that STS is asked in
};
// With the keys of somebody who may assume the role.
AwsFetch AssumeAwsRole(HttpClientPtr far, AwsRole role, std::shared_ptr<Renewed<AwsKeys>> with,
                       const Clock* clock);
// With the token in a file that Kubernetes keeps fresh.
AwsFetch AssumeAwsRoleWithWebIdentity(HttpClientPtr far, AwsRole role, std::string token_file,
                                      Surroundings surroundings, const Clock* clock);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_AUTH_AWS_FETCH_H_
