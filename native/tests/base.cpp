// Memory, files, threads.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/threads.h"
#include "model/rows.h"
#include "tests/check.h"

using namespace anyvec;

namespace {
const std::string kFolder = std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp";
}

TEST(products_that_do_not_fit_are_refused) {
  CHECK_EQUAL(*checked_product(6, 7), 42U);
  CHECK_EQUAL(*checked_product(0, SIZE_MAX), 0U);
  CHECK_EQUAL(*checked_product(SIZE_MAX, 1), SIZE_MAX);
  CHECK(!checked_product(SIZE_MAX, 2));
  CHECK(!checked_product(size_t{1} << 32, size_t{1} << 31, 4));
}

TEST(memory_is_aligned_and_zero_whatever_its_size) {
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{100'000}, size_t{1} << 21, (size_t{5} << 20) + 3}) {
    Memory memory = Memory::allocate(bytes);
    if (!CHECK(static_cast<bool>(memory))) return;
    CHECK_EQUAL(reinterpret_cast<uintptr_t>(memory.data()) % 64, 0U);
    const char* p = static_cast<const char*>(memory.data());
    bool zero = true;
    for (size_t i = 0; i < bytes; ++i) zero &= p[i] == 0;
    CHECK(zero);
    std::memset(memory.data(), 1, bytes);
    memory.shrink(bytes / 2);
    for (size_t i = 0; i < bytes / 2; ++i) zero &= p[i] == 1;
    CHECK(zero);
  }
}

TEST(memory_that_is_not_there_is_no_crash) {
  CHECK(!Memory::allocate(SIZE_MAX));
  CHECK(!Memory::allocate(SIZE_MAX / 2));
  CHECK(!model::Rows::allocate(UINT64_MAX / 8, 4096).ok());
  CHECK(model::Rows::allocate(uint64_t{1} << 45, 4096).error().code == Code::kMemory);
}

TEST(rows_lose_their_padding_and_keep_their_values) {
  auto rows = model::Rows::allocate(5000, 5);
  if (!CHECK(rows.ok())) return;
  rows.value().touch(3);
  rows.value().fill_initial(7, 3);
  std::vector<float> expected;
  for (uint32_t r = 0; r < 5000; ++r) {
    for (uint32_t c = 0; c < 5; ++c) {
      CHECK(std::fabs(rows.value().row(r)[c]) <= 0.1f);
      expected.push_back(rows.value().row(r)[c]);
    }
  }
  CHECK(rows.value().finite());
  const Memory compact = std::move(rows.value()).compact();
  CHECK(std::memcmp(compact.data(), expected.data(), expected.size() * sizeof(float)) == 0);
}

TEST(a_value_that_is_not_finite_is_found) {
  for (float bad : {HUGE_VALF, -HUGE_VALF, NAN}) {
    auto rows = model::Rows::allocate(10, 5);
    rows.value().row(9)[4] = bad;
    CHECK(!rows.value().finite());
  }
}

TEST(a_mapped_file_can_be_written_to_and_stays_what_it_was) {
  const std::string path = kFolder + "/anyvec-test-map-" + std::to_string(std::rand());
  std::ofstream(path, std::ios::binary) << "some text";
  auto mapped = MappedFile::open(path);
  if (!CHECK(mapped.ok())) return;
  static_cast<char*>(mapped.value()->writable())[0] = 'X';
  CHECK_EQUAL(std::string(mapped.value()->data(), 9), std::string("Xome text"));
  std::ifstream in(path);
  std::string text;
  std::getline(in, text);
  CHECK_EQUAL(text, std::string("some text"));
  std::remove(path.c_str());
}

TEST(an_empty_file_maps_to_nothing) {
  const std::string path = kFolder + "/anyvec-test-empty-" + std::to_string(std::rand());
  std::ofstream(path, std::ios::binary) << "";
  auto mapped = MappedFile::open(path);
  CHECK(mapped.ok() && mapped.value()->size() == 0);
  std::remove(path.c_str());
}

TEST(a_file_that_was_shortened_is_an_error_and_no_signal) {
  const std::string path = kFolder + "/anyvec-test-input-" + std::to_string(std::rand());
  std::ofstream(path) << "0123456789";
  auto opened = InputFile::open(path);
  if (!CHECK(opened.ok())) return;
  CHECK_EQUAL(opened.value()->size(), 10U);
  char data[11] = {};
  CHECK(opened.value()->read(2, data, 8).ok());
  CHECK_EQUAL(std::string(data), std::string("23456789"));
  std::ofstream(path) << "0123";
  auto status = opened.value()->read(2, data, 8);
  CHECK(!status.ok() && status.error().code == Code::kFile);
  CHECK(status.error().message.find(path) != std::string::npos);
  std::remove(path.c_str());
}

TEST(a_temporary_file_holds_what_was_written_where_it_was_written) {
  auto file = TemporaryFile::create(kFolder);
  if (!CHECK(file.ok())) return;
  CHECK(file.value()->write(1000, "world", 5).ok());
  CHECK(file.value()->write(0, "hello", 5).ok());
  char text[5];
  CHECK(file.value()->read(1000, text, 5).ok());
  CHECK(std::memcmp(text, "world", 5) == 0);
  CHECK(!file.value()->read(2000, text, 5).ok());
  CHECK(!TemporaryFile::create("/nowhere/at/all").ok());
}

TEST(threads_share_the_work_and_carry_exceptions_back) {
  std::atomic<int> next{0}, done{0};
  CHECK(run_on_threads(4, [&](int) {
          while (next.fetch_add(1) < 1000) ++done;
        }) >= 1);
  CHECK_EQUAL(done.load(), 1000);
  bool caught = false;
  try {
    run_on_threads(3, [&](int index) {
      if (index == 1) throw std::runtime_error("from a thread");
    });
  } catch (const std::runtime_error&) {
    caught = true;
  }
  CHECK(caught);
}
