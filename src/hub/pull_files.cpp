#include <system_error>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/hub.h"

#include "base/files.h"

#include "hub/chunk_journal.h"
#include "hub/file_download.h"
#include "hub/http_client.h"
#include "hub/hub_cache.h"
#include "hub/hub_repository.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

HubState state_at(const fs::path& target, const HubFile& file) {
    return fetched_before(target, file) > 0 ? HubState::kPartial : HubState::kAbsent;
}

HubPlace place_in_cache(const HubCache& cache, const HubListing& listing, const HubFile& file) {
    HubPlace place{file, cache.snapshot(listing.commit, file.path), HubState::kPresent};
    if (cache.has(listing.commit, file) || cache.has_blob(file)) return place;
    place.state = state_at(cache.blob(file), file);
    return place;
}

[[noreturn]] void fail_in_the_way(const fs::path& path, const HubFile& file) {
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is there already and is not '{}'", path.string(), file.path),
                "remove it, or choose another name with -o");
}

bool is_folder(const fs::path& out, size_t files) {
    std::error_code none;
    return files > 1 || !out.has_filename() || fs::is_directory(out, none);
}

HubPlace place_at(const fs::path& out, bool folder, const HubFile& file) {
    HubPlace place{file, folder ? out / fs::path(file.path).filename() : out, HubState::kPresent};
    std::error_code none;
    if (!fs::exists(place.path, none)) {
        place.state = state_at(place.path, file);
    } else if (!fs::is_regular_file(place.path, none) ||
               fs::file_size(place.path, none) != file.bytes) {
        fail_in_the_way(place.path, file);
    }
    return place;
}

uint64_t bytes_to_fetch(const std::vector<HubPlace>& places) {
    uint64_t sum = 0;
    for (const HubPlace& place : places) {
        sum += place.state == HubState::kPresent ? 0 : place.file.bytes;
    }
    return sum;
}

// --- fetching -----------------------------------------------------------------------------------

struct Pull {
    const HubListing& listing;
    const HubOptions& options;
    HubCache cache;
    ByteProgress progress;
};

void fetch_to_cache(Pull& pull, const HubPlace& place) {
    const fs::path blob = pull.cache.blob(place.file);
    if (place.state != HubState::kPresent) {
        make_folder(blob.parent_path());
        download_file(file_url(pull.listing, place.file, pull.options), place.file, blob,
                      pull.options, pull.progress);
        pull.progress.next_file(place.file.bytes);
    }
    if (!pull.cache.has(pull.listing.commit, place.file)) {
        pull.cache.link(pull.listing.commit, place.file);
    }
}

void fetch_to(Pull& pull, const HubPlace& place) {
    if (place.state == HubState::kPresent) {
        if (!has_hash(place.path, place.file)) fail_in_the_way(place.path, place.file);
        return;
    }
    if (place.path.has_parent_path()) make_folder(place.path.parent_path());
    const fs::path cached = pull.cache.snapshot(pull.listing.commit, place.file.path);
    if (pull.cache.has(pull.listing.commit, place.file)) {
        copy_file_checked(cached, place.file, place.path, pull.progress);
    } else {
        download_file(file_url(pull.listing, place.file, pull.options), place.file, place.path,
                      pull.options, pull.progress);
    }
    pull.progress.next_file(place.file.bytes);
}

}  // namespace

std::vector<HubPlace> find_places(const HubListing& listing, const std::vector<HubFile>& files,
                                  const fs::path& out, const HubOptions& options) {
    const HubCache cache(options.cache, listing.repository);
    const bool folder = is_folder(out, files.size());
    std::vector<HubPlace> places;
    places.reserve(files.size());
    for (const HubFile& file : files) {
        places.push_back(out.empty() ? place_in_cache(cache, listing, file)
                                     : place_at(out, folder, file));
    }
    return places;
}

std::vector<HubPlace> pull_files(const HubListing& listing, const std::vector<HubFile>& files,
                                 const fs::path& out, const HubOptions& given, Progress& progress) {
    HubOptions options = given;
    if (!options.offline) options.endpoint = checked_endpoint(given.endpoint);
    auto places = find_places(listing, files, out, options);
    Pull pull{listing, options, HubCache(options.cache, listing.repository),
              ByteProgress(progress, bytes_to_fetch(places))};
    for (const HubPlace& place : places) {
        if (out.empty()) {
            fetch_to_cache(pull, place);
        } else {
            fetch_to(pull, place);
        }
    }
    if (out.empty() && !options.offline) pull.cache.write_ref(listing.revision, listing.commit);
    return places;
}

}  // namespace bitgauge
