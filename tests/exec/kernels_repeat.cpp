#include <cstring>
#include <thread>

#include "exec/kernels/product.hpp"
#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

std::string bits_of(const Scene& scene) {
  KernelCase<float> layer(scene);
  layer.run_all(find_kernels(fast_kernels(), scene.kind));
  std::string bits;
  for (const auto* result : layer.results()) {
    bits.append(reinterpret_cast<const char*>(result->data()), result->size() * sizeof(float));
  }
  return bits;
}

std::vector<std::string> bits_of_all() {
  std::vector<std::string> all;
  for (const auto& scene : all_scenes()) all.push_back(bits_of(scene));
  return all;
}

}  // namespace

TEST_CASE("fast kernels give the same bits each time") {
  use_one_blas_thread();
  const auto first = bits_of_all();

  for (int repeat = 0; repeat < 5; ++repeat) CHECK((bits_of_all() == first));
}

TEST_CASE("fast kernels give the same bits on four threads at once") {
  use_one_blas_thread();
  constexpr std::size_t kThreads = 4;
  const auto alone = bits_of_all();
  std::vector<std::vector<std::string>> together(kThreads);

  std::vector<std::thread> threads;
  for (auto& result : together) {
    threads.emplace_back([&result] {
      for (int repeat = 0; repeat < 10; ++repeat) result = bits_of_all();
    });
  }
  for (auto& thread : threads) thread.join();

  for (const auto& result : together) CHECK((result == alone));
}

TEST_CASE("a row of a product does not depend on the other rows' values") {
  use_one_blas_thread();
  const auto scene = scene_of("linear");
  const auto& row = find_kernels(fast_kernels(), scene.kind);
  KernelCase<float> one(scene, 1), other(scene, 1);
  const auto columns = static_cast<std::size_t>(scene.inputs[0].columns());
  for (std::size_t at = columns; at < other.inputs[0].size(); ++at) other.inputs[0][at] = 1e30F;

  one.run(row, Pass::forward);
  other.run(row, Pass::forward);

  const auto features = static_cast<std::size_t>(one.output_spec.columns());
  CHECK(std::memcmp(one.output.data(), other.output.data(), features * sizeof(float)) == 0);
}

}  // namespace tandem
