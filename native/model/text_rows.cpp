#include "model/text_rows.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>

#include "base/checked.h"
#include "base/decimal.h"
#include "corpus/tokenizer.h"
#include "corpus/utf8.h"

namespace anyvec::model {

namespace {

constexpr size_t kStretchBytes = size_t{4} << 20;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Whole lines that one worker parses.
struct Stretch {
  const char* from;
  const char* to;
  uint64_t first_row = 0;
  uint64_t rows = 0;
  corpus::KeyBytes keys;
};

// What is wrong with a line, or nothing.
std::optional<std::string> parse_line(std::string_view line, uint64_t columns, corpus::KeyBytes& keys, float* values) {
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  size_t end = 0;
  while (end < line.size() && !is_blank(line[end])) ++end;
  const std::string_view key = line.substr(0, end);
  if (key.empty()) return line.empty() ? "it is empty" : "it begins with a blank where its key should stand";
  if (key.size() > corpus::kMaxKeyBytes) return "its key is longer than " + std::to_string(corpus::kMaxKeyBytes) + " bytes";
  if (std::memchr(key.data(), 0, key.size()) != nullptr) return "its key holds a NUL byte";
  if (!corpus::valid_utf8(key.data(), key.size())) return "its key is not valid UTF-8";
  uint64_t count = 0;
  for (size_t at = end;;) {
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size()) break;
    size_t stop = at;
    while (stop < line.size() && !is_blank(line[stop])) ++stop;
    if (count < columns && !decimal::parse(line.substr(at, stop - at), values[count])) {
      return "value " + std::to_string(count + 1) + " is no finite number";
    }
    ++count;
    at = stop;
  }
  if (count != columns) return "it holds " + std::to_string(count) + " values instead of " + std::to_string(columns);
  keys.add(key);
  return std::nullopt;
}

std::vector<Stretch> cut(const char* text, size_t size) {
  std::vector<Stretch> stretches;
  const char* const end = text + size;
  for (const char* from = text; from < end;) {
    const char* to = from + std::min<size_t>(kStretchBytes, static_cast<size_t>(end - from));
    if (to < end) {
      const void* line_end = std::memchr(to - 1, '\n', static_cast<size_t>(end - to) + 1);
      to = line_end == nullptr ? end : static_cast<const char*>(line_end) + 1;
    }
    stretches.push_back({from, to, 0, 0, {}});
    from = to;
  }
  return stretches;
}

uint64_t count_lines(const char* from, const char* to) {
  uint64_t lines = 0;
  while (from < to) {
    ++lines;
    const void* end = std::memchr(from, '\n', static_cast<size_t>(to - from));
    if (end == nullptr) break;
    from = static_cast<const char*>(end) + 1;
  }
  return lines;
}

}  // namespace

Result<ParsedRows> parse_rows(const char* text, size_t size, uint64_t columns, const std::string& path, int threads, const Cancel& cancel,
                              std::atomic<uint64_t>& progress) {
  while (size > 0 && (is_blank(text[size - 1]) || text[size - 1] == '\n')) --size;
  std::vector<Stretch> stretches = cut(text, size);
  auto for_all = [&](auto&& work) {
    std::atomic<size_t> next{0};
    run_on_threads(static_cast<int>(std::min<size_t>(static_cast<size_t>(threads), std::max<size_t>(stretches.size(), 1))), [&](int) {
      for (size_t i = next.fetch_add(1); i < stretches.size() && !cancel.requested(); i = next.fetch_add(1)) work(stretches[i]);
    });
  };
  for_all([](Stretch& stretch) { stretch.rows = count_lines(stretch.from, stretch.to); });
  if (cancel.requested()) return aborted();
  uint64_t rows = 0;
  for (Stretch& stretch : stretches) {
    stretch.first_row = rows;
    rows += stretch.rows;
  }
  const auto bytes = checked_product(rows, columns, sizeof(float));
  Memory memory = bytes ? Memory::allocate(*bytes) : Memory();
  if (!memory) {
    return Error{Code::kMemory, path + ": " + std::to_string(rows) + " x " + std::to_string(columns) + " values do not fit in memory", {{"path", path}}};
  }

  std::mutex mutex;
  uint64_t fault_row = UINT64_MAX;
  std::string fault;
  for_all([&](Stretch& stretch) {
    const char* from = stretch.from;
    for (uint64_t row = stretch.first_row; row < stretch.first_row + stretch.rows; ++row) {
      const void* found = std::memchr(from, '\n', static_cast<size_t>(stretch.to - from));
      const char* end = found == nullptr ? stretch.to : static_cast<const char*>(found);
      const auto wrong = parse_line({from, static_cast<size_t>(end - from)}, columns, stretch.keys, memory.floats() + row * columns);
      if (wrong) {
        std::lock_guard<std::mutex> lock(mutex);
        if (row < fault_row) {
          fault_row = row;
          fault = *wrong;
        }
        return;
      }
      from = end + 1;
    }
    progress.fetch_add(static_cast<uint64_t>(stretch.to - stretch.from));
  });
  if (cancel.requested()) return aborted();
  if (fault_row != UINT64_MAX) {
    return Error{Code::kFormat, path + ": row " + std::to_string(fault_row + 1) + " is damaged: " + fault,
                 {{"path", path}, {"line", static_cast<double>(fault_row + 1)}}};
  }
  ParsedRows parsed;
  for (Stretch& stretch : stretches) {
    for (uint64_t i = 0; i < stretch.keys.size(); ++i) parsed.keys.add(stretch.keys.at(i));
    stretch.keys = {};
  }
  parsed.matrix = Matrix::own(std::move(memory), rows, columns);
  return parsed;
}

std::vector<char> format_rows(const Matrix& matrix, const corpus::KeyBytes& keys, uint64_t from, uint64_t to) {
  std::vector<char> text;
  for (uint64_t row = from; row < to; ++row) {
    const std::string_view key = keys.at(row);
    const size_t start = text.size();
    text.resize(start + key.size() + matrix.columns * (decimal::kLongest + 1) + 1);
    char* at = std::copy(key.begin(), key.end(), text.data() + start);
    for (uint64_t column = 0; column < matrix.columns; ++column) {
      *at++ = ' ';
      at = decimal::format(matrix.row(row)[column], at);
    }
    *at++ = '\n';
    text.resize(static_cast<size_t>(at - text.data()));
  }
  return text;
}

}  // namespace anyvec::model
