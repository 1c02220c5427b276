// Clang's thread-safety attributes, and the mutex that carries them. With g++ the macros are empty.
#ifndef DEUCALION_BASE_THREAD_ANNOTATIONS_H_
#define DEUCALION_BASE_THREAD_ANNOTATIONS_H_

#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define DEUCALION_TS_ATTRIBUTE(x) __attribute__((x))
#else
#define DEUCALION_TS_ATTRIBUTE(x)
#endif
#define CAPABILITY(x) DEUCALION_TS_ATTRIBUTE(capability(x))
#define SCOPED_CAPABILITY DEUCALION_TS_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(x) DEUCALION_TS_ATTRIBUTE(guarded_by(x))
#define PT_GUARDED_BY(x) DEUCALION_TS_ATTRIBUTE(pt_guarded_by(x))
#define REQUIRES(...) DEUCALION_TS_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) DEUCALION_TS_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE(...) DEUCALION_TS_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) DEUCALION_TS_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) DEUCALION_TS_ATTRIBUTE(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) DEUCALION_TS_ATTRIBUTE(release_shared_capability(__VA_ARGS__))
#define RELEASE_GENERIC(...) DEUCALION_TS_ATTRIBUTE(release_generic_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) DEUCALION_TS_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define EXCLUDES(...) DEUCALION_TS_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS DEUCALION_TS_ATTRIBUTE(no_thread_safety_analysis)

namespace deucalion {

class CAPABILITY("mutex") Mutex {
 public:
  void Lock() ACQUIRE() { mu_.lock(); }
  void Unlock() RELEASE() { mu_.unlock(); }
  bool TryLock() TRY_ACQUIRE(true) { return mu_.try_lock(); }
  // For std::condition_variable_any and std::lock_guard only.
  void lock() ACQUIRE() { mu_.lock(); }
  void unlock() RELEASE() { mu_.unlock(); }

 private:
  std::mutex mu_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mu) ACQUIRE(mu) : mu_(mu) { mu_.Lock(); }
  ~MutexLock() RELEASE() { mu_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mu_;
};

// Who comes first goes first, about: a writer waits for the readers that are in, those that come
// later wait behind it at the gate. (glibc's lock lets readers in as long as one of them is inside:
// with overlapping readers a writer waits for ever.) So no thread may take it twice, not even to
// read.
class CAPABILITY("mutex") SharedMutex {
 public:
  void Lock() ACQUIRE() {
    const std::lock_guard<std::mutex> turn(gate_);
    mu_.lock();
  }
  void Unlock() RELEASE() { mu_.unlock(); }
  void LockShared() ACQUIRE_SHARED() {
    const std::lock_guard<std::mutex> turn(gate_);
    mu_.lock_shared();
  }
  void UnlockShared() RELEASE_SHARED() { mu_.unlock_shared(); }

 private:
  std::mutex gate_;
  std::shared_mutex mu_;
};

class SCOPED_CAPABILITY WriterLock {
 public:
  explicit WriterLock(SharedMutex& mu) ACQUIRE(mu) : mu_(mu) { mu_.Lock(); }
  ~WriterLock() RELEASE() { mu_.Unlock(); }
  WriterLock(const WriterLock&) = delete;

 private:
  SharedMutex& mu_;
};

class SCOPED_CAPABILITY ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mu) ACQUIRE_SHARED(mu) : mu_(mu) { mu_.LockShared(); }
  ~ReaderLock() RELEASE_GENERIC() { mu_.UnlockShared(); }
  ReaderLock(const ReaderLock&) = delete;

 private:
  SharedMutex& mu_;
};

// Waits on a Mutex. Spurious wake-ups happen: wait in a loop over the condition.
class CondVar {
 public:
  void Wait(Mutex& mu) REQUIRES(mu) { cv_.wait(mu); }
  // False when the time ran out.
  template <typename Duration>
  bool WaitFor(Mutex& mu, Duration d) REQUIRES(mu) {
    return cv_.wait_for(mu, d) == std::cv_status::no_timeout;
  }
  void NotifyOne() { cv_.notify_one(); }
  void NotifyAll() { cv_.notify_all(); }

 private:
  std::condition_variable_any cv_;
};

}  // namespace deucalion

#endif  // DEUCALION_BASE_THREAD_ANNOTATIONS_H_
