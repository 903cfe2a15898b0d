// Rows as text, there and back.

#include "model/text_rows.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "base/random.h"
#include "tests/check.h"

using namespace anyvec;

namespace {

Result<model::ParsedRows> parse(const std::string& text, uint64_t columns, int threads = 1) {
  const Cancel cancel;
  std::atomic<uint64_t> progress{0};
  return model::parse_rows(text.data(), text.size(), columns, "rows.vec", threads, cancel, progress);
}

// The line and the reason of what must fail.
std::string fault(const std::string& text, uint64_t columns, int threads = 1) {
  auto parsed = parse(text, columns, threads);
  if (parsed.ok()) return "no error";
  if (parsed.error().code != Code::kFormat) return code_text(parsed.error().code);
  for (const Detail& detail : parsed.error().details) {
    if (detail.name == "line") return std::to_string(static_cast<int>(std::get<double>(detail.value))) + parsed.error().message;
  }
  return "no line";
}

bool says(const std::string& fault, const std::string& line, const std::string& reason) {
  return fault.compare(0, line.size(), line) == 0 && fault.find(reason) != std::string::npos;
}

}  // namespace

TEST(rows_are_parsed_with_all_kinds_of_blanks) {
  auto parsed = parse("a 1 2\nb\t-1.5  +2e3 \r\n\xe8\x8b\xb9 0 -0\n\n \n", 2);
  if (!CHECK(parsed.ok())) return;
  const model::Matrix& m = parsed.value().matrix;
  CHECK_EQUAL(m.rows, 3U);
  const float expected[] = {1, 2, -1.5f, 2000, 0, 0};
  for (int i = 0; i < 6; ++i) CHECK_EQUAL(m.data[i], expected[i]);
  CHECK_EQUAL(std::string(parsed.value().keys.at(2)), std::string("\xe8\x8b\xb9"));
  CHECK(parse("", 2).value().matrix.rows == 0);
}

TEST(damaged_rows_are_errors_with_their_line) {
  CHECK(says(fault("a 1 2\nb 1\n", 2), "2", "1 values instead of 2"));
  CHECK(says(fault("a 1 2 3\n", 2), "1", "3 values instead of 2"));
  CHECK(says(fault("a 1 x\n", 2), "1", "value 2"));
  CHECK(says(fault("a 1 nan\n", 2), "1", "value 2"));
  CHECK(says(fault("a inf 1\n", 2), "1", "value 1"));
  CHECK(says(fault("a 1e39 1\n", 2), "1", "value 1"));
  CHECK(says(fault("a 1e999 1\n", 2), "1", "value 1"));
  CHECK(says(fault("a 0x10 1\n", 2), "1", "value 1"));
  CHECK(says(fault("a 1,5 1\n", 2), "1", "value 1"));
  CHECK(says(fault("a 1 2\n\nb 1 2\n", 2), "2", "empty"));
  CHECK(says(fault(" 1 2\n", 1), "1", "blank"));
  CHECK(says(fault("\xff 1 2\n", 2), "1", "UTF-8"));
  CHECK(says(fault(std::string("a\0b 1 2\n", 8), 2), "1", "NUL"));
  CHECK(says(fault(std::string(20'000, 'k') + " 1 2\n", 2), "1", "longer"));
}

TEST(the_first_damaged_row_is_reported_whatever_the_threads) {
  std::string text;
  for (int i = 0; i < 900'000; ++i) text += "key" + std::to_string(i) + (i == 700'000 || i == 850'000 ? " x\n" : " 1.25\n");
  CHECK(text.size() > (12u << 20));
  for (int threads : {1, 4}) CHECK(says(fault(text, 1, threads), "700001", "value 1"));
}

TEST(numbers_at_the_edges_of_float32_are_read) {
  auto parsed = parse("a 3.4028235e38 1e-45 1e-60 1e-400 -1.17549435e-38 0.1\n", 6);
  if (!CHECK(parsed.ok())) return;
  const float* v = parsed.value().matrix.data;
  CHECK_EQUAL(v[0], std::numeric_limits<float>::max());
  CHECK_EQUAL(v[1], std::numeric_limits<float>::denorm_min());
  CHECK_EQUAL(v[2], 0.0f);
  CHECK_EQUAL(v[3], 0.0f);
  CHECK_EQUAL(v[4], -std::numeric_limits<float>::min());
  CHECK_EQUAL(v[5], 0.1f);
}

TEST(what_is_written_reads_back_bit_by_bit) {
  const random::Key key = random::key({5});
  const uint64_t rows = 2000, columns = 20;
  std::vector<float> values;
  for (uint32_t i = 0; values.size() < rows * columns; ++i) {
    const uint32_t bits = random::draw(key, i);
    float value;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value)) values.push_back(value);
  }
  auto owner = std::make_shared<std::vector<float>>(values);
  const model::Matrix matrix{owner->data(), rows, columns, owner};
  corpus::KeyBytes keys;
  for (uint64_t r = 0; r < rows; ++r) keys.add("\xe9\xa6\x99" + std::to_string(r));
  const auto text = model::format_rows(matrix, keys, 0, rows);
  for (int threads : {1, 3}) {
    auto parsed = parse(std::string(text.begin(), text.end()), columns, threads);
    if (!CHECK(parsed.ok())) return;
    CHECK(std::memcmp(parsed.value().matrix.data, values.data(), values.size() * sizeof(float)) == 0);
    CHECK(parsed.value().keys.bytes == keys.bytes);
  }
}

TEST(the_shortest_decimal_is_written) {
  char text[decimal::kLongest];
  for (const auto& [value, expected] : {std::pair(0.1f, "0.1"), std::pair(1.0f, "1"), std::pair(-2.5f, "-2.5"), std::pair(1.0f / 3, "0.33333334")}) {
    CHECK_EQUAL(std::string(text, decimal::format(value, text)), std::string(expected));
  }
}

TEST(parts_of_a_matrix_can_be_written) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4, 5, 6});
  const model::Matrix matrix{owner->data(), 3, 2, owner};
  corpus::KeyBytes keys;
  for (const char* key : {"a", "b", "c"}) keys.add(key);
  const auto text = model::format_rows(matrix, keys, 1, 3);
  CHECK_EQUAL(std::string(text.begin(), text.end()), std::string("b 3 4\nc 5 6\n"));
}
