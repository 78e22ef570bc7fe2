#include "exec/postman.hpp"

#include <utility>

namespace tandem {

Postman::Postman(StopControl& control, const Pacer& pacer, std::function<void(MessageId)> deliver)
    : control_(control), pacer_(pacer), deliver_(std::move(deliver)), thread_([this] { run(); }) {}

Postman::~Postman() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  posted_.notify_one();
  thread_.join();
}

void Postman::post(MessageId message, Instant due) {
  {
    const std::lock_guard lock(mutex_);
    letters_.push({due, message});
  }
  posted_.notify_one();
}

/// Blocks until a letter is nearly due; false at the end. One that is due before may come meanwhile.
bool Postman::next(Letter& letter) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (end_) return false;
    if (letters_.empty()) {
      posted_.wait(lock);
    } else if (const Instant wake = letters_.top().due - Pacer::kLast; now() < wake) {
      posted_.wait_until(lock, wake);
    } else {
      letter = letters_.top();
      letters_.pop();
      return true;
    }
  }
}

void Postman::run() try {
  Pacer::ask_for_prompt_timers();
  for (Letter letter; next(letter);) {
    const InCrowd awake(control_.crowd());
    pacer_.hold_until(letter.due);
    deliver_(letter.message);
  }
} catch (const Stopped&) {
} catch (...) {
  control_.fail(std::current_exception());
}

}  // namespace tandem
