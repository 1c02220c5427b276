// Where the keys come from that requests to Amazon are signed with: Amazon's default chain.
//
//   the entry                     access_key and secret_key; or its profile
//   the environment               AWS_ACCESS_KEY_ID …; AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN
//   the profile                   AWS_PROFILE or "default": keys, a role over another profile or
//                                 over what credential_source names, a web identity
//   the container                 AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI
//   the machine                   EC2's metadata server, version 2 (version 1 where that is all)
//
// A role_arn of the entry is assumed with the keys that this gives.
#ifndef DEUCALION_SERVER_REMOTE_AUTH_AWS_KEYS_H_
#define DEUCALION_SERVER_REMOTE_AUTH_AWS_KEYS_H_

#include <memory>
#include <string>

#include "server/remote/auth/renewed.h"
#include "server/remote/auth/request_auth.h"
#include "server/remote/auth/sigv4.h"

namespace deucalion::remote {

struct AwsIdentity {
  std::shared_ptr<Renewed<AwsKeys>> keys;
  std::string region;
};

// Decides where keys come from; those of containers, machines and roles are fetched when they are
// needed. Errors: nothing found, in upstream's words.
Result<AwsIdentity> FindAwsIdentity(const config::SigV4Config& config, const AuthParts& parts);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_AUTH_AWS_KEYS_H_
