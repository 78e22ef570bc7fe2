#include "plan/mesh.hpp"

#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

TEST_CASE("every rank of a mesh has one coordinate, and the other way round") {
  const Mesh mesh{{{2, 3, 1, 4, 5}}};

  REQUIRE(mesh.workers() == 120);
  CHECK(mesh.workers_per_stage() == 60);
  for (std::uint32_t rank = 0; rank < mesh.workers(); ++rank) {
    const Coordinate at = mesh.coordinate_of(rank);
    for (std::size_t axis = 0; axis < kMeshAxes; ++axis) REQUIRE(at.at[axis] < mesh.sizes.at[axis]);
    REQUIRE(mesh.rank_of(at) == rank);
  }
}

TEST_CASE("tensor ranks are neighbours, and stages are furthest apart") {
  const Mesh mesh{{{2, 2, 2, 2, 2}}};

  CHECK(mesh.rank_of({{0, 0, 0, 0, 1}}) == 1);
  CHECK(mesh.rank_of({{0, 0, 0, 1, 0}}) == 2);
  CHECK(mesh.rank_of({{0, 0, 1, 0, 0}}) == 4);
  CHECK(mesh.rank_of({{0, 1, 0, 0, 0}}) == 8);
  CHECK(mesh.rank_of({{1, 0, 0, 0, 0}}) == 16);
  CHECK(mesh.coordinate_of(21) == Coordinate{{1, 0, 1, 0, 1}});  // 16 + 4 + 1
}

TEST_CASE("a worker is named by its stage and by the axes that have more than one rank") {
  CHECK(Mesh{{{4, 1, 1, 1, 1}}}.worker_name({{3, 0, 0, 0, 0}}) == "stage 3");
  CHECK(Mesh{{{1, 2, 1, 1, 8}}}.worker_name({{0, 1, 0, 0, 5}}) == "stage 0, data 1, tensor 5");
  CHECK(Mesh{{{1, 1, 2, 2, 1}}}.worker_name({{0, 0, 1, 0, 0}}) == "stage 0, height 1, width 0");
}

TEST_CASE("the mesh of a plan has the sizes of its axes") {
  Plan plan = plan_on(2, 3, 4, 5);
  plan.pipeline = 6;

  CHECK(mesh_of(plan).sizes == Coordinate{{6, 2, 3, 4, 5}});
}

TEST_CASE("a mesh of more workers than a million or so is refused with the size of each axis") {
  Plan plan = plan_on(1024, 1, 1, 1024);
  CHECK(mesh_of(plan).workers() == 1'048'576);

  plan.height = 2;
  CHECK(complaint([&] { mesh_of(plan); }) ==
        "error: the mesh has too many workers; "
        "got \"pp 1, dp 1024, spatial 2x1, tp 1024\", want at most 1048576");
  plan = plan_on(4'294'967'295, 4'294'967'295, 4'294'967'295, 4'294'967'295);  // a product of 2^128
  CHECK(complaint([&] { mesh_of(plan); }).find("error: the mesh has too many workers; ") == 0);
}

TEST_CASE("a mesh without ranks on an axis is our own mistake") {
  CHECK_THROWS_AS(mesh_of(plan_on(1, 0, 1, 1)), InvariantError);
}
