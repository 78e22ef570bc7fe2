// The same pipeline in SimGrid and in ours: 1F1B as S4U actors, one per stage.
//
// CM02 without cross-traffic is the textbook model, latency + size / bandwidth, so both give one answer; the program
// checks that they do to a millionth, and prints the seconds of each simulation and their ratio.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include <simgrid/s4u.hpp>

#include "sim/simulate.hpp"
#include "tests/sim/chain.hpp"

namespace {

namespace sg = simgrid::s4u;
using tandem::test::ChainTimes;

constexpr double kPicosecond = 1e-12;
constexpr std::uint64_t kMessageBytes = 1'000'000;
constexpr double kFlopsPerSecond = 1e9;

struct Shape {
  std::uint32_t stages, micro_batches;
};

std::string box(const char* direction, std::uint32_t to) { return fmt::format("{}{}", direction, to); }

/// Receives of one direction, posted ahead as a plan's window of two allows: message j once j - 2 has been consumed.
class Inbox {
 public:
  Inbox(const char* direction, std::uint32_t rank, std::uint32_t messages)
      : mailbox_(sg::Mailbox::by_name(box(direction, rank))), unposted_(messages) {
    for (int i = 0; i < 2; ++i) post();
  }
  void wait() {
    posted_.front()->wait();
    posted_.pop_front();
  }
  void post() {
    if (unposted_ == 0) return;
    --unposted_;
    posted_.push_back(mailbox_->get_async<int>(&payload_));
  }

 private:
  sg::Mailbox* mailbox_;
  std::uint32_t unposted_;
  std::deque<sg::CommPtr> posted_;
  int* payload_ = nullptr;
};

/// One stage: 1F1B in order; messages leave and arrive behind its back, as on our streams.
class Stage {
 public:
  Stage(Shape shape, ChainTimes times, std::uint32_t rank) : shape_(shape), times_(times), rank_(rank) {}

  void operator()() {
    const bool first = rank_ == 0, last = rank_ + 1 == shape_.stages;
    Inbox activations("forward", rank_, first ? 0 : shape_.micro_batches);
    Inbox gradients("backward", rank_, last ? 0 : shape_.micro_batches);
    const auto forward = [&] {
      run(times_.forward, first ? nullptr : &activations);
      if (!last) send("forward", rank_ + 1);
    };
    const auto backward = [&] {
      run(times_.backward, last ? nullptr : &gradients);
      if (!first) send("backward", rank_ - 1);
    };
    const std::uint32_t warm_up = std::min(shape_.micro_batches, shape_.stages - 1 - rank_);
    for (std::uint32_t i = 0; i < warm_up; ++i) forward();
    for (std::uint32_t i = warm_up; i < shape_.micro_batches; ++i) forward(), backward();
    for (std::uint32_t i = 0; i < warm_up; ++i) backward();
  }

 private:
  static void run(std::int64_t time, Inbox* inbox) {
    if (inbox != nullptr) inbox->wait();
    sg::this_actor::execute(static_cast<double>(time) * kPicosecond * kFlopsPerSecond);
    if (inbox != nullptr) inbox->post();
  }
  static void send(const char* direction, std::uint32_t to) {
    static int payload = 0;
    sg::Mailbox::by_name(box(direction, to))->put_init(&payload, kMessageBytes)->detach();
  }

  Shape shape_;
  ChainTimes times_;
  std::uint32_t rank_;
};

/// Hosts in a row; each direction of each cut has a link of its own.
void build_platform(Shape shape, const ChainTimes& times) {
  auto* zone = sg::create_full_zone("cluster");
  std::vector<sg::Host*> hosts;
  for (std::uint32_t i = 0; i < shape.stages; ++i)
    hosts.push_back(zone->create_host(fmt::format("host{}", i), kFlopsPerSecond));
  const double bandwidth = static_cast<double>(kMessageBytes) / (static_cast<double>(times.transfer) * kPicosecond);
  for (std::uint32_t i = 0; i + 1 < shape.stages; ++i) {
    for (const bool forward : {true, false}) {
      auto* link = zone->create_link(fmt::format("link{}{}", forward ? "forward" : "backward", i), bandwidth)
                       ->set_latency(static_cast<double>(times.latency) * kPicosecond)
                       ->seal();
      zone->add_route(hosts[forward ? i : i + 1]->get_netpoint(), hosts[forward ? i + 1 : i]->get_netpoint(), nullptr,
                      nullptr, {sg::LinkInRoute(link)}, false);
    }
  }
  zone->seal();
  for (std::uint32_t i = 0; i < shape.stages; ++i)
    sg::Actor::create(fmt::format("stage{}", i), hosts[i], Stage(shape, times, i));
}

template <class Work>
double seconds_of(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  sg::Engine engine(&argc, argv);
  sg::Engine::set_config("network/model:CM02");
  sg::Engine::set_config("network/crosstraffic:0");
  const Shape shape{argc > 1 ? static_cast<std::uint32_t>(std::atoi(argv[1])) : 64,
                    argc > 2 ? static_cast<std::uint32_t>(std::atoi(argv[2])) : 512};
  const ChainTimes times{
      .forward = 1'000'000'000, .backward = 2'000'000'000, .latency = 5'000'000, .transfer = 40'000'000};
  build_platform(shape, times);
  const double peer = seconds_of([&engine] { engine.run(); });

  const tandem::Program program = tandem::test::lower_chain("1f1b", shape.stages, shape.micro_batches);
  const tandem::Prices prices = tandem::test::price_chain(program, times);
  tandem::Timeline timeline;
  std::vector<double> runs(9);
  for (double& seconds : runs) seconds = seconds_of([&] { timeline = tandem::simulate(program, prices); });
  std::nth_element(runs.begin(), runs.begin() + 4, runs.end());
  const double ours = runs[4];

  const double makespan = tandem::to_seconds(timeline.makespan()).value;
  fmt::print("p = {}, m = {}: SimGrid {:.4f} s, Tandem {:.4f} s (median of 9), ratio {:.1f}\n", shape.stages,
             shape.micro_batches, peer, ours, peer / ours);
  fmt::print("makespans {:.9f} s and {:.9f} s\n", sg::Engine::get_clock(), makespan);
  return std::abs(makespan / sg::Engine::get_clock() - 1) < 1e-6 ? 0 : 1;
}
