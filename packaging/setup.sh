# What ./quickstart and ./run-tests share: a virtual environment in .venv with the pinned packages, and Debian packages.
# To be sourced from the project's directory. Says what to run where it may not do so itself.

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf '\033[31m%s\033[0m\n' "$*" >&2; exit 1; }

# Prints the newest Python that will do; ours has to be 3.11 or later.
find_python() {
  local name
  for name in python3.14 python3.13 python3.12 python3.11 python3; do
    if command -v "$name" >/dev/null 2>&1 &&
      "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

# apt_install PACKAGE...: installs, or returns 1 where that is not ours to do.
apt_install() {
  command -v apt-get >/dev/null 2>&1 || return 1
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
  fi
  say "installing $*"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 || {
    "${as_root[@]}" apt-get update -qq >/dev/null &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  }
}

# setup_program COMMAND PACKAGE CONSEQUENCE: installs a program that is missing, or says what is lost without it.
setup_program() {
  PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 && return 0
  apt_install "$2" && return 0
  say "$1 is missing and could not be installed: $3. Install it by hand: apt-get install $2"
}

# setup_environment [EXTRA]: makes .venv with our pinned dependencies; quick when nothing has changed since.
setup_environment() {
  local extra="${1:-}" python stamp wanted
  stamp=.venv/.installed
  python=$(find_python) || {
    apt_install python3 python3-venv || true
    python=$(find_python) || fail "Python 3.11 or later is needed. Install it: apt-get install python3 python3-venv"
  }
  wanted="$extra $(cat pyproject.toml constraints.txt | cksum) $PWD"
  if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    return 0
  fi
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    apt_install "$(basename "$(readlink -f "$python")")-venv" || apt_install python3-venv ||
      fail "Python's venv module is missing. Install it: apt-get install python3-venv"
  fi
  say "making the virtual environment in .venv"
  rm -f "$stamp"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  say "installing our Python packages (a minute or so, the first time)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --use-pep517 -c constraints.txt -e ".${extra}" ||
    fail "the Python packages could not be installed"
  printf '%s' "$wanted" > "$stamp"
}
