#include "base/spawned.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#include <fmt/format.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

constexpr int kHighestGiven = 3;

// Default signals and a process group of its own.
class SpawnAttributes {
  public:
    SpawnAttributes() {
        ::posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigset_t all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;

    const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_;
};

}  // namespace

void fail_for(const std::string& what) {
    throw Error(ErrorKind::kEnvironment, fmt::format("{}: {}", what, std::strerror(errno)));
}

// All numbers up to the highest that a child gets are open in any process that has a terminal or a
// log.
Descriptor moved_up(const Descriptor& descriptor) {
    Descriptor moved(::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, kHighestGiven + 1));
    if (moved.number() < 0) fail_for("no descriptor");
    return moved;
}

pid_t spawn_apart(const std::vector<std::string>& command, std::span<const int> descriptors) {
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (const std::string& argument : command) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    for (size_t i = 0; i < descriptors.size(); ++i) {
        ::posix_spawn_file_actions_adddup2(&actions, descriptors[i], static_cast<int>(i));
    }
    const SpawnAttributes attributes;
    pid_t child = 0;
    const int failed =
        ::posix_spawnp(&child, argv[0], &actions, attributes.get(), argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    errno = failed;
    if (failed != 0) fail_for(fmt::format("'{}' cannot be started", command[0]));
    return child;
}

}  // namespace bitgauge
