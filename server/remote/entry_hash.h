// The fingerprint of a remote_write or remote_read entry, from its text in status/config: what
// tells entries apart, and names those that have no name (the first six digits).
#ifndef DEUCALION_SERVER_REMOTE_ENTRY_HASH_H_
#define DEUCALION_SERVER_REMOTE_ENTRY_HASH_H_

#include <string>

namespace deucalion::remote {

// MD5 in hexadecimal digits.
std::string EntryHash(const std::string& yaml);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_ENTRY_HASH_H_
