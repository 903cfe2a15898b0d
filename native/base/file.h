#pragma once
// Files: mapped for reading, temporary for spilling.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace anyvec {

// A whole file in memory, copy-on-write: writing to it never reaches the file and never faults.
// Another program that shortens the file while it is mapped makes the lost pages fault (SIGBUS); nothing in user space can prevent that.
class MappedFile {
 public:
  static Result<std::shared_ptr<MappedFile>> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const char* data() const { return static_cast<const char*>(data_); }
  void* writable() const { return data_; }
  size_t size() const { return size_; }

 private:
  MappedFile() = default;
  void* data_ = nullptr;
  size_t size_ = 0;
};

// A file that is read once. Its pages are never mapped: a page fault costs more than the copying, and a file that another program
// shortens is an error and no signal.
class InputFile {
 public:
  static Result<std::unique_ptr<InputFile>> open(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // When it was opened.
  uint64_t size() const { return size_; }
  // Safe from many threads.
  Status read(uint64_t offset, void* data, size_t bytes) const;

 private:
  InputFile() = default;
#if defined(_WIN32)
  void* handle_ = nullptr;
#else
  int descriptor_ = -1;
#endif
  std::string path_;
  uint64_t size_ = 0;
};

// A file without a name, gone with the process. Errors are values; the disk being full is one of them.
class TemporaryFile {
 public:
  static Result<std::unique_ptr<TemporaryFile>> create(const std::string& folder);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  Status write(uint64_t offset, const void* data, size_t bytes);
  Status read(uint64_t offset, void* data, size_t bytes) const;

 private:
  TemporaryFile() = default;
#if defined(_WIN32)
  void* handle_ = nullptr;
#else
  int descriptor_ = -1;
#endif
  std::string folder_;
};

// "no such file or directory" and the like, for an errno.
std::string system_message(int number);

}  // namespace anyvec
