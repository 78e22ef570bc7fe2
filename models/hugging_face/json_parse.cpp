// Builds JsonValues from nlohmann-json's events. The events carry no positions, so they are counted in the stream.

#include <algorithm>
#include <sstream>
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/hugging_face/json.hpp"

namespace tandem {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kDeepest = 32;
constexpr std::size_t kMostValues = 100'000;

class Builder {
 public:
  Builder(std::istringstream& stream, std::string_view text, const std::string& name)
      : stream_(stream), text_(text), name_(name) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') line_starts_.push_back(i + 1);
    }
  }

  JsonValue root() && { return std::move(root_); }

  // What nlohmann's sax_parse calls; false would stop it, but wrong input throws instead.
  bool null() { return add(JsonValue::Kind::null), true; }
  bool boolean(bool truth) { return add(JsonValue::Kind::boolean).truth = truth, true; }
  bool number_integer(std::int64_t value) { return add_number(static_cast<double>(value)).whole = value, true; }
  bool number_unsigned(std::uint64_t value) {
    auto& added = add_number(static_cast<double>(value));
    if (value <= std::numeric_limits<std::int64_t>::max()) added.whole = static_cast<std::int64_t>(value);
    return true;
  }
  bool number_float(double value, const std::string&) { return add_number(value), true; }
  bool string(std::string& text) { return add(JsonValue::Kind::text).text = std::move(text), true; }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(JsonValue::Kind::map); }
  bool start_array(std::size_t) { return open(JsonValue::Kind::list); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& key) {
    if (!levels_.back().keys.insert(key).second) throw InputError(value_position(), "duplicate key", key);
    levels_.back().key = std::move(key);
    return finish_token();
  }
  bool parse_error(std::size_t read, const std::string&, const nlohmann::detail::exception& error) {
    throw InputError(position_at(read == 0 ? 0 : read - 1), problem_of(error));
  }

 private:
  struct Level {
    JsonValue* value;
    std::unordered_set<std::string> keys;
    std::string key;
  };

  /// The library's own text without its error number and position.
  static std::string problem_of(const nlohmann::detail::exception& error) {
    std::string_view text = error.what();
    const auto start = text.find("syntax error");
    if (start != std::string_view::npos) return std::string(text.substr(start));
    const auto bracket = text.find("] ");
    return std::string(bracket == std::string_view::npos ? text : text.substr(bracket + 2));
  }

  std::size_t offset() const {
    return static_cast<std::size_t>(stream_.rdbuf()->pubseekoff(0, std::ios::cur, std::ios::in));
  }

  bool finish_token() {
    token_end_ = offset();
    return true;
  }

  /// Where the value read last began: the first byte after the token before it that is no separator.
  TextPosition value_position() const {
    const auto start = text_.find_first_not_of(" \t\r\n:,", token_end_);
    return position_at(start);
  }

  TextPosition position_at(std::size_t at) const {
    const auto next_line = std::ranges::upper_bound(line_starts_, std::min(at, text_.size()));
    const auto column = std::min(at, text_.size()) - *(next_line - 1);
    return {name_, static_cast<int>(next_line - line_starts_.begin()), static_cast<int>(column) + 1};
  }

  JsonValue& place() {
    if (levels_.empty()) return root_;
    auto& parent = *levels_.back().value;
    if (parent.kind == JsonValue::Kind::list) return parent.items.emplace_back();
    return parent.entries.emplace_back(std::move(levels_.back().key), JsonValue{}).second;
  }

  JsonValue& add(JsonValue::Kind kind) {
    if (++values_ > kMostValues) throw InputError(value_position(), "too many values", {}, "at most 100000");
    auto& added = place();
    added.kind = kind;
    added.position = value_position();
    finish_token();
    return added;
  }

  JsonValue& add_number(double value) {
    auto& added = add(JsonValue::Kind::number);
    added.number = value;
    return added;
  }

  bool open(JsonValue::Kind kind) {
    if (levels_.size() == kDeepest) throw InputError(value_position(), "nested too deeply", {}, "at most 32 levels");
    levels_.push_back({&add(kind), {}, {}});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return finish_token();
  }

  std::istringstream& stream_;
  std::string_view text_;
  const std::string& name_;
  std::vector<std::size_t> line_starts_{0};
  JsonValue root_;
  std::vector<Level> levels_;
  std::size_t values_ = 0;
  std::size_t token_end_ = 0;
};

}  // namespace

JsonValue parse_json(std::string_view text, const std::string& name) {
  std::istringstream stream{std::string(text)};
  Builder builder(stream, text, name);
  const bool parsed = Json::sax_parse(stream, &builder);
  invariant(parsed, "wrong JSON throws");
  return std::move(builder).root();
}

}  // namespace tandem
