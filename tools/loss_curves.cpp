#include "tools/loss_curves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace tandem {
namespace {

constexpr std::size_t kRows = 14;    // of the chart
constexpr std::size_t kMargin = 10;  // for the losses beside it

class LossPicture {
 public:
  LossPicture(std::span<const LossCurve> curves, int width)
      : curves_(curves), columns_(static_cast<std::size_t>(std::max(width, 40)) - kMargin - 2) {
    for (const LossCurve& curve : curves)
      for (const double loss : curve.losses)
        if (std::isfinite(loss)) least_ = std::min(least_, loss), most_ = std::max(most_, loss);
    rows_.assign(kRows, std::string(columns_, ' '));
    for (std::size_t i = 0; i < curves.size(); ++i) draw(curves[i], static_cast<char>('a' + i));
  }

  std::string text() const {
    std::string text;
    for (std::size_t row = 0; row < kRows; ++row) {
      const double share = static_cast<double>(row) / (kRows - 1);
      std::string line = fmt::format("{:>{}.4g} |{}", most_ + share * (least_ - most_), kMargin - 1, rows_[row]);
      while (line.back() == ' ') line.pop_back();
      text += line + '\n';
    }
    text += fmt::format("{:>{}} +{}\n", "loss", kMargin - 1, std::string(columns_, '-'));
    const std::string last = fmt::format("iteration {}", curves_[0].losses.size());
    text += fmt::format("{:{}}1{:>{}}\n", "", kMargin + 1, last, columns_ - 1);
    for (std::size_t i = 0; i < curves_.size(); ++i)
      text += fmt::format("{}{} {}", i == 0 ? "" : ", ", static_cast<char>('a' + i), curves_[i].name);
    return text + ", * several\n";
  }

 private:
  void draw(const LossCurve& curve, char letter) {
    const std::size_t count = curve.losses.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (!std::isfinite(curve.losses[i])) continue;
      const double above = most_ > least_ ? (most_ - curve.losses[i]) / (most_ - least_) : 1;
      const auto row = static_cast<std::size_t>(std::lround(above * (kRows - 1)));
      char& cell = rows_[row][count == 1 ? 0 : i * (columns_ - 1) / (count - 1)];
      cell = cell == ' ' || cell == letter ? letter : '*';
    }
  }

  std::span<const LossCurve> curves_;
  std::size_t columns_;
  double least_ = std::numeric_limits<double>::infinity(), most_ = -least_;
  std::vector<std::string> rows_;
};

}  // namespace

std::string loss_table(std::span<const LossCurve> curves) {
  const std::size_t count = curves.front().losses.size(), every = std::max<std::size_t>(1, count / 20);
  std::string text = "iteration";
  for (const LossCurve& curve : curves) text += fmt::format("  {:>10}", curve.name);
  text += '\n';
  for (std::size_t i = 0; i < count; ++i) {
    if (i % every != 0 && i + 1 != count) continue;
    text += fmt::format("{:>9}", i + 1);
    for (const LossCurve& curve : curves)
      text += fmt::format("  {:>{}.4f}", curve.losses[i], std::max<std::size_t>(10, curve.name.size()));
    text += '\n';
  }
  return text;
}

std::string loss_chart(std::span<const LossCurve> curves, int width) {
  for (const LossCurve& curve : curves)
    invariant(!curve.losses.empty() && curve.losses.size() == curves.front().losses.size(),
              "curves of the same iterations");
  return LossPicture(curves, width).text();
}

}  // namespace tandem
