#!/usr/bin/env bash
# Opens the HTML pages that `cargo test --test report` leaves in target/tmp/pages in a real browser, and checks what they
# load and run, their layout and accessibility, and how fast ten thousand findings open. Screenshots and PDFs of each run are
# kept in target/pages, which git ignores.
#
# Needs Node.js, Chromium and two npm packages. It installs the packages, and in CI also Chromium; where it cannot, it says
# so and skips.
set -euo pipefail
cd "$(dirname "$0")/.."
pages=target/tmp/pages
artifacts=target/pages
modules=target/page-tests

skip() {
    echo "test-pages: skipped: $1"
    exit 0
}

browser() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

if [ ! -d "$pages" ]; then
    echo "test-pages: there are no pages; \`cargo test --test report\` writes them" >&2
    exit 1
fi
command -v node >/dev/null || skip "Node.js is not installed"
if ! browser >/dev/null && [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ]; then
    apt-get update -qq || skip "the package lists cannot be downloaded"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null \
        || skip "Chromium cannot be installed"
fi
browser >/dev/null || skip "Chromium is not installed"
mkdir -p "$modules"
if ! cmp -s tests/browser/package.json "$modules/package.json"; then
    cp tests/browser/package.json "$modules/package.json"
    if ! (cd "$modules" && npm install --no-audit --no-fund --ignore-scripts --silent); then
        rm "$modules/package.json"
        skip "the npm packages cannot be installed"
    fi
fi
rm -rf "$artifacts"
node tests/browser/pages.mjs "$(browser)" "$modules" "$pages" "$artifacts"
echo "test-pages: screenshots and PDFs are in $artifacts"
