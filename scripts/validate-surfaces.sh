#!/usr/bin/env bash
# Creates a repository with a key on every kind of surface, and validates the reports on its files, its history
# and the commits of a push against the requirements of their readers.
#
#   scripts/validate-surfaces.sh FRISKEY
set -euo pipefail

friskey=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in $(env | sed -n 's/^\(GIT_[A-Za-z0-9_]*\|GITHUB_[A-Za-z0-9_]*\)=.*/\1/p'); do unset "$name"; done
export HOME=$work GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org

half() { head -c 600 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' | head -c 74; }
key() { printf 'sk-proj-%sT3Blbk''FJ%s' "$(half)" "$(half)"; }

git init -q -b main "$work/r"
cd "$work/r"
key >"a name, with 100% & <odd> ünï.txt"
printf 'x\r\n\t%s\r\ny' "$(key)" >crlf
git add -A
git commit -q -m first
git rm -q crlf
mkdir "$(key)"
echo >"$(echo sk-proj-*)/file"
git add -A
git commit -q -m "message $(key)"
git commit -q --allow-empty -m identity --author="$(key) <a@example.org>"
git tag -a v1 -m "tag $(key)"
git branch "x/$(key)"
git notes add -m "note $(key)"
key >stashed && git add -A && git stash -q
key >amended && git add -A && git commit -q -m amended
echo >amended && git add -A && git commit -q --amend -m amended
key >staged && git add staged
key | git hash-object -w --stdin >/dev/null
git config remote.origin.url "https://x:$(key)@example.org/r.git"
key >.git/hooks/pre-push
mkdir -p .git/lfs/objects/aa && key >.git/lfs/objects/aa/bb
# A staged LFS pointer whose content is in the store, a ref to a blob, and an unknown file in the git directory.
key >"$work/content"
oid=$(sha256sum <"$work/content" | cut -d' ' -f1)
store=.git/lfs/objects/${oid:0:2}/${oid:2:2}
mkdir -p "$store" && cp "$work/content" "$store/$oid"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %s\n' "$oid" "$(wc -c <"$work/content")" >large.bin
git add large.bin
git update-ref refs/blobs/x "$(key | git hash-object -w --stdin)"
mkdir .git/odd && key >.git/odd/index.lock

reports=()
run() {
  local name=$1 status=0 format options=()
  shift
  for format in sarif gitlab junit html; do
    reports+=("$work/$name.$format")
    options+=("--output=$format=$work/$name.$format")
  done
  "$friskey" "$@" "${options[@]}" >"$work/$name.txt" || status=$?
  if [ "$status" -ne 1 ]; then
    cat "$work/$name.txt"
    echo "$name: exited with status $status although there are keys" >&2
    exit 1
  fi
}
run tree scan .
run history history .
run push ci --base HEAD~2
run next staged
run named history --range 'refs/blobs/x --not HEAD'
# Refs and reflogs in reftables, if this git supports them.
if git init -q -b main --ref-format=reftable "$work/t" 2>/dev/null; then
  cd "$work/t"
  git commit -q --allow-empty -m first
  git branch "x/$(key)"
  git update-ref -m "because $(key)" refs/heads/y HEAD
  run tables history .
fi
cd "$here"
"$here/validate-reports.sh" "${reports[@]}"
