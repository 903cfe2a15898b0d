#include "base/file.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#if defined(_WIN32)
#define NOMINMAX
#include <windows.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#endif

namespace anyvec {

std::string system_message(int number) {
  std::string message = std::generic_category().message(number);
  // In the middle of a sentence.
  if (!message.empty() && message[0] >= 'A' && message[0] <= 'Z') message[0] = static_cast<char>(message[0] - 'A' + 'a');
  return message;
}

namespace {

Error file_error(const std::string& path, const std::string& what) {
  return Error{Code::kFile, "cannot read " + path + ": " + what, {{"path", path}}};
}

Error spill_error(const std::string& folder, const std::string& what) {
  return Error{Code::kMemory,
               "cannot keep ids in a temporary file in " + folder + ": " + what +
                   "; free some space there, or choose another folder with spillFolder or a larger memoryLimit",
               {{"path", folder}}};
}

}  // namespace

#if defined(_WIN32)

namespace {
std::wstring wide(const std::string& text) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0);
  std::wstring out(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), out.data(), length);
  return out;
}
std::string last_error() { return std::system_category().message(static_cast<int>(GetLastError())); }

// A file's handle, and its size.
Result<HANDLE> open_handle(const std::string& path, uint64_t& size) {
  HANDLE handle = CreateFileW(wide(path).c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return file_error(path, last_error());
  LARGE_INTEGER bytes;
  if (!GetFileSizeEx(handle, &bytes)) {
    CloseHandle(handle);
    return file_error(path, last_error());
  }
  size = static_cast<uint64_t>(bytes.QuadPart);
  return handle;
}

constexpr size_t kTransfer = size_t{1} << 30;
OVERLAPPED at(uint64_t offset) {
  OVERLAPPED position{};
  position.Offset = static_cast<DWORD>(offset);
  position.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return position;
}

// Empty when all was read.
std::string read_at(HANDLE handle, uint64_t offset, void* data, size_t bytes) {
  char* to = static_cast<char*>(data);
  while (bytes > 0) {
    OVERLAPPED position = at(offset);
    DWORD done = 0;
    if (!ReadFile(handle, to, static_cast<DWORD>(std::min(bytes, kTransfer)), &done, &position) || done == 0) return last_error();
    to += done;
    offset += done;
    bytes -= done;
  }
  return {};
}
}  // namespace

Result<std::shared_ptr<MappedFile>> MappedFile::open(const std::string& path) {
  uint64_t size = 0;
  auto opened = open_handle(path, size);
  if (!opened.ok()) return opened.error();
  HANDLE handle = opened.value();
  std::shared_ptr<MappedFile> file(new MappedFile());
  file->size_ = static_cast<size_t>(size);
  if (file->size_ > 0) {
    HANDLE mapping = CreateFileMappingW(handle, nullptr, PAGE_WRITECOPY, 0, 0, nullptr);
    if (mapping != nullptr) {
      file->data_ = MapViewOfFile(mapping, FILE_MAP_COPY, 0, 0, 0);
      CloseHandle(mapping);
    }
    if (file->data_ == nullptr) {
      CloseHandle(handle);
      return file_error(path, last_error());
    }
  }
  CloseHandle(handle);
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) UnmapViewOfFile(data_);
}

Result<std::unique_ptr<InputFile>> InputFile::open(const std::string& path) {
  uint64_t size = 0;
  auto opened = open_handle(path, size);
  if (!opened.ok()) return opened.error();
  std::unique_ptr<InputFile> file(new InputFile());
  file->handle_ = opened.value();
  file->path_ = path;
  file->size_ = size;
  return file;
}

InputFile::~InputFile() {
  if (handle_ != nullptr) CloseHandle(handle_);
}

Status InputFile::read(uint64_t offset, void* data, size_t bytes) const {
  const std::string trouble = read_at(handle_, offset, data, bytes);
  if (!trouble.empty()) return file_error(path_, trouble);
  return success();
}

Result<std::unique_ptr<TemporaryFile>> TemporaryFile::create(const std::string& folder) {
  wchar_t name[MAX_PATH];
  if (GetTempFileNameW(wide(folder).c_str(), L"avc", 0, name) == 0) return spill_error(folder, last_error());
  HANDLE handle = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS,
                              FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return spill_error(folder, last_error());
  std::unique_ptr<TemporaryFile> file(new TemporaryFile());
  file->handle_ = handle;
  file->folder_ = folder;
  return file;
}

TemporaryFile::~TemporaryFile() {
  if (handle_ != nullptr) CloseHandle(handle_);
}

Status TemporaryFile::write(uint64_t offset, const void* data, size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    OVERLAPPED position = at(offset);
    DWORD done = 0;
    if (!WriteFile(handle_, from, static_cast<DWORD>(std::min(bytes, kTransfer)), &done, &position)) return spill_error(folder_, last_error());
    from += done;
    offset += done;
    bytes -= done;
  }
  return success();
}

Status TemporaryFile::read(uint64_t offset, void* data, size_t bytes) const {
  const std::string trouble = read_at(handle_, offset, data, bytes);
  if (!trouble.empty()) return spill_error(folder_, trouble);
  return success();
}

#else

namespace {

// A regular file's descriptor, and its size.
Result<int> open_regular(const std::string& path, uint64_t& size) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return file_error(path, system_message(errno));
  struct stat status;
  if (fstat(descriptor, &status) != 0) {
    const int number = errno;
    close(descriptor);
    return file_error(path, system_message(number));
  }
  if (!S_ISREG(status.st_mode)) {
    close(descriptor);
    return file_error(path, S_ISDIR(status.st_mode) ? "it is a directory" : "it is not a regular file");
  }
  size = static_cast<uint64_t>(status.st_size);
  return descriptor;
}

// Empty when all was read.
std::string read_at(int descriptor, uint64_t offset, void* data, size_t bytes) {
  char* to = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t done = pread(descriptor, to, bytes, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return done == 0 ? "it ended early" : system_message(errno);
    to += done;
    offset += static_cast<uint64_t>(done);
    bytes -= static_cast<size_t>(done);
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<MappedFile>> MappedFile::open(const std::string& path) {
  uint64_t size = 0;
  auto opened = open_regular(path, size);
  if (!opened.ok()) return opened.error();
  const int descriptor = opened.value();
  std::shared_ptr<MappedFile> file(new MappedFile());
  file->size_ = static_cast<size_t>(size);
  if (file->size_ > 0) {
    void* data = mmap(nullptr, file->size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0);
    if (data == MAP_FAILED) {
      const int number = errno;
      close(descriptor);
      return file_error(path, system_message(number));
    }
    file->data_ = data;
  }
  close(descriptor);
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

Result<std::unique_ptr<InputFile>> InputFile::open(const std::string& path) {
  uint64_t size = 0;
  auto opened = open_regular(path, size);
  if (!opened.ok()) return opened.error();
  std::unique_ptr<InputFile> file(new InputFile());
  file->descriptor_ = opened.value();
  file->path_ = path;
  file->size_ = size;
#if defined(POSIX_FADV_SEQUENTIAL)
  posix_fadvise(file->descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
  return file;
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Status InputFile::read(uint64_t offset, void* data, size_t bytes) const {
  const std::string trouble = read_at(descriptor_, offset, data, bytes);
  if (!trouble.empty()) return file_error(path_, trouble);
  return success();
}

Result<std::unique_ptr<TemporaryFile>> TemporaryFile::create(const std::string& folder) {
  std::string name = folder + "/anyvec-ids-XXXXXX";
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) return spill_error(folder, system_message(errno));
  unlink(name.c_str());
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  std::unique_ptr<TemporaryFile> file(new TemporaryFile());
  file->descriptor_ = descriptor;
  file->folder_ = folder;
  return file;
}

TemporaryFile::~TemporaryFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Status TemporaryFile::write(uint64_t offset, const void* data, size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = pwrite(descriptor_, from, bytes, static_cast<off_t>(offset));
    if (done < 0) {
      if (errno == EINTR) continue;
      return spill_error(folder_, system_message(errno));
    }
    from += done;
    offset += static_cast<uint64_t>(done);
    bytes -= static_cast<size_t>(done);
  }
  return success();
}

Status TemporaryFile::read(uint64_t offset, void* data, size_t bytes) const {
  const std::string trouble = read_at(descriptor_, offset, data, bytes);
  if (!trouble.empty()) return spill_error(folder_, trouble);
  return success();
}

#endif

}  // namespace anyvec
