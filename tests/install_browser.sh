#!/bin/sh
# Installs what `make test-browser` needs, as far as this machine allows: Debian's Chromium, and
# TypeScript in build/node. Says what is missing; the tests that need it are skipped.
set -u
cd "$(dirname "$0")/.."

missing() {
  echo "make test-browser: $1; $2"
}

# Of a new machine the lists of packages are empty or old.
package() {
  [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || return 1
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" > /dev/null 2>&1 && return
  apt-get update -qq > /dev/null 2>&1
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" > /dev/null
}

if [ -z "${RCLICKS_CHROMIUM:-}" ] && ! command -v chromium > /dev/null; then
  package chromium || missing "Chromium could not be installed" \
    "the pages are not tested (apt-get install chromium, or RCLICKS_CHROMIUM=PATH)"
fi
if [ ! -x build/node/node_modules/.bin/tsc ] && ! command -v tsc > /dev/null; then
  command -v npm > /dev/null || package npm
  npm install --silent --no-audit --no-fund --prefix build/node typescript@5 2> /dev/null || \
    missing "TypeScript could not be installed" \
      "types of the pages are not checked (it needs npm and its registry)"
fi
# What is missing has been said.
exit 0
