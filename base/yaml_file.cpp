#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/file_descriptor.hpp"
#include "base/yaml.hpp"
#include "base/yaml_source.hpp"

namespace tandem {

namespace {

std::string_view file_kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  return "no regular file";
}

[[noreturn]] void refuse(const std::string& path, int error_number) {
  throw InputError(TextPosition{path}, fmt::format("cannot read: {}", std::generic_category().message(error_number)));
}

/// Without blocking, so that a pipe nobody writes to is refused instead of waited for.
FileDescriptor open_regular(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.number(), &status) != 0) refuse(path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw InputError(TextPosition{path}, fmt::format("cannot read: it is {}", file_kind(status.st_mode)));
  }
  return file;
}

}  // namespace

std::string read_text(const std::string& path, Bytes limit) {
  const FileDescriptor file = open_regular(path);
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t count = ::read(file.number(), buffer.data(), buffer.size());
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(path, errno);
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (static_cast<std::int64_t>(text.size()) <= limit.count) continue;
    throw InputError({path}, "the file is too large", {}, fmt::format("at most {} bytes", limit.count));
  }
}

YamlNode read_yaml(const std::string& path) { return parse_yaml(read_text(path, {kYamlBytesMax}), path); }

}  // namespace tandem
