#pragma once
// Rows as text, the way word2vec and GloVe write them: `key v v v ...`, a row a line.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "corpus/corpus.h"
#include "model/matrix.h"

namespace anyvec::model {

struct ParsedRows {
  corpus::KeyBytes keys;
  Matrix matrix;
};

// Parses all lines of text[0 .. size) into rows of `columns` values, on all threads. Values and key are separated by single or repeated spaces or tabs;
// CR before LF and blanks at a line's end are allowed, empty lines at the end are ignored.
// Errors: kFormat with `path` and `line` (from 1) for a wrong number of values, a value that is no finite number, a key that is empty, not UTF-8,
// holds a NUL or is too long; kMemory; kAborted.
Result<ParsedRows> parse_rows(const char* text, size_t size, uint64_t columns, const std::string& path, int threads, const Cancel& cancel,
                              std::atomic<uint64_t>& progress);

// Rows from .. to - 1 as lines; every value is the shortest decimal that reads back as the same float32.
std::vector<char> format_rows(const Matrix& matrix, const corpus::KeyBytes& keys, uint64_t from, uint64_t to);

}  // namespace anyvec::model
