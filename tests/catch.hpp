#pragma once
// Catch2 under the name it has on this system: version 2 on Debian 12, version 3 on newer ones.
#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif
