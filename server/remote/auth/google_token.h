// Tokens of Google's for writing to Cloud Monitoring: for the credentials in a file (the key of a
// service account, or what `gcloud auth application-default login` left), else those of the
// machine, from its metadata server.
#ifndef DEUCALION_SERVER_REMOTE_AUTH_GOOGLE_TOKEN_H_
#define DEUCALION_SERVER_REMOTE_AUTH_GOOGLE_TOKEN_H_

#include <string>

#include "server/remote/auth/request_auth.h"
#include "server/remote/auth/token.h"

namespace deucalion::remote {

struct GoogleIdentity {
  Authorization token;
  std::string quota_project;  // may be empty
};

// The file of the entry, or GOOGLE_APPLICATION_CREDENTIALS, or gcloud's own; none: the metadata
// server. Errors: a file that cannot be read or says nothing that we understand.
Result<GoogleIdentity> FindGoogleIdentity(const config::GoogleIamConfig& config,
                                          const AuthParts& parts);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_AUTH_GOOGLE_TOKEN_H_
