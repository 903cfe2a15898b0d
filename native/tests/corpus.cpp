// Reading text: the same words, counts and ids as a few lines of plain C++ would find, for any number of threads and any cut of a stream.

#include "corpus/corpus.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/random.h"
#include "corpus/tokenizer.h"
#include "corpus/utf8.h"
#include "tests/check.h"

using namespace anyvec;
using corpus::Corpus;
using corpus::CorpusOptions;
using corpus::kEndMark;

namespace {

const std::string kFolder = std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp";

// A file of its own for the time of a test.
class TextFile {
 public:
  explicit TextFile(const std::string& text) : path_(kFolder + "/anyvec-test-" + std::to_string(std::rand()) + "-" + std::to_string(++number_)) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TextFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  static inline int number_ = 0;
  std::string path_;
};

CorpusOptions options(int threads = 1, uint64_t memory = UINT64_MAX, bool skip = false) {
  CorpusOptions with;
  with.threads = threads;
  with.memory_limit = memory;
  with.spill_folder = kFolder;
  with.skip_malformed = skip;
  return with;
}

// The words of the corpus with `|` for end marks, and its counts.
std::string shown(const Corpus& corpus) {
  std::vector<uint32_t> ids(corpus.ids().size());
  if (!corpus.ids().read(0, ids.size(), ids.data()).ok()) return "unreadable";
  std::string out;
  for (uint32_t id : ids) out += id == kEndMark ? std::string("|") : std::string(corpus.keys().at(id)) + " ";
  return out;
}

std::string read_file(const std::string& text, uint64_t min_count = 1, CorpusOptions with = options()) {
  const TextFile file(text);
  Corpus corpus(with);
  const Cancel cancel;
  corpus::ReadProgress progress;
  if (auto status = corpus.add_file(file.path(), cancel, progress); !status.ok()) return status.error().message;
  auto finished = corpus.finish(min_count, 0, cancel);
  return finished.ok() ? shown(corpus) : code_text(finished.error().code);
}

std::string read_blocks(const std::string& text, size_t block, CorpusOptions with = options()) {
  Corpus corpus(with);
  const Cancel cancel;
  for (size_t at = 0; at < text.size(); at += block) {
    const std::string part = text.substr(at, block);
    if (auto status = corpus.add_block(part.data(), part.size(), "stream", cancel); !status.ok()) return code_text(status.error().code);
  }
  if (auto status = corpus.end_stream(cancel); !status.ok()) return code_text(status.error().code);
  auto finished = corpus.finish(1, 0, cancel);
  return finished.ok() ? shown(corpus) : code_text(finished.error().code);
}

// The same by the book: split lines at LF, words at white space.
std::string by_the_book(std::string text, uint64_t min_count = 1) {
  if (text.compare(0, 3, "\xef\xbb\xbf") == 0) text.erase(0, 3);
  std::map<std::string, uint64_t> counts;
  std::vector<std::vector<std::string>> lines;
  std::istringstream all(text);
  for (std::string line; std::getline(all, line);) {
    std::istringstream words(line);
    std::vector<std::string> found;
    for (std::string word; words >> word; ++counts[word]) found.push_back(word);
    if (!found.empty()) lines.push_back(found);
  }
  std::string out;
  for (const auto& line : lines) {
    for (const auto& word : line) out += counts[word] >= min_count ? word + " " : "";
    out += "|";
  }
  return out;
}

std::string long_text(uint32_t seed, size_t words) {
  const random::Key key = random::key({seed});
  std::string text;
  for (size_t i = 0; i < words; ++i) {
    const uint32_t drawn = random::draw(key, static_cast<uint32_t>(i));
    // Few frequent words and many rare ones, of 1 to 25 bytes, some Chinese.
    const uint32_t rank = static_cast<uint32_t>(std::exp(static_cast<double>(drawn) / 4294967296.0 * 9));
    text += rank % 3 == 0 ? "\xe8\x8b\xb9\xe6\x9e\x9c" : "w";
    text += std::to_string(rank);
    if (rank % 17 == 0) text += "_a_rather_long_ending";
    const uint32_t gap = random::draw(key, static_cast<uint32_t>(i) + 0x80000000U) % 23;
    text += gap == 0 ? "\n" : gap == 1 ? "\r\n" : gap == 2 ? "\t" : gap == 3 ? "  " : gap == 4 ? "\n\n" : " ";
  }
  return text;
}

size_t size_of_long_text() { return std::getenv("ANYVEC_EMULATED") != nullptr ? 500'000 : 700'000; }

Error failure_of(const std::string& text, CorpusOptions with = options()) {
  const TextFile file(text);
  Corpus corpus(with);
  const Cancel cancel;
  corpus::ReadProgress progress;
  auto status = corpus.add_file(file.path(), cancel, progress);
  return status.ok() ? Error{Code::kInternal, "no error", {}} : status.error();
}

double offset_of(const Error& error) {
  for (const Detail& detail : error.details) {
    if (detail.name == "offset") return std::get<double>(detail.value);
  }
  return -1;
}

}  // namespace

TEST(words_end_at_white_space_and_sequences_at_line_ends) {
  for (const char* text : {"a b c", "a b c\n", "a b\nc d\n", "\n\n a\t\tb \n\n\n c\v\fd\r\n", "a", " a ", "\na", "a\n\nb", "a\r\nb\r\n", "\xef\xbb\xbf" "a b\n",
                           "long-word-of-more-than-eight-bytes x long-word-of-more-than-eight-bytes", "12345678 1234567 123456789 12345678"}) {
    CHECK_EQUAL(read_file(std::string("q q\n") + text), by_the_book(std::string("q q\n") + text));
  }
  CHECK_EQUAL(read_file("\xef\xbb\xbf" "a b\n\xef\xbb\xbf" "a"), by_the_book("\xef\xbb\xbf" "a b\n\xef\xbb\xbf" "a"));
}

TEST(a_long_text_is_the_same_for_any_number_of_threads) {
  const std::string text = long_text(1, size_of_long_text());
  CHECK(text.size() > (3u << 20));
  const std::string expected = by_the_book(text, 5);
  for (int threads : {1, 2, 3, 8}) CHECK(read_file(text, 5, options(threads)) == expected);
}

TEST(ids_and_counts_do_not_depend_on_the_number_of_threads) {
  const std::string text = long_text(2, size_of_long_text());
  const TextFile file(text);
  std::vector<char> keys;
  std::vector<uint64_t> counts;
  for (int threads : {1, 3, 5}) {
    Corpus corpus(options(threads));
    const Cancel cancel;
    corpus::ReadProgress progress;
    if (!CHECK(corpus.add_file(file.path(), cancel, progress).ok())) return;
    CHECK_EQUAL(progress.bytes.load(), text.size());
    if (!CHECK(corpus.finish(2, 0, cancel).ok())) return;
    if (threads == 1) {
      keys = corpus.keys().bytes;
      counts = corpus.counts();
      CHECK(std::is_sorted(counts.rbegin(), counts.rend()));
      for (size_t i = 1; i < counts.size(); ++i) {
        if (counts[i] == counts[i - 1]) CHECK(corpus.keys().at(i - 1) < corpus.keys().at(i));
      }
    }
    CHECK(corpus.keys().bytes == keys);
    CHECK(corpus.counts() == counts);
  }
}

TEST(a_stream_reads_like_a_file_however_it_is_cut) {
  const std::string text = "\xef\xbb\xbf" + long_text(3, 400) + "the last line has no end";
  const std::string expected = by_the_book(text);
  for (size_t block : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, size_t{64}, size_t{1000}, text.size()}) CHECK(read_blocks(text, block) == expected);
}

TEST(every_instruction_set_reads_the_same) {
  const std::string text = long_text(4, size_of_long_text() / 2);
  const std::string expected = by_the_book(text, 2);
  for (const kernels::KernelTable* const* table = kernels::supported(); *table != nullptr; ++table) {
    CorpusOptions with = options(2);
    with.kernel = *table;
    CHECK(read_file(text, 2, with) == expected);
  }
}

TEST(words_and_line_ends_at_the_border_of_a_stretch_are_read_once) {
  // What stands around the border moves over it byte by byte.
  for (const std::string& middle : {std::string("word"), std::string("\n"), std::string(" \n \n"), std::string("a\nb\n"), std::string(40, 'w'), std::string("\r\nlast")}) {
    for (size_t before = corpus::kStretchBytes - middle.size() - 2; before <= corpus::kStretchBytes + 1; ++before) {
      const std::string text = "one two\n" + std::string(before - 12, ' ') + "end " + middle + " behind\nit";
      CHECK_EQUAL(read_file(text, 1, options(2)), by_the_book(text));
    }
  }
}

TEST(a_word_may_fill_several_stretches) {
  for (size_t size : {corpus::kMaxKeyBytes + 1, corpus::kStretchBytes, 3 * corpus::kStretchBytes + 77}) {
    const std::string text = "a\n" + std::string(size, 'x') + "\nb a";
    CHECK_EQUAL(read_file(text, 1, options(2, UINT64_MAX, true)), std::string("a |b a |"));
    CHECK_EQUAL(offset_of(failure_of(text, options(2))), 2.0);
  }
  const std::string longest(corpus::kMaxKeyBytes, 'x');
  for (size_t before : {corpus::kStretchBytes - 4, corpus::kStretchBytes - corpus::kMaxKeyBytes}) {
    const std::string text = "a " + std::string(before, ' ') + longest + "\na " + longest;
    CHECK(read_file(text, 1, options(2)) == by_the_book(text));
  }
}

TEST(keys_are_told_apart_by_all_their_bytes) {
  std::string text;
  for (size_t size = 1; size <= 40; ++size) {
    for (char last : {'x', 'y'}) text += std::string(size - 1, 'x') + last + (size % 7 == 0 ? "\n" : " ");
  }
  text += text;
  CHECK_EQUAL(read_file(text), by_the_book(text));
}

TEST(words_with_nul_bytes_among_others_are_passed_over) {
  std::string text, sound;
  for (size_t i = 0; i < 5000; ++i) {
    const std::string word = "w" + std::to_string(i % 50) + (i % 9 == 0 ? "\n" : " ");
    text += word;
    sound += word;
    if (i % 97 == 0) text += std::string("w1\0 \0 \0w1 ", 10);
  }
  CHECK(read_file(text, 1, options(2, UINT64_MAX, true)) == by_the_book(sound));
}

TEST(ids_on_disk_are_the_ids_in_memory) {
  const std::string text = long_text(5, size_of_long_text());
  const std::string expected = read_file(text, 3, options(2));
  for (uint64_t memory : {uint64_t{0}, uint64_t{500'000}}) CHECK(read_file(text, 3, options(2, memory)) == expected);
  const TextFile file(text);
  Corpus corpus(options(2, 0));
  const Cancel cancel;
  corpus::ReadProgress progress;
  CHECK(corpus.add_file(file.path(), cancel, progress).ok());
  auto finished = corpus.finish(3, 0, cancel);
  if (CHECK(finished.ok())) CHECK(finished.value().spilled_bytes >= finished.value().tokens * 4);
}

TEST(a_spill_folder_that_does_not_exist_is_an_error_with_advice) {
  CorpusOptions with = options(1, 0);
  with.spill_folder = "/nowhere/at/all";
  const Error error = failure_of("a b c", with);
  CHECK(error.code == Code::kMemory);
  CHECK(error.message.find("spillFolder") != std::string::npos);
}

TEST(everything_is_counted) {
  const TextFile one("a b a\n\nc\n"), two(std::string("a b \xff x\0y b\n", 12));
  Corpus corpus(options(2, UINT64_MAX, true));
  const Cancel cancel;
  corpus::ReadProgress progress;
  CHECK(corpus.add_file(one.path(), cancel, progress).ok());
  CHECK(corpus.add_file(two.path(), cancel, progress).ok());
  auto finished = corpus.finish(2, 0, cancel);
  if (!CHECK(finished.ok())) return;
  const corpus::Summary& summary = finished.value();
  CHECK_EQUAL(summary.tokens, 7U);
  CHECK_EQUAL(summary.kept_tokens, 6U);
  CHECK_EQUAL(summary.types, 3U);
  CHECK_EQUAL(summary.vocabulary, 2U);
  CHECK_EQUAL(summary.sequences, 3U);
  CHECK_EQUAL(summary.malformed_tokens, 2U);
  CHECK_EQUAL(summary.bytes, 21U);
  CHECK_EQUAL(shown(corpus), std::string("a b a ||a b b |"));
}

TEST(malformed_words_are_errors_that_say_where) {
  const Error latin = failure_of("good words caf\xe9 here");
  CHECK(latin.code == Code::kEncoding);
  CHECK_EQUAL(offset_of(latin), 11.0);
  const Error nul = failure_of(std::string("good \0 bad", 10));
  CHECK(nul.code == Code::kEncoding);
  CHECK_EQUAL(offset_of(nul), 5.0);
  const Error huge = failure_of("a " + std::string(10'000'000, 'x') + " b", options(2));
  CHECK(huge.code == Code::kKeyLength);
  CHECK_EQUAL(offset_of(huge), 2.0);
  CHECK(read_file("a " + std::string(corpus::kMaxKeyBytes, 'x') + " b").size() > corpus::kMaxKeyBytes);
}

TEST(a_key_table_finds_what_it_was_given) {
  corpus::KeyTable table, other;
  auto key = [](uint32_t i) { return (i % 5 == 0 ? "a rather long key that has no short signature " : "k") + std::to_string(i); };
  for (uint32_t i = 0; i < 20000; ++i) {
    CHECK_EQUAL(table.number(key(i)), corpus::KeyTable::kNone);
    corpus::KeyTable::Slot* slot = table.claim(key(i));
    CHECK_EQUAL(slot->number, i);
    slot->count = i;
  }
  for (uint32_t i = 0; i < 20000; ++i) {
    CHECK_EQUAL(table.number(key(i)), i);
    CHECK(table.key(i) == key(i));
  }
  // The other one is larger, and half of its keys are new.
  for (uint32_t i = 0; i < 40000; ++i) other.claim(key(i + 10000))->count = 1;
  const std::vector<uint32_t> numbers = table.merge(other);
  CHECK_EQUAL(table.size(), 50000U);
  for (uint32_t i = 0; i < 40000; ++i) {
    CHECK(table.key(numbers[i]) == key(i + 10000));
    CHECK_EQUAL(table.claim(key(i + 10000))->count, i + 10000 < 20000 ? i + 10001 : 1U);
  }
}

TEST(the_first_of_many_faults_is_reported_whatever_the_threads) {
  std::string text = long_text(7, size_of_long_text());
  for (size_t at : {size_t{3'000'000}, size_t{2'500'000}, size_t{1'200'000}}) text.insert(text.find(' ', at), " \xc0\xaf");
  for (int threads : {1, 2, 4}) CHECK_EQUAL(offset_of(failure_of(text, options(threads))), static_cast<double>(text.find("\xc0\xaf")));
}

TEST(a_stream_of_short_blocks_keeps_the_places_of_its_words) {
  const std::string text = "a b" + std::string(200'000, 'x') + " a\n";
  for (size_t block : {size_t{1}, size_t{3}, size_t{4}, size_t{5000}}) {
    Corpus corpus(options(1));
    const Cancel cancel;
    double offset = -1;
    for (size_t at = 0; at < text.size() && offset < 0; at += block) {
      const std::string part = text.substr(at, block);
      if (auto status = corpus.add_block(part.data(), part.size(), "stream", cancel); !status.ok()) offset = offset_of(status.error());
    }
    CHECK_EQUAL(offset, 2.0);
    CHECK_EQUAL(read_blocks(text + "a c\n", block, options(1, UINT64_MAX, true)), std::string("a a |a c |"));
  }
}

TEST(malformed_words_can_be_skipped) {
  CHECK_EQUAL(read_file("a \xff b a", 1, options(1, UINT64_MAX, true)), std::string("a b a |"));
  CHECK_EQUAL(read_blocks("a " + std::string(200'000, 'x') + " b a", 1000, options(1, UINT64_MAX, true)), std::string("a b a |"));
  CHECK_EQUAL(read_blocks("a " + std::string(200'000, 'x') + " b a", 1000), std::string("KEY_LENGTH"));
}

TEST(utf8_is_judged_strictly) {
  for (const char* good : {"a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xe8\x8b\xb9"}) {
    CHECK(corpus::valid_utf8(good, std::strlen(good)));
  }
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe8\x8b", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                          "\xff", "a\xe8\x8b" "a"}) {
    CHECK(!corpus::valid_utf8(bad, std::strlen(bad)));
  }
}

TEST(renamed_keys_merge_and_keep_their_places) {
  const TextFile file("The cat the Cat\nTHE dog\n");
  for (int threads : {1, 2}) {
    Corpus corpus(options(threads));
    const Cancel cancel;
    corpus::ReadProgress progress;
    CHECK(corpus.add_file(file.path(), cancel, progress).ok());
    auto types = corpus.types();
    if (!CHECK(types.ok())) return;
    CHECK_EQUAL(types.value().size(), 6U);
    corpus::KeyBytes lower;
    for (uint64_t i = 0; i < types.value().size(); ++i) {
      std::string key(types.value().at(i));
      std::transform(key.begin(), key.end(), key.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      lower.add(key);
    }
    CHECK(corpus.rename(lower).ok());
    CHECK(corpus.finish(1, 0, cancel).ok());
    CHECK_EQUAL(shown(corpus), std::string("the cat the cat |the dog |"));
  }
}

TEST(a_corpus_without_words_or_with_too_few_is_an_error) {
  CHECK_EQUAL(read_file(""), std::string("EMPTY_CORPUS"));
  CHECK_EQUAL(read_file(" \n\t\n"), std::string("EMPTY_CORPUS"));
  CHECK_EQUAL(read_file("a b c", 5), std::string("VOCABULARY"));
  CHECK_EQUAL(read_file("a a a a"), std::string("VOCABULARY"));
  CHECK_EQUAL(read_file("a a b", 2), std::string("VOCABULARY"));
}

TEST(the_most_frequent_keys_are_kept_when_the_vocabulary_is_limited) {
  const TextFile file("a b b c c c d d d d\n");
  Corpus corpus(options());
  const Cancel cancel;
  corpus::ReadProgress progress;
  CHECK(corpus.add_file(file.path(), cancel, progress).ok());
  CHECK(corpus.finish(1, 2, cancel).ok());
  CHECK_EQUAL(shown(corpus), std::string("c c c d d d d |"));
}

TEST(files_that_are_none_are_errors) {
  Corpus corpus(options());
  const Cancel cancel;
  corpus::ReadProgress progress;
  for (const std::string& path : {std::string("/nowhere/at/all.txt"), kFolder, std::string("/dev/null")}) {
    auto status = corpus.add_file(path, cancel, progress);
    CHECK(!status.ok());
    CHECK(status.error().code == Code::kFile);
    CHECK(status.error().message.find(path) != std::string::npos);
  }
}

TEST(a_cancelled_read_is_aborted) {
  const TextFile file(long_text(8, 100'000));
  Corpus corpus(options(2));
  Cancel cancel;
  corpus::ReadProgress progress;
  cancel.request();
  auto status = corpus.add_file(file.path(), cancel, progress);
  CHECK(!status.ok());
  CHECK(status.error().code == Code::kAborted);
}

TEST(calls_out_of_order_are_errors) {
  Corpus corpus(options());
  const Cancel cancel;
  CHECK(corpus.rename({}).error().code == Code::kUsage);
  CHECK(corpus.add_block("a b", 3, "stream", cancel).ok());
  CHECK(corpus.finish(1, 0, cancel).error().code == Code::kUsage);
  CHECK(corpus.types().error().code == Code::kUsage);
  CHECK(corpus.end_stream(cancel).ok());
  CHECK(corpus.finish(1, 0, cancel).ok());
  CHECK(corpus.add_block("a b", 3, "stream", cancel).error().code == Code::kUsage);
  CHECK(corpus.finish(1, 0, cancel).error().code == Code::kUsage);
}
