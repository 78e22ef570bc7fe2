#include "base/yaml.hpp"
#include "tests/base/message_of.hpp"
#include "tests/catch.hpp"

using namespace tandem;

using Kind = YamlNode::Kind;

namespace {

std::string position_text(const YamlNode& node) {
  return std::to_string(node.position().line) + ":" + std::to_string(node.position().column);
}

}  // namespace

TEST_CASE("a document becomes maps, lists and scalars in file order") {
  const YamlNode root = parse_yaml("name: k80\nlinks:\n  - pcie\n  - nvlink\nmemory: {size: 12 GiB}\n", "device.yaml");

  CHECK(root.kind() == Kind::map);
  REQUIRE(root.entries().size() == 3);
  CHECK(root.entries()[0].first.text() == "name");
  CHECK(root.entries()[1].first.text() == "links");
  CHECK(root.at("name").text() == "k80");
  REQUIRE(root.at("links").items().size() == 2);
  CHECK(root.at("links").items()[1].text() == "nvlink");
  CHECK(root.at("memory").at("size").quantity<Bytes>().count == 12'884'901'888);  // 12 * 2^30
}

TEST_CASE("every node knows its line and column, counted from 1") {
  const YamlNode root = parse_yaml("# a comment\nname: k80\nlinks:\n  - pcie\n  - {to: 'b'}\n", "device.yaml");

  CHECK(root.position().file == "device.yaml");
  CHECK(position_text(root) == "2:1");
  CHECK(position_text(root.at("name")) == "2:7");
  CHECK(position_text(root.entries()[1].first) == "3:1");
  CHECK(position_text(root.at("links")) == "4:3");
  CHECK(position_text(root.at("links").items()[0]) == "4:5");
  CHECK(position_text(root.at("links").items()[1].at("to")) == "5:10");
}

TEST_CASE("columns count bytes, and a byte order mark counts as none") {
  const YamlNode root = parse_yaml("\xEF\xBB\xBFname: {é: 1}\n", "f.yaml");

  CHECK(position_text(root) == "1:1");
  CHECK(position_text(root.at("name").at("é")) == "1:12");  // after 7 bytes of "name: {", 2 of "é", 2 of ": "
}

TEST_CASE("an absent value, ~ and null are nothing, and quoted they are texts") {
  const YamlNode root = parse_yaml("a:\nb: ~\nc: null\nd: ''\ne: \"null\"\nf: [~, '~']\n", "f.yaml");

  CHECK(root.at("a").kind() == Kind::null);
  CHECK(root.at("b").kind() == Kind::null);
  CHECK(root.at("c").kind() == Kind::null);
  CHECK(root.at("d").text().empty());
  CHECK(root.at("e").text() == "null");
  CHECK(root.at("f").items()[0].kind() == Kind::null);
  CHECK(root.at("f").items()[1].text() == "~");
}

TEST_CASE("quoted texts are unescaped and block texts keep their lines") {
  const YamlNode root =
      parse_yaml("a: \"x\\ty\\u00e9\"\nb: 'it''s'\nc: |\n  one\n  two\nd: plain # comment\n", "f.yaml");

  CHECK(root.at("a").text() == "x\tyé");
  CHECK(root.at("b").text() == "it's");
  CHECK(root.at("c").text() == "one\ntwo\n");
  CHECK(root.at("d").text() == "plain");
}

TEST_CASE("lines may end as on Windows, and a document may have its marks") {
  const YamlNode root = parse_yaml("---\r\na: 1\r\nb:\r\n  - 2\r\n...\r\n", "f.yaml");

  CHECK(root.at("a").text() == "1");
  CHECK(root.at("b").items()[0].text() == "2");
  CHECK(position_text(root.at("b").items()[0]) == "4:5");
}

TEST_CASE("looking for an absent key finds nothing, and asking for it is refused at the map") {
  const YamlNode root = parse_yaml("link:\n  bandwidth: 1 GB/s\n", "f.yaml");

  CHECK(root.find("latency") == nullptr);
  CHECK(root.find("link") == &root.at("link"));
  CHECK(message_of([&] { root.at("link").at("latency"); }) == R"(f.yaml:2:3: error: missing key "latency")");
}

TEST_CASE("a value of another kind is refused with both kinds") {
  const YamlNode root = parse_yaml("scalar: 5\nlist: [1]\nmap: {a: 1}\nnothing: ~\n", "f.yaml");

  CHECK(message_of([&] { root.at("list").entries(); }) ==
        R"(f.yaml:2:7: error: another kind of value; got "a list", want a map)");
  CHECK(message_of([&] { root.at("map").text(); }) ==
        R"(f.yaml:3:6: error: another kind of value; got "a map", want a scalar)");
  CHECK(message_of([&] { root.at("nothing").items(); }) ==
        R"(f.yaml:4:10: error: another kind of value; got "nothing", want a list)");
  CHECK(message_of([&] { root.at("scalar").find("a"); }) ==
        R"(f.yaml:1:9: error: another kind of value; got "a scalar: 5", want a map)");
  CHECK(message_of([&] { root.at("nothing").quantity<Bytes>(); }) ==
        R"(f.yaml:4:10: error: another kind of value; got "nothing", want a scalar)");
}

TEST_CASE("an unknown key is refused at its place with the closest known one") {
  const YamlNode root = parse_yaml("latency: 5 us\nbandwith: 3 GB/s\n", "f.yaml");

  CHECK_NOTHROW(root.only_keys({"latency", "bandwith"}));
  CHECK(message_of([&] { root.only_keys({"bandwidth", "latency"}); }) ==
        R"(f.yaml:2:1: error: unknown key; did you mean "bandwidth"?; got "bandwith", want bandwidth, latency)");
}
