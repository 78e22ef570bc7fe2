#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace tandem {

namespace {

constexpr mode_t kReadAndWriteByAll = 0666;  // less the process's umask

[[noreturn]] void fail(const std::string& path, int error_number) {
  throw ResourceError(fmt::format("cannot write \"{}\": {}", path, std::generic_category().message(error_number)));
}

[[noreturn]] void refuse_existing(const std::string& path) {
  throw InputError("the output exists already", path, "another path, or --force to replace it");
}

void write_all(const FileDescriptor& file, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t count = ::write(file.number(), content.data(), content.size());
    if (count < 0 && errno != EINTR) fail(path, errno);
    content.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
  }
}

/// The process's own stream where `path` names it: reopening one that is a regular file would start at its beginning.
FileDescriptor open_directly(const std::string& path) {
  const int stream = path == "/dev/stdout" ? STDOUT_FILENO : path == "/dev/stderr" ? STDERR_FILENO : -1;
  const int number = stream >= 0 ? ::fcntl(stream, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (number < 0) fail(path, errno);
  return FileDescriptor(number);
}

void write_directly(const std::string& path, std::string_view content) {
  FileDescriptor file = open_directly(path);
  write_all(file, content, path);
  if (!file.close()) fail(path, errno);
}

/// A new file beside its target, removed unless it was moved there.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& target)
      : target_(target), path_(free_name(target)), file_(::open(path_.c_str(), kFlags, kReadAndWriteByAll)) {
    if (!file_.is_open()) fail(target_, errno);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!moved_) ::unlink(path_.c_str());
  }

  void store(std::string_view content) {
    write_all(file_, content, target_);
    if (::fsync(file_.number()) != 0 || !file_.close()) fail(target_, errno);
  }

  void move_to_target(bool replace) {
    moved_ = ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), replace ? 0 : RENAME_NOREPLACE) == 0;
    if (!moved_ && errno == EINVAL) moved_ = ::rename(path_.c_str(), target_.c_str()) == 0;
    if (!moved_ && errno == EEXIST) refuse_existing(target_);
    if (!moved_) fail(target_, errno);
  }

 private:
  static constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;

  static std::string free_name(const std::string& target) {
    std::filesystem::path name;
    for (int attempt = 0; name.empty() || std::filesystem::exists(name); ++attempt) {
      name = std::filesystem::path(target).parent_path() / fmt::format(".tandem-{}-{}", ::getpid(), attempt);
    }
    return name.string();
  }

  std::string target_;
  std::string path_;
  FileDescriptor file_;
  bool moved_ = false;
};

}  // namespace

void write_file(const std::string& path, std::string_view content, bool force) {
  if (path.empty()) throw InputError("an empty output path");
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) throw InputError("the output is a folder", path, "a file");
  if (path == "/dev/stdout" || path == "/dev/stderr" || (exists && !S_ISREG(status.st_mode))) {
    return write_directly(path, content);
  }
  if (exists && !force) refuse_existing(path);
  const std::string target = exists ? std::filesystem::canonical(path).string() : path;
  TemporaryFile file(target);
  file.store(content);
  file.move_to_target(force);
}

}  // namespace tandem
