// Where the source tree is, for tests that read data from it. In one small object: as a definition
// on every test it would keep the compiler cache from sharing test objects between checkouts.
#ifndef DEUCALION_TESTS_SUPPORT_SOURCE_DIR_H_
#define DEUCALION_TESTS_SUPPORT_SOURCE_DIR_H_

#include <string>

namespace deucalion {

// Absolute, without a trailing slash.
std::string SourceDir();

}  // namespace deucalion

#endif  // DEUCALION_TESTS_SUPPORT_SOURCE_DIR_H_
