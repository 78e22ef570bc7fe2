#include "base/file.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "base/yaml.hpp"
#include "tests/base/message_of.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

std::string resource_error(const std::string& path, std::string_view content, bool force) {
  try {
    write_file(path, content, force);
  } catch (const ResourceError& error) {
    return error.what();
  }
  return "accepted";
}

/// Stands for a full disk: no file of this process may grow beyond `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_before_);
  }

 private:
  rlimit before_{};
  void (*handler_before_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

}  // namespace

TEST_CASE("a new file holds the content and nothing else stays in its folder") {
  const TemporaryFolder folder;

  write_file(folder.file("a.txt"), "two\nlines\n", false);

  CHECK(folder.content("a.txt") == "two\nlines\n");
  CHECK(folder.entries() == 1);
}

TEST_CASE("an existing file is kept, and replaced only by force") {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.txt", "old");

  CHECK(message_of([&] { write_file(path, "new", false); }).find("--force") != std::string::npos);
  CHECK(folder.content("a.txt") == "old");

  write_file(path, "new", true);
  CHECK(folder.content("a.txt") == "new");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a symbolic link stays a link to the replaced file") {
  const TemporaryFolder folder;
  folder.write("a.txt", "old");
  std::filesystem::create_symlink("a.txt", folder.file("link"));

  write_file(folder.file("link"), "new", true);

  CHECK(std::filesystem::is_symlink(folder.file("link")));
  CHECK(folder.content("a.txt") == "new");
}

TEST_CASE("a missing folder is named with the reason") {
  const TemporaryFolder folder;
  const std::string missing = folder.file("no/such/a.txt");
  const std::string inside_file = folder.write("b.txt", "old") + "/a.txt";

  CHECK(resource_error(missing, "x", false) == "cannot write \"" + missing + "\": No such file or directory");
  CHECK(resource_error(inside_file, "x", false) == "cannot write \"" + inside_file + "\": Not a directory");
}

TEST_CASE("a read-only folder is named with the reason") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.txt");
  if (::geteuid() == 0) return;  // root may write anywhere
  using std::filesystem::perms;
  std::filesystem::permissions(folder.file(""), perms::owner_read | perms::owner_exec);

  CHECK(resource_error(path, "x", false) == "cannot write \"" + path + "\": Permission denied");

  std::filesystem::permissions(folder.file(""), perms::owner_all);
}

TEST_CASE("a disk that fills up leaves no partial file and keeps the old one") {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.txt", "old");
  std::string message;

  {
    const FileSizeLimit limit(1000);
    message = resource_error(path, std::string(2000, 'x'), true);
  }

  CHECK(message == "cannot write \"" + path + "\": File too large");
  CHECK(folder.content("a.txt") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a full device says so") {
  CHECK(resource_error("/dev/full", "x", false) == R"(cannot write "/dev/full": No space left on device)");
}

TEST_CASE("a device is written directly, without force") {
  CHECK_NOTHROW(write_file("/dev/null", "x", false));
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("standard output is continued where it stands, even when it is a file") {
  const TemporaryFolder folder;
  const std::string path = folder.write("out.txt", "");
  const int saved = ::dup(STDOUT_FILENO);
  REQUIRE(std::freopen(path.c_str(), "a", stdout) != nullptr);

  write_file("/dev/stdout", "first ", false);
  write_file("/dev/stdout", "second", false);
  ::dup2(saved, STDOUT_FILENO);
  ::close(saved);

  CHECK(folder.content("out.txt") == "first second");
}

TEST_CASE("a folder or an empty path is no output") {
  const TemporaryFolder folder;

  CHECK_THROWS_AS(write_file(folder.file(""), "x", true), InputError);
  CHECK_THROWS_AS(write_file("", "x", true), InputError);
}

TEST_CASE("a file is read up to its limit and refused beyond") {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.txt", "12345");

  CHECK(read_text(path, Bytes{5}) == "12345");
  CHECK(message_of([&] { read_text(path, Bytes{4}); }) ==
        path + ": error: the file is too large; want at most 4 bytes");
}

TEST_CASE("a YAML file names itself in its errors as it was given") {
  const TemporaryFolder folder;
  const std::string good = folder.write("good.yaml", "a: 1\n");
  const std::string bad = folder.write("bad.yaml", "a: 1\na: 2\n");

  CHECK(read_yaml(good).at("a").integer(0, 9) == 1);
  CHECK(message_of([&] { read_yaml(bad); }) ==
        bad + R"(:2:1: error: duplicate key; the first is on line 1; got "a")");
}

TEST_CASE("what is no readable file is refused with the reason") {
  const TemporaryFolder folder;
  const std::string missing = folder.file("missing.yaml");
  const std::string pipe = folder.file("pipe.yaml");
  const std::string loop = folder.file("loop.yaml");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::filesystem::create_symlink("loop.yaml", loop);

  CHECK(message_of([&] { read_yaml(missing); }) == missing + ": error: cannot read: No such file or directory");
  CHECK(message_of([&] { read_yaml(folder.file("")); }) == folder.file("") + ": error: cannot read: it is a directory");
  CHECK(message_of([&] { read_yaml(pipe); }) == pipe + ": error: cannot read: it is a pipe");
  CHECK(message_of([&] { read_yaml(loop); }) == loop + ": error: cannot read: Too many levels of symbolic links");
  CHECK(message_of([] { read_yaml("/dev/zero"); }) == "/dev/zero: error: cannot read: it is no regular file");
}
