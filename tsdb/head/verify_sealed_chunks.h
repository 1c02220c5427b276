// Looks at every chunk of one of the head's chunk files (sealed_chunks.h), for tools.
#ifndef DEUCALION_TSDB_HEAD_VERIFY_SEALED_CHUNKS_H_
#define DEUCALION_TSDB_HEAD_VERIFY_SEALED_CHUNKS_H_

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace deucalion::tsdb {

// kCorrupt at the first chunk whose checksum does not match; *chunks: how many were read.
Status VerifySealedChunks(std::string_view file, uint64_t* chunks);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_VERIFY_SEALED_CHUNKS_H_
