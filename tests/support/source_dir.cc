#include "tests/support/source_dir.h"

namespace deucalion {

std::string SourceDir() { return DEUCALION_SOURCE_DIR; }

}  // namespace deucalion
