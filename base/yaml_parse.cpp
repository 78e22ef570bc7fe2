#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "base/yaml_builder.hpp"
#include "base/yaml_source.hpp"

namespace tandem {

namespace {

/// yaml-cpp counts lines and columns from 0.
TextPosition position_of(const YAML::Mark& mark, const std::string& name) {
  return mark.is_null() ? TextPosition{name} : TextPosition{name, mark.line + 1, mark.column + 1};
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

 private:
  static std::size_t offset_of(const YAML::Mark& mark) {
    return mark.pos < 0 ? std::string::npos : static_cast<std::size_t>(mark.pos);
  }

  const std::string& name_;
  YamlBuilder builder_;
  int documents_ = 0;
};

}  // namespace

YamlNode parse_yaml(std::string_view text, const std::string& name) {
  const std::string_view source = checked_yaml_source(text, name);
  std::istringstream stream{std::string(source)};
  EventReader reader(source, name);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(reader)) throw InputError({name}, "no document", {}, "at least one `key: value`");
    parser.HandleNextDocument(reader);
  } catch (const YAML::ParserException& error) {
    throw InputError(position_of(error.mark, name), error.msg);
  }
  return reader.take_root();
}

}  // namespace tandem
