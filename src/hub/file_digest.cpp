#include "hub/file_digest.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "bitgauge/error.h"

#include "base/interrupt.h"

namespace bitgauge {
namespace {

constexpr size_t kSha256Digits = 64;
constexpr size_t kSha1Digits = 40;

const EVP_MD* method_of(const HubFile& file) {
    if (file.hash.size() == kSha256Digits) return EVP_sha256();
    if (file.hash.size() == kSha1Digits) return EVP_sha1();
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' has no hash to check it against: '{}'", file.path, file.hash),
                "choose another file of the repository");
}

}  // namespace

struct FileDigest::State {
    struct FreeContext {
        void operator()(EVP_MD_CTX* digest) const { EVP_MD_CTX_free(digest); }
    };
    std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
};

FileDigest::FileDigest(const HubFile& file) : state_(std::make_unique<State>()) {
    const EVP_MD* method = method_of(file);
    if (!state_->context || EVP_DigestInit_ex(state_->context.get(), method, nullptr) != 1) {
        throw Error(ErrorKind::kEnvironment, "the library that hashes files refused to",
                    "check the installation of OpenSSL");
    }
    // git hashes the kind and the size before the contents
    std::string head = fmt::format("blob {}", file.bytes);
    head.push_back('\0');
    if (file.hash.size() == kSha1Digits) add(std::as_bytes(std::span(head)));
}

FileDigest::~FileDigest() = default;

void FileDigest::add(std::span<const std::byte> bytes) {
    EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

std::string FileDigest::hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> value = {};
    unsigned int size = 0;
    EVP_DigestFinal_ex(state_->context.get(), value.data(), &size);
    std::string digits;
    for (unsigned int i = 0; i < size; ++i) digits += fmt::format("{:02x}", value.at(i));
    return digits;
}

FollowingDigest::FollowingDigest(const ResumableFile& file, const HubFile& expected)
    : file_(file), bytes_(expected.bytes), digest_(expected), thread_([this] { follow(); }) {}

FollowingDigest::~FollowingDigest() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void FollowingDigest::reach(uint64_t end) {
    {
        const std::lock_guard lock(mutex_);
        reached_ = std::max(reached_, end);
    }
    changed_.notify_all();
}

bool FollowingDigest::finish(std::string& hex) {
    constexpr auto kLook = std::chrono::milliseconds(100);
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kLook, [this] { return done_; })) {
        if (interrupted()) return false;
    }
    if (failed_) std::rethrow_exception(failed_);
    hex = digest_.hex();
    return true;
}

// Raises `end` to what is complete; false when nothing more will be.
bool FollowingDigest::wait_for(uint64_t& end) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || reached_ > end; });
    end = reached_;
    return !stopped_;
}

void FollowingDigest::follow() {
    constexpr uint64_t kStep = uint64_t{1} << 20;
    std::vector<std::byte> buffer(kStep);
    uint64_t done = 0;
    try {
        while (done < bytes_) {
            uint64_t end = done;
            if (!wait_for(end)) return;
            const auto part = std::span(buffer).first(std::min(kStep, end - done));
            if (!file_.read(done, part)) {
                throw Error(
                    ErrorKind::kEnvironment,
                    fmt::format("'{}' cannot be read back at byte {}", file_.path().string(), done),
                    "check the disk");
            }
            digest_.add(part);
            done += part.size();
        }
    } catch (...) {
        failed_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
}

}  // namespace bitgauge
