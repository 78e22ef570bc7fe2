#pragma once
// Writing a file whole or not at all.

#include <string>
#include <string_view>

namespace tandem {

/// Writes `content` to `path` through a temporary file in the same folder: a reader sees the old file or the new one,
/// and a failure leaves no trace. Pipes, devices and /dev/stdout are written directly.
/// Throws InputError when `path` exists and `force` is false, or when it is a folder; ResourceError, naming the path
/// and the reason, when the folder is missing or read-only or the disk is full.
void write_file(const std::string& path, std::string_view content, bool force);

}  // namespace tandem
