// Raw text on its way into a corpus: cut into words on all threads, then read like any text.

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/file.h"
#include "corpus/corpus.h"
#include "corpus/tokenizer.h"

namespace anyvec::corpus {

namespace {

// Raw text that is cut at a time, for each thread: what is cut lies in memory until it is read.
constexpr size_t kWindowBytes = size_t{1} << 22;
// Text a worker cuts at a time.
constexpr size_t kPieceBytes = size_t{1} << 19;

struct Piece {
  size_t from = 0, to = 0;
  size_t used = 0;
  WordCutter cutter;
  std::vector<char> words;
  WordFaults faults;
};

}  // namespace

Result<size_t> Corpus::read_raw(std::string_view text, bool last, uint64_t base, const std::string& source, const Cancel& cancel) {
  // White space is never part of a word, so the text can be cut there whatever stands around.
  std::vector<Piece> pieces;
  for (size_t from = 0; from < text.size() || pieces.empty();) {
    size_t to = std::min(text.size(), from + kPieceBytes);
    while (to < text.size() && !is_space(text[to - 1])) ++to;
    pieces.push_back({from, to, 0, pieces.empty() ? cutter_ : WordCutter({options_.lowercase, options_.tokenize == Tokenize::kSegmented}), {}, {}});
    from = to;
  }
  std::atomic<size_t> next{0};
  run_on_threads(static_cast<int>(std::min<size_t>(static_cast<size_t>(options_.threads), pieces.size())), [&](int) {
    for (size_t i = next.fetch_add(1); i < pieces.size() && !cancel.requested(); i = next.fetch_add(1)) {
      Piece& piece = pieces[i];
      const bool whole = last || i + 1 < pieces.size();
      piece.used = piece.cutter.cut(text.substr(piece.from, piece.to - piece.from), whole, piece.words, piece.faults);
    }
  });
  std::vector<char> words;
  for (Piece& piece : pieces) {
    summary_.malformed_tokens += piece.faults.count;
    if (piece.faults.count > 0 && !options_.skip_malformed) {
      state_ = State::kFailed;
      return fault_error(Fault{piece.from + piece.faults.offset, piece.faults.code, piece.faults.what}, source, base);
    }
    if (pieces.size() == 1) {
      words.swap(piece.words);
    } else {
      words.insert(words.end(), piece.words.begin(), piece.words.end());
      piece.words = {};
    }
  }
  cutter_ = pieces.back().cutter;
  const size_t used = pieces.back().from + pieces.back().used;
  const uint64_t bytes = summary_.bytes;
  auto copy = [&words](uint64_t from, size_t count, char* out) -> Status {
    std::memcpy(out, words.data() + from, count);
    return success();
  };
  auto status = read_text(Text{words.size(), copy}, base, source, cancel, nullptr);
  if (!status.ok()) return status.error();
  summary_.bytes = bytes + used;
  return used;
}

Status Corpus::add_raw_file(const std::string& path, const Cancel& cancel, ReadProgress& progress) {
  auto opened = InputFile::open(path);
  if (!opened.ok()) return opened.error();
  const auto& file = opened.value();
  progress.total.store(file->size());
  const auto window = static_cast<size_t>(std::min<uint64_t>(file->size(), kWindowBytes * static_cast<size_t>(options_.threads)));
  std::vector<char> text(window);
  for (uint64_t at = 0; at < file->size();) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(window, file->size() - at));
    if (auto status = file->read(at, text.data(), size); !status.ok()) {
      state_ = State::kFailed;
      return status;
    }
    auto used = read_raw({text.data(), size}, at + size == file->size(), at, path, cancel);
    if (!used.ok()) return used.error();
    at += used.value();
    progress.bytes.store(at);
  }
  end_source();
  return success();
}

Status Corpus::add_raw_block(std::string_view block, const std::string& source, const Cancel& cancel) {
  if (!in_stream_) {
    in_stream_ = true;
    stream_source_ = source;
    stream_offset_ = 0;
    carry_.clear();
  }
  carry_.append(block);
  auto used = read_raw(carry_, false, stream_offset_, source, cancel);
  if (!used.ok()) return used.error();
  carry_.erase(0, used.value());
  stream_offset_ += used.value();
  return success();
}

Status Corpus::end_raw_stream(const Cancel& cancel) {
  in_stream_ = false;
  auto used = read_raw(carry_, true, stream_offset_, stream_source_, cancel);
  carry_ = std::string();
  if (!used.ok()) return used.error();
  end_source();
  return success();
}

}  // namespace anyvec::corpus
