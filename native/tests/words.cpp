// Raw text into words: the rules by example, and the same words wherever the text is cut.

#include "corpus/words.h"

#include <string>
#include <string_view>

#include "base/random.h"
#include "corpus/tokenizer.h"
#include "tests/check.h"

using namespace anyvec;
using corpus::WordCutter;
using corpus::WordFaults;
using corpus::WordRules;

namespace {

// The words with a slash for the space behind each, and a bar for the line ends.
std::string words(std::string_view text, WordRules rules = {}, WordFaults* faults = nullptr) {
  WordCutter cutter(rules);
  std::vector<char> out;
  WordFaults found;
  const size_t used = cutter.cut(text, true, out, found);
  if (used != text.size()) return "not all of the text was cut";
  if (faults != nullptr) *faults = found;
  for (char& c : out) c = c == ' ' ? '/' : c == '\n' ? '|' : c;
  return {out.begin(), out.end()};
}

// The same in blocks of `block` bytes, and how many words were not sound.
std::string words_in_blocks(const std::string& text, size_t block, WordRules rules, uint64_t& faulty) {
  WordCutter cutter(rules);
  std::vector<char> out;
  std::string carry;
  WordFaults faults;
  for (size_t at = 0; at < text.size(); at += block) {
    carry += text.substr(at, block);
    carry.erase(0, cutter.cut(carry, false, out, faults));
  }
  cutter.cut(carry, true, out, faults);
  faulty = faults.count;
  for (char& c : out) c = c == ' ' ? '/' : c == '\n' ? '|' : c;
  return {out.begin(), out.end()};
}

}  // namespace

TEST(punctuation_goes_and_words_become_lower_case) {
  CHECK_EQUAL(words("The \"cat\" sat, (on) THE mat!\nSo?\r\n"), std::string("the/cat/sat/on/the/mat/|so/|"));
  CHECK_EQUAL(words("The CAT", {false, false}), std::string("The/CAT/"));
  CHECK_EQUAL(words(" -- \n...\n"), std::string("||"));
  CHECK_EQUAL(words(""), std::string());
}

TEST(apostrophes_and_points_stay_inside_words_and_go_at_their_ends) {
  CHECK_EQUAL(words("don't 'tis rock'n'roll' dogs'"), std::string("don't/tis/rock'n'roll/dogs/"));
  CHECK_EQUAL(words("U.S.A. e.g. end."), std::string("u.s.a/e.g/end/"));
  CHECK_EQUAL(words("l\xe2\x80\x99\xc3\xa9t\xc3\xa9"), std::string("l\xe2\x80\x99\xc3\xa9t\xc3\xa9/"));
  CHECK_EQUAL(words("a..b a.'b a.1 1.a"), std::string("a/b/a/b/a/1/1/a/"));
}

TEST(numbers_keep_what_stands_between_their_digits) {
  CHECK_EQUAL(words("3.14 1,000,000 1st 2x4 10% 5-6 -7 1,a"), std::string("3.14/1,000,000/1st/2x4/10/5/6/7/1/a/"));
  CHECK_EQUAL(words("snake_case __init__ _ a_1"), std::string("snake_case/__init__/a_1/"));
}

TEST(each_han_character_and_hiragana_is_a_word_unless_someone_has_cut_them) {
  const char* const text = "\xe8\x8b\xb9\xe6\x9e\x9c" "ab\xe3\x81\xb2\xe3\x81\x8b\xe3\x82\xab\xe3\x82\xbf\xe3\x80\x82";
  CHECK_EQUAL(words(text), std::string("\xe8\x8b\xb9/\xe6\x9e\x9c/ab/\xe3\x81\xb2/\xe3\x81\x8b/\xe3\x82\xab\xe3\x82\xbf/"));
  CHECK_EQUAL(words("\xe8\x8b\xb9\xe6\x9e\x9c T\xe6\x81\xa4", {true, true}), std::string("\xe8\x8b\xb9\xe6\x9e\x9c/t\xe6\x81\xa4/"));
}

TEST(lower_case_follows_unicode) {
  CHECK_EQUAL(words("\xc3\x89T\xc3\x89 \xd0\x9c\xd0\x98\xd0\xa0"), std::string("\xc3\xa9t\xc3\xa9/\xd0\xbc\xd0\xb8\xd1\x80/"));
  // sigma at the end of a word, and alone
  CHECK_EQUAL(words("\xce\xa3\xce\x91\xce\xa3 \xce\xa3"), std::string("\xcf\x83\xce\xb1\xcf\x82/\xcf\x83/"));
  CHECK_EQUAL(words("\xc4\xb0z"), std::string("i\xcc\x87z/"));
  // U+023A, whose small letter is a byte longer
  CHECK_EQUAL(words("\xc8\xba"), std::string("\xe2\xb1\xa5/"));
}

TEST(soft_hyphens_and_byte_order_marks_vanish_and_accents_stay) {
  CHECK_EQUAL(words("\xef\xbb\xbfone co\xc2\xadop"), std::string("one/coop/"));
  CHECK_EQUAL(words("e\xcc\x81t \xcc\x81x"), std::string("e\xcc\x81t/x/"));
}

TEST(a_broken_byte_takes_its_word_with_it_and_no_other) {
  WordFaults faults;
  CHECK_EQUAL(words("ab caf\xe9 cd x\xffy\xfez \xe8\x8b e", {}, &faults), std::string("ab/cd/e/"));
  CHECK_EQUAL(faults.count, uint64_t{3});
  CHECK_EQUAL(faults.offset, uint64_t{3});
  CHECK(faults.code == Code::kEncoding);
  CHECK_EQUAL(words(std::string_view("a\0b c", 5), {}, &faults), std::string("c/"));
  CHECK_EQUAL(faults.what, std::string("a word holds a NUL byte"));
}

TEST(a_word_that_is_too_long_is_left_out_once) {
  const std::string longest(corpus::kMaxKeyBytes, 'x');
  WordFaults faults;
  CHECK_EQUAL(words(longest + " b", {}, &faults), longest + "/b/");
  CHECK_EQUAL(faults.count, uint64_t{0});
  CHECK_EQUAL(words("a " + longest + "x'x b", {}, &faults), std::string("a/b/"));
  CHECK_EQUAL(faults.count, uint64_t{1});
  CHECK(faults.code == Code::kKeyLength);
  uint64_t faulty = 0;
  for (size_t block : {1000, 4096, 100'000}) {
    CHECK_EQUAL(words_in_blocks("a " + longest + longest + "'" + longest + " b", block, {}, faulty), std::string("a/b/"));
    CHECK_EQUAL(faulty, uint64_t{1});
  }
}

TEST(words_do_not_depend_on_where_the_text_is_cut) {
  const char* const parts[] = {"a", "B", "1", "'", ".", ",", " ", "\n", "_", "\xe8\x8b\xb9", "\xe3\x82\xab", "\xcc\x81", "\xc2\xad", "\xd7\x90", "\"",
                               "\xff", "\xe8", "\xc4\xb0", "\xce\xa3", "\xf0\x9f\x8d\x8e", "\xf0\x90\x90\x80", ":", "\xe0\xb8\x81"};
  const random::Key key = random::key({17});
  for (uint32_t round = 0; round < 200; ++round) {
    std::string text;
    for (uint32_t i = 0; i < 60; ++i) text += parts[random::bounded(random::draw(key, round * 64 + i), std::size(parts))];
    for (const bool segmented : {false, true}) {
      const WordRules rules{true, segmented};
      WordFaults faults;
      const std::string whole = words(text, rules, &faults);
      for (size_t block : {1, 2, 3, 7}) {
        uint64_t faulty = 0;
        CHECK_EQUAL(words_in_blocks(text, block, rules, faulty), whole);
        CHECK_EQUAL(faulty, faults.count);
      }
    }
  }
}
