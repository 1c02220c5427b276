// Lets RocksDB do its file work through our FileSystem. Only .cc files of this folder include this.
#ifndef DEUCALION_TSDB_CATALOG_ROCKS_FILE_SYSTEM_H_
#define DEUCALION_TSDB_CATALOG_ROCKS_FILE_SYSTEM_H_

#include <rocksdb/file_system.h>

#include <memory>

#include "base/file_system.h"

namespace deucalion::tsdb {

// `fs` must outlive it.
std::shared_ptr<rocksdb::FileSystem> MakeRocksFileSystem(FileSystem* fs);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CATALOG_ROCKS_FILE_SYSTEM_H_
