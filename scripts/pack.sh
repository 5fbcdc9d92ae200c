#!/usr/bin/env bash
# Packs a built binary under the name that action.yml and `cargo binstall` expect, together with its checksum.
#
#   scripts/pack.sh TARGET DIR
set -euo pipefail
cd "$(dirname "$0")/.."

target=$1
dir=$2
name=friskey-$target.tar.gz
binary=friskey
case $target in *-windows-*) binary=friskey.exe ;; esac

mkdir -p "$dir/pack"
cp "target/$target/release/$binary" LICENSE-MIT LICENSE-APACHE README.md "$dir/pack/"
tar -czf "$dir/$name" -C "$dir/pack" "$binary" LICENSE-MIT LICENSE-APACHE README.md
rm -r "$dir/pack"
cd "$dir"
if command -v sha256sum >/dev/null; then sha256sum "$name"; else shasum -a 256 "$name"; fi >"$name.sha256"
