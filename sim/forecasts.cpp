#include "sim/forecasts.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/error.hpp"

namespace tandem {

Forecasts::Forecasts(const Program& program, const Prices& prices, const SharedHardware& hardware,
                     Foresight foresight)
    : program_(program), prices_(prices), hardware_(hardware), room_(program.step_count()) {
  const auto in_rounds = [](const CollectivePrice& price) { return !price.closed_form; };
  if (foresight == Foresight::none || std::ranges::none_of(prices.collectives, in_rounds)) return;
  forecast_of_.assign(program.collectives().size(), kNobody);
  times_index_.assign(program.collective_specs().size(), kNobody);
  held_.assign(prices.link_bytes_per_second.size(), kNone<StepId>);
  users_.resize(prices.link_bytes_per_second.size());
}

Forecasts::Entry Forecasts::enter(StepId member, std::int64_t now) {
  if (forecast_of_.empty()) return Entry::by_rounds;
  const Collective& collective = program_.collective(member);
  std::uint32_t& index = forecast_of(member);
  if (index == kByRounds) return Entry::by_rounds;
  const std::uint32_t rank = program_.step(member).object - collective.first_member;
  RoundTimes& times = times_of(collective.spec);
  const bool may = times.foreseeable() && now < RoundTimes::kLongest;
  if (!may || !hold(times.links_of(rank), member)) {
    const bool others_have_come = index != kNobody;
    if (!others_have_come) index = kByRounds;
    return others_have_come ? Entry::in_the_way : Entry::by_rounds;
  }
  if (index == kNobody) index = start(times.ranks());
  Forecast& forecast = forecasts_[index];
  forecast.entered[rank] = now;
  if (++forecast.come < times.ranks()) return Entry::foreseen;
  foresee(forecast, times);
  return Entry::complete;
}

std::uint32_t& Forecasts::forecast_of(StepId member) {
  return forecast_of_[index_of(program_.collective_members()[program_.step(member).object].collective)];
}

RoundTimes& Forecasts::times_of(CollectiveSpecId spec) {
  std::uint32_t& index = times_index_[index_of(spec)];
  if (index == kNobody) {
    index = static_cast<std::uint32_t>(times_.size());
    times_.emplace_back(program_.collective_specs()[index_of(spec)], prices_.collectives[index_of(spec)], prices_,
                        hardware_, users_, room_);
  }
  return times_[index];
}

/// A forecast of a collective to which nobody has come yet.
std::uint32_t Forecasts::start(std::uint32_t ranks) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(forecasts_.size()));
    forecasts_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Forecast& forecast = forecasts_[index];
  forecast.come = forecast.ended = 0;
  forecast.entered.assign(ranks, kNotYet);
  forecast.began.assign(ranks, kNotYet);
  forecast.ends.assign(ranks, kNotYet);
  return index;
}

bool Forecasts::hold(std::span<const std::uint32_t> links, StepId member) {
  for (const std::uint32_t link : links)
    if (held_[link] != kNone<StepId> || hardware_.flows_on(link) > 0) return false;
  for (const std::uint32_t link : links) held_[link] = member;
  return true;
}

void Forecasts::release(std::span<const std::uint32_t> links) {
  for (const std::uint32_t link : links) held_[link] = kNone<StepId>;
}

/// When the exchanges of the round end and who enters the next one when, if they enter it at entered_.
void Forecasts::play(const RoundTimes::Round& round) {
  const std::size_t ranks = entered_.size();
  ends_.resize(ranks), next_.resize(ranks);
  for (std::size_t i = 0; i < ranks; ++i) ends_[i] = std::max(entered_[i], entered_[round.to[i]]) + round.time[i];
  for (std::size_t i = 0; i < ranks; ++i) next_[i] = std::max(ends_[i], ends_[round.from[i]]);
}

void Forecasts::note_begins(const RoundTimes::Round& round, std::vector<std::int64_t>& began) const {
  for (std::uint32_t i = 0; i < entered_.size(); ++i)
    for (const std::uint32_t peer : {round.to[i], round.from[i]})
      if (peer != i) began[i] = std::min(began[i], std::max(entered_[i], entered_[peer]));
}

void Forecasts::foresee(Forecast& forecast, RoundTimes& times) {
  entered_ = forecast.entered;
  for (std::uint32_t round = 0; round < times.rounds(); ++round) {
    const bool together = std::ranges::adjacent_find(entered_, std::ranges::not_equal_to()) == entered_.end();
    if (round >= times.all_begun() && together && times.left(round) != RoundTimes::kUneven) {
      for (std::int64_t& time : entered_) time += times.left(round);
      break;
    }
    const RoundTimes::Round row = times.round(round);
    if (round < times.all_begun()) note_begins(row, forecast.began);
    play(row);
    entered_.swap(next_);
  }
  forecast.ends = entered_;
}

std::span<const std::int64_t> Forecasts::ends_of(StepId member) { return forecasts_[forecast_of(member)].ends; }

std::int64_t Forecasts::end(StepId member, std::int64_t now) {
  const Collective& collective = program_.collective(member);
  const std::uint32_t index = forecast_of(member), rank = program_.step(member).object - collective.first_member;
  if (index == kByRounds) return kNotNow;
  Forecast& forecast = forecasts_[index];
  invariant(forecast.ends[rank] == now, "a member ends when it was foreseen to");
  const std::int64_t began = forecast.began[rank];
  release(times_of(collective.spec).links_of(rank));
  if (++forecast.ended == forecast.come) free_.push_back(index);
  return began;
}

void Forecasts::resume(StepId some_member, std::int64_t now, State& state) {
  state.places.clear(), state.under_way.clear();
  const std::uint32_t index = std::exchange(forecast_of(some_member), kByRounds);
  Forecast& forecast = forecasts_[index];
  free_.push_back(index);
  const Collective& collective = program_.collective(some_member);
  RoundTimes& times = times_of(collective.spec);
  forecast.began.assign(times.ranks(), kNotYet);
  entered_ = forecast.entered;
  for (std::uint32_t round = 0; state.places.size() < forecast.come - forecast.ended; ++round) {
    const RoundTimes::Round row = times.round(round);
    if (round < times.all_begun()) note_begins(row, forecast.began);
    play(row);
    for (std::uint32_t rank = 0; rank < times.ranks(); ++rank)
      if (entered_[rank] <= now && now < next_[rank])
        place({program_.members(collective)[rank].step, round, 0, forecast.began[rank]}, rank, row, now, state);
    entered_.swap(next_);
  }
  for (const Place& place : state.places) release(times.links_of(program_.group_rank(place.member)));
}

/// The member is in the round that has been played.
void Forecasts::place(Place at, std::uint32_t rank, const RoundTimes::Round& round, std::int64_t now,
                      State& state) const {
  const std::uint32_t to = round.to[rank], from = round.from[rank];
  const bool sends = to != rank && ends_[rank] > now, receives = from != rank && ends_[from] > now;
  at.open = static_cast<std::uint8_t>(sends + receives);
  if (at.began > now) at.began = kNotNow;
  state.places.push_back(at);
  const std::int64_t begin = std::max(entered_[rank], entered_[to]);
  if (sends && begin <= now) state.under_way.push_back({program_.step(at.member).stream, begin, ends_[rank]});
}

}  // namespace tandem
