// Copies a blob out of the file `secret` and makes sure that it is the one that was meant.
//
// Process: nginx worker.   Allocates: heap, the blob's size.
// Fails: kNotFound when another blob lies there (or nothing): look the place up again.
// Tested by: test/unit/shared/secret/secret_file_test.cc
#pragma once

#include "shared/base/result.h"
#include "shared/secret/blob.h"

namespace sluice::secret {

Result<Bytes> read_blob(int file, const BlobPlace& place);

}  // namespace sluice::secret
