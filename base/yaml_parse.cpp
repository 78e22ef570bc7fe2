#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "base/yaml_builder.hpp"
#include "base/yaml_source.hpp"

namespace tandem {

namespace {

/// yaml-cpp counts lines and columns from 0.
TextPosition position_of(const YAML::Mark& mark, const std::string& name) {
  return mark.is_null() ? TextPosition{name} : TextPosition{name, mark.line + 1, mark.column + 1};
}

struct Wording {
  std::string_view message;
  std::string_view plain;
};

const std::array kWordings{
    Wording{YAML::ErrorMsg::END_OF_SEQ_FLOW, "a [ that is never closed"},
    Wording{YAML::ErrorMsg::END_OF_MAP_FLOW, "a { that is never closed"},
    Wording{YAML::ErrorMsg::END_OF_SEQ, "this line fits no open list: check its indentation"},
    Wording{YAML::ErrorMsg::END_OF_MAP, "this line fits no open map: check its indentation"},
    Wording{YAML::ErrorMsg::MAP_VALUE, "a colon where no key can stand: check the indentation, or quote the text"},
    Wording{YAML::ErrorMsg::MAP_KEY, "a key where none can stand: check the indentation"},
    Wording{YAML::ErrorMsg::BLOCK_ENTRY, "a list entry where none can stand: check the indentation"},
    Wording{YAML::ErrorMsg::FLOW_END, "a closing bracket that was never opened"},
    Wording{YAML::ErrorMsg::EOF_IN_SCALAR, "a quote that is never closed"},
    Wording{YAML::ErrorMsg::UNKNOWN_TOKEN, "a character that starts no value: quote the text"},
    Wording{YAML::ErrorMsg::UNKNOWN_ANCHOR, "aliases are not supported"},
};

std::string_view plain_words(std::string_view message) {
  const auto said = [message](const Wording& wording) { return wording.message == message; };
  const auto* found = std::find_if(kWordings.begin(), kWordings.end(), said);
  return found == kWordings.end() ? message : found->plain;
}

/// Hands the events of yaml-cpp's parser to a builder.
class EventReader : public YAML::EventHandler {
 public:
  EventReader(std::string_view source, const std::string& name) : name_(name), builder_(source) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw InputError(position_of(mark, name_), "a second document", {}, "one document per file");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    builder_.add_null(position_of(mark, name_), offset_of(mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw InputError(position_of(mark, name_), "aliases are not supported");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    builder_.add_scalar(position_of(mark, name_), offset_of(mark), value, tag == "!");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    builder_.begin_list(position_of(mark, name_), offset_of(mark));
  }
  void OnSequenceEnd() override { builder_.end_list(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    builder_.begin_map(position_of(mark, name_), offset_of(mark));
  }
  void OnMapEnd() override { builder_.end_map(); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    throw InputError(position_of(mark, name_), "anchors are not supported");
  }

  YamlNode take_root() { return builder_.take_root(); }

  /// In the house's words, and at the bracket where one is never closed: yaml-cpp only knows that the text ended.
  [[noreturn]] void report(const YAML::ParserException& error) const {
    const bool unclosed = error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW || error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW;
    const TextPosition stopped = position_of(error.mark, name_);
    throw InputError(unclosed ? builder_.innermost_open().value_or(stopped) : stopped, plain_words(error.msg));
  }

 private:
  static std::size_t offset_of(const YAML::Mark& mark) {
    return mark.pos < 0 ? std::string::npos : static_cast<std::size_t>(mark.pos);
  }

  const std::string& name_;
  YamlBuilder builder_;
  int documents_ = 0;
};

[[noreturn]] void refuse_empty(const std::string& name) {
  throw InputError({name}, "no document", {}, "at least one `key: value`");
}

}  // namespace

YamlNode parse_yaml(std::string_view text, const std::string& name) {
  const std::string_view source = checked_yaml_source(text, name);
  std::istringstream stream{std::string(source)};
  EventReader reader(source, name);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(reader)) refuse_empty(name);
    parser.HandleNextDocument(reader);
  } catch (const YAML::ParserException& error) {
    reader.report(error);
  }
  YamlNode root = reader.take_root();
  if (root.kind() == YamlNode::Kind::null) refuse_empty(name);
  return root;
}

}  // namespace tandem
