#pragma once
// The postman of a paced run: keeps each message until its time has come, then delivers it.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "exec/clock.hpp"
#include "exec/pacer.hpp"
#include "exec/stop_control.hpp"
#include "plan/program.hpp"

namespace tandem {

class Postman {
 public:
  /// `deliver` is called on the postman's thread, in the order of the due times, none before its own; it may post.
  Postman(StopControl& control, const Pacer& pacer, std::function<void(MessageId)> deliver);
  ~Postman();
  Postman(const Postman&) = delete;
  Postman& operator=(const Postman&) = delete;

  /// From any thread.
  void post(MessageId message, Instant due);

 private:
  struct Letter {
    Instant due;
    MessageId message;
    bool operator>(const Letter& other) const {
      return due != other.due ? due > other.due : message > other.message;
    }
  };
  void run();
  bool next(Letter& letter);

  StopControl& control_;
  const Pacer& pacer_;
  std::function<void(MessageId)> deliver_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::priority_queue<Letter, std::vector<Letter>, std::greater<>> letters_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace tandem
