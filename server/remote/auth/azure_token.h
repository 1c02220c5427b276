// Tokens of Microsoft's Entra ID (Azure AD) for Azure Monitor.
//
//   managed_identity   from the metadata server of the machine, or of the App Service
//   oauth              for a client's secret, from the authority of the cloud
//   workload_identity  for the assertion in a file that Kubernetes keeps fresh, from there, too
//   sdk                whichever of them the environment is made for (AZURE_…)
#ifndef DEUCALION_SERVER_REMOTE_AUTH_AZURE_TOKEN_H_
#define DEUCALION_SERVER_REMOTE_AUTH_AZURE_TOKEN_H_

#include "server/remote/auth/request_auth.h"
#include "server/remote/auth/token.h"

namespace deucalion::remote {

// Renewed when half of its life is over, as upstream does. Errors of the tokens begin with "Failed
// to get access token: ".
Result<Authorization> NewAzureToken(const config::AzureAdConfig& config, const AuthParts& parts);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_AUTH_AZURE_TOKEN_H_
