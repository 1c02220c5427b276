// Profiles: the named sections of ~/.aws/credentials and ~/.aws/config, or of the files that
// AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name.
#ifndef DEUCALION_SERVER_REMOTE_AUTH_AWS_PROFILE_H_
#define DEUCALION_SERVER_REMOTE_AUTH_AWS_PROFILE_H_

#include <map>
#include <string>

#include "server/remote/auth/surroundings.h"

namespace deucalion::remote {

// What the two files say under that name; the credentials file counts more. Empty: nothing.
using AwsProfile = std::map<std::string, std::string>;
AwsProfile ReadAwsProfile(const std::string& name, const Surroundings& surroundings);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_AUTH_AWS_PROFILE_H_
