#!/usr/bin/env bash
# Packs a built binary under the name that action.yml and `cargo binstall` expect, together with its checksum.
#
#   scripts/pack.sh TARGET FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

target=$1
folder=$2
name=friskey-$target.tar.gz
binary=friskey
case $target in *-windows-*) binary=friskey.exe ;; esac

mkdir -p "$folder/pack"
cp "target/$target/release/$binary" LICENSE-MIT LICENSE-APACHE README.md "$folder/pack/"
tar -czf "$folder/$name" -C "$folder/pack" "$binary" LICENSE-MIT LICENSE-APACHE README.md
rm -r "$folder/pack"
cd "$folder"
if command -v sha256sum >/dev/null; then sha256sum "$name"; else shasum -a 256 "$name"; fi >"$name.sha256"
