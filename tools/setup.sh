# Sourced by tools/quickstart and tools/test: installs what is missing, configures and builds.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
install=yes

say() { printf '==> %s\n' "$*"; }

usage() {
  printf 'usage: %s [--no-install]\n\n%s\n  --no-install  do not install missing Debian packages\n' "$1" "$2"
}

parse_setup_flags() { # NAME MEANING ARGS...
  local name=$1 meaning=$2
  shift 2
  for word in "$@"; do
    case $word in
      --no-install) install=no ;;
      --help) usage "$name" "$meaning"; exit 0 ;;
      *) printf 'error: unknown flag %s; see %s --help\n' "$word" "$name" >&2; exit 2 ;;
    esac
  done
}

missing_packages() {
  sed 's/#.*//' "$root/tools/packages.txt" | while read -r package; do
    [ -n "$package" ] || continue
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
  done
}

install_packages() {
  local missing as_root=
  missing=$(missing_packages)
  if [ -z "$missing" ]; then say "every Debian package is there"; return; fi
  if [ $install = no ]; then say "missing, not installed (--no-install): $missing"; return; fi
  [ "$(id -u)" = 0 ] || as_root=sudo
  say "installing: $missing"
  $as_root apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

configure() { # FLAGS...
  say "configuring build/release"
  (cd "$root" && cmake --preset release "$@" >"$root/build/configure.log" 2>&1) ||
    { cat "$root/build/configure.log"; exit 1; }
}

build() { # TARGETS...
  say "building $*"
  cmake --build "$root/build/release" --target "$@" -- --quiet 2>/dev/null || cmake --build "$root/build/release" --target "$@"
}
