#!/usr/bin/env bash
# Tests the hooks of .pre-commit-hooks.yaml with the real clients, pre-commit and prek, in temporary
# repositories: a clean commit passes, a leak blocks, and nothing is left behind.
#
# Requires Python with pip, git, and a built friskey: scripts/test-hook-clients.sh PATH-OF-FRISKEY [--build]
# With --build, pre-commit also builds friskey from source, as it does for users.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
friskey=$(realpath "$1")
build=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv target/hook-clients
target/hook-clients/bin/pip install --quiet --disable-pip-version-check pre-commit prek
clients=$root/target/hook-clients/bin

export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export HOME=$work/home GIT_CONFIG_NOSYSTEM=1 PRE_COMMIT_HOME=$work/pre-commit PREK_HOME=$work/prek
export CARGO_HOME=${CARGO_HOME:-$(dirname "$(dirname "$(command -v cargo)")")}
export PATH=$clients:$(dirname "$friskey"):$PATH
export CARGO_TARGET_DIR=$root/target
mkdir -p "$HOME"
git config --global user.name Ann
git config --global user.email ann@example.org
git config --global init.defaultBranch main
git config --global protocol.file.allow always

# A random key. No file of this repository contains it.
key() {
    python3 - <<'EOF'
import secrets, string
letters = string.ascii_letters + string.digits
half = lambda: "".join(secrets.choice(letters) for _ in range(74))
print("sk-proj-" + half() + "T3Blbk" + "FJ" + half())
EOF
}

passed=0
check() {
    local what=$1 expected=$2
    shift 2
    local status=0
    "$@" >"$work/out" 2>&1 || status=$?
    if { [ "$expected" = passes ] && [ "$status" -ne 0 ]; } || { [ "$expected" = blocks ] && [ "$status" -eq 0 ]; }; then
        echo "FAILED: $what: status $status, but it $expected"
        cat "$work/out"
        exit 1
    fi
    passed=$((passed + 1))
    echo "ok: $what $expected"
}

# The hooks in a separate repository, at a revision that can be pinned.
hooks=$work/hooks
mkdir "$hooks"
git ls-files -z | xargs -0 cp --parents -t "$hooks" 2>/dev/null || true
git -C "$hooks" init --quiet
git -C "$hooks" add -A -f
git -C "$hooks" commit --quiet -m hooks
revision=$(git -C "$hooks" rev-parse HEAD)

configure() {
    cat >.pre-commit-config.yaml <<EOF
repos:
  - repo: $hooks
    rev: $revision
    hooks:
      - id: $1
EOF
}

client() {
    local client=$1
    mkdir "$work/with-$client"
    cd "$work/with-$client"
    git init --quiet
    configure friskey-system
    echo clean >a.txt
    git add -A
    "$client" install >/dev/null
    "$client" install --hook-type pre-push >/dev/null
    check "$client: a clean commit" passes git commit --quiet -m clean
    key >leak.env
    git add leak.env
    check "$client: a commit with a key" blocks git commit --quiet -m leak
    grep -q 'leak.env:1:1: openai-project-key' "$work/out"
    check "$client: nothing is lost, the key is still staged" passes git diff --cached --quiet --exit-code -- a.txt
    test "$(git diff --cached --name-only)" = leak.env
    # Partially staged: the key is only in the work tree, then only in the index.
    git reset --quiet && rm leak.env
    echo more >>a.txt && git add a.txt && key >>a.txt
    check "$client: a key that is not staged" passes git commit --quiet -m partial
    grep -q sk-proj a.txt
    git add a.txt && echo clean >a.txt
    check "$client: a key that is only staged" blocks git commit --quiet -m staged
    test "$(cat a.txt)" = clean
    git checkout --quiet -f HEAD -- a.txt && git reset --quiet --hard
    # With --all-files, keys in earlier commits block, too.
    check "$client: all files, clean" passes "$client" run --all-files
    key >old.env && git add old.env && git commit --quiet --no-verify -m old
    check "$client: all files, an old key" blocks "$client" run --all-files
    echo x >>a.txt && git add a.txt
    check "$client: a commit beside an old key" passes git commit --quiet -m beside
    # A push adds everything that the remote lacks, even if a later commit removes it.
    git init --quiet --bare ../"$client".git
    git remote add origin ../"$client".git
    git push --quiet --no-verify origin main
    echo y >>a.txt && git commit --quiet -am fine
    check "$client: a clean push" passes git push --quiet origin main
    key >gone.env && git add gone.env && git commit --quiet --no-verify -m in
    git rm --quiet gone.env && git commit --quiet -m out
    check "$client: a push with a key that came and went" blocks git push --quiet origin main
    # The clients pass only the first ref to a hook.
    git checkout --quiet -B clean origin/main && echo c >c.txt && git add c.txt && git commit --quiet -m clean
    git checkout --quiet -B second origin/main && key >second.env && git add second.env
    git commit --quiet --no-verify -m second && git branch --quiet -D main
    check "$client: a push of two refs with a key in the second" blocks git push --quiet origin clean second
    grep -q refs/heads/second "$work/out"
    git checkout --quiet clean && git branch --quiet -D second
    check "$client: a push of a clean ref" passes git push --quiet origin clean
    # On the first push of a whole history, they pass no range.
    git init --quiet --bare ../"$client"-fresh.git
    git remote add fresh ../"$client"-fresh.git
    check "$client: a first push of a history with an old key" blocks git push --quiet fresh clean
    # A merge takes over what the other branch has.
    "$client" install --hook-type pre-merge-commit >/dev/null
    git checkout --quiet -b topic clean~1 && echo t >t.txt && git add t.txt && git commit --quiet -m topic
    git checkout --quiet clean && key >other.env && git add other.env && git commit --quiet --no-verify -m other
    git checkout --quiet topic
    check "$client: a merge of a branch with a key" passes git merge --quiet --no-edit clean
    check "$client: nothing is left behind" passes test -z "$(git status --porcelain | tee /dev/stderr)"
    cd "$root"
}

client pre-commit
client prek

mkdir "$work/try" && cd "$work/try" && git init --quiet
key >leak.env && git add -A
check "pre-commit try-repo" blocks pre-commit try-repo "$hooks" friskey-system
if [ "$build" = --build ]; then
    configure friskey
    check "pre-commit, built from source" blocks pre-commit run
    grep -q 'leak.env:1:1: openai-project-key' "$work/out" || { tail -40 "$work/out"; exit 1; }
fi
cd "$root"
echo "$passed passed, 0 failed"
