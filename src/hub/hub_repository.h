#pragma once

// What the server says of a repository: /api/models/NAME/revision/REV and /tree/COMMIT, page by
// page. Everything in the answers is checked before it names a file or an address.

#include <string>

#include "bitgauge/hub.h"

namespace bitgauge {

// The address of a file at a commit.
std::string file_url(const HubListing& listing, const HubFile& file, const HubOptions& options);

}  // namespace bitgauge
