# Flags of every target: warnings are errors (but -Wrestrict, which GCC 12 gets wrong on string sums), results do not
# depend on contraction, one instruction set for all.
add_library(tandem_flags INTERFACE)
target_compile_options(tandem_flags INTERFACE -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion
                       -Wno-sign-conversion -Wnon-virtual-dtor -Wno-restrict -ffp-contract=off -fno-math-errno)

# Eigen's element-wise kernels want AVX2; every object must agree on it (Eigen's alignment is part of its ABI).
include(CheckCXXSourceRuns)
set(CMAKE_REQUIRED_FLAGS "-march=x86-64-v3")
check_cxx_source_runs("int main() { return __builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\") ? 0 : 1; }"
                      TANDEM_MACHINE_HAS_AVX2)
unset(CMAKE_REQUIRED_FLAGS)
option(TANDEM_AVX2 "compile for x86-64-v3 (AVX2, FMA)" ${TANDEM_MACHINE_HAS_AVX2})
if(TANDEM_AVX2)
  target_compile_options(tandem_flags INTERFACE -march=x86-64-v3)
endif()

set(TANDEM_SANITIZE "" CACHE STRING "sanitizers to build with, such as address,undefined or thread")
if(TANDEM_SANITIZE)
  # GCC 12 takes what a sanitizer inserts for reads of uninitialised values.
  target_compile_options(tandem_flags INTERFACE -fsanitize=${TANDEM_SANITIZE} -fno-omit-frame-pointer
                         -Wno-maybe-uninitialized)
  target_link_options(tandem_flags INTERFACE -fsanitize=${TANDEM_SANITIZE})
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
