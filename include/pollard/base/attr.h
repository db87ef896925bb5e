/* Attributes and lock annotations: thin names over compiler extensions, empty where unsupported. */
#ifndef POLLARD_BASE_ATTR_H
#define POLLARD_BASE_ATTR_H

#if defined(__GNUC__)
#define ATTR_PRINTF(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))
#define ATTR_MUST_USE __attribute__((warn_unused_result))
#define ATTR_NORETURN __attribute__((noreturn))
#define ATTR_NOINLINE __attribute__((noinline))
#define ATTR_ALWAYS_INLINE __attribute__((always_inline))
#define ATTR_COLD __attribute__((cold))
#define ATTR_MALLOC __attribute__((malloc))
#define ATTR_ALIGNED(n) __attribute__((aligned(n)))
#define ATTR_UNUSED __attribute__((unused))
/* A thread-local variable of the hot path: the program is never loaded into another, so that its
 * place is known at start and no call finds it. */
#define ATTR_TLS_DIRECT __attribute__((tls_model("initial-exec")))
#define ATTR_FALLTHROUGH __attribute__((fallthrough))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#error "Pollard needs gcc or clang"
#endif

#if defined(__clang__)
#define CAPABILITY(name) __attribute__((capability(name)))
#define ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define ACQUIRE_SHARED(...) __attribute__((acquire_shared_capability(__VA_ARGS__)))
#define RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define RELEASE_SHARED(...) __attribute__((release_shared_capability(__VA_ARGS__)))
#define TRY_ACQUIRE(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define TRY_ACQUIRE_SHARED(...) __attribute__((try_acquire_shared_capability(__VA_ARGS__)))
#define REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define REQUIRES_SHARED(...) __attribute__((requires_shared_capability(__VA_ARGS__)))
#define NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(name)
#define ACQUIRE(...)
#define ACQUIRE_SHARED(...)
#define RELEASE(...)
#define RELEASE_SHARED(...)
#define TRY_ACQUIRE(...)
#define TRY_ACQUIRE_SHARED(...)
#define REQUIRES(...)
#define REQUIRES_SHARED(...)
#define NO_LOCK_ANALYSIS
#endif

/* Bytes of one cache line on every machine we tune for; used to keep threads off each other's
 * lines. */
#define CACHE_LINE 64

#endif
