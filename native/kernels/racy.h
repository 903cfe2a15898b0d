#pragma once
// The one intended data race of the house (Hogwild: Niu, Recht, Re, Wright 2011).
//
// Threads of one training run read and write the same rows of float without locks. It is sound here because
// - every access is a plain aligned load or store of floats that no instruction set we ship tears below 32 bits: a reader sees some
//   mixture of old and new values of a row, each of them a value that was really written;
// - no address, size or loop bound is ever computed from a racing value, so nothing but the values themselves can be affected;
// - a lost update only drops one small step of a stochastic gradient; rows are rarely shared (Zipf) and steps are small.
// Only kernels that train carry this mark. ThreadSanitizer is told here and nowhere else.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ANYVEC_RACY __attribute__((no_sanitize("thread")))
#endif
#endif
#if !defined(ANYVEC_RACY) && defined(__SANITIZE_THREAD__)
#define ANYVEC_RACY __attribute__((no_sanitize_thread))
#endif
#if !defined(ANYVEC_RACY)
#define ANYVEC_RACY
#endif
