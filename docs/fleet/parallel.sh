#!/bin/bash
# Audits the plan fleet.json in SHARDS processes, on this machine or on those of --sshlogin, which must share the directory.
shards=${SHARDS:-4}
# Status 1 means that a key was found. That is not a failure.
seq "$shards" | parallel --jobs "$shards" --retries 3 "$@" \
    "cd $(printf %q "$PWD") || exit 2; friskey fleet audit fleet.json --state results --shard {}/$shards || [ \$? -eq 1 ]"
