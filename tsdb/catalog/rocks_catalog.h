// The catalogue on RocksDB. Its types stay in this folder's .cc files.
#ifndef DEUCALION_TSDB_CATALOG_ROCKS_CATALOG_H_
#define DEUCALION_TSDB_CATALOG_ROCKS_CATALOG_H_

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/log.h"
#include "base/status.h"
#include "tsdb/catalog/catalog.h"

namespace deucalion::tsdb {

Result<std::unique_ptr<Catalog>> OpenRocksCatalog(FileSystem* fs, const std::string& dir,
                                                  Logger* log);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CATALOG_ROCKS_CATALOG_H_
