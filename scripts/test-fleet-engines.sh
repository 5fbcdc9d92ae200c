#!/usr/bin/env bash
# Runs the recipes of docs/fleet.md that can run on one machine, and compares their reports with that of a single run:
# GNU parallel, and Slurm with two nodes. Checks the Kubernetes manifest against its schema.
#
#     scripts/test-fleet-engines.sh FRISKEY [--all]
#
# What is not installed is not tested, and said so; with --all that is a failure. Slurm needs root.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
friskey=$(realpath "${1:?usage: test-fleet-engines.sh FRISKEY [--all]}")
demand=${2:-}
scratch=$(mktemp -d)
daemons=()

finish() {
    local status=$?
    for daemon in "${daemons[@]}"; do kill "$daemon" 2>/dev/null || true; done
    # They write their state when they end.
    for daemon in "${daemons[@]}"; do wait "$daemon" 2>/dev/null || true; done
    if [ "$status" -ne 0 ] && [ -d "$scratch/slurm" ]; then
        tail -n 20 "$scratch"/slurm/*.log "$scratch"/run/slurm-*.out 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT

# Says what is not tested.
missing() {
    echo "not tested: $1"
    if [ "$demand" = --all ]; then exit 1; fi
}

mkdir -p "$scratch/bin" "$scratch/run" "$scratch/home"
cp "$friskey" "$scratch/bin/friskey"
export PATH="$scratch/bin:$PATH" HOME="$scratch/home" GIT_CONFIG_NOSYSTEM=1
cd "$scratch/run"

# Repositories of different sizes; two hold the same key, which is put together here.
git init -q --bare -b main seed.git
git clone -q seed.git work 2>/dev/null
cd work
git config user.name Test && git config user.email test@example.com
for n in $(seq 40); do seq "$n" $((n * 50)) >"file-$((n % 7))"; git add -A; git commit -qm "$n"; done
git push -q origin HEAD:main
part() { head -c 4000 /dev/urandom | base64 -w 0 | tr -dc A-Za-z0-9 | head -c "$1"; }
echo "key = sk-proj-$(part 74)T3BlbkFJ$(part 74)" >config
git add -A && git commit -qm key
cd ..
mkdir mirrors
for n in $(seq 8); do git clone -q --mirror seed.git "mirrors/clean-$n.git"; done
for n in 1 2; do git clone -q --mirror work "mirrors/leak-$n.git"; done
friskey fleet plan mirrors >fleet.json

# The report on some state directories, without its times and the command lines of its audits.
report() {
    friskey fleet report --format json "$@" | sed -E '/^  "audits": \[/,/^  \]/d; /"((elapsed|exposed)_seconds|started)"/d'
}

friskey -q fleet audit fleet.json --state single || [ $? -eq 1 ]
report single >single.json || [ $? -eq 1 ]
grep -q '"status": "findings"' single.json

same_as_single() {
    report results >"$1.json" || [ $? -eq 1 ]
    diff single.json "$1.json"
    rm -rf results
    echo "$1: the same report as a single run's"
}

# The key must not be in any file that was written.
clean_of_keys() {
    friskey -q scan --no-config --no-ignore --exclude mirrors/ --exclude work/ --exclude seed.git/ .
}

if command -v parallel >/dev/null; then
    SHARDS=3 bash "$root/docs/fleet/parallel.sh" 2>parallel.log
    grep -c 'from --shard' parallel.log | grep -qx 3
    same_as_single parallel
else
    missing "GNU parallel is not installed"
fi

# Two nodes, a controller and an authentication service of our own, apart from any on this machine.
slurm() {
    local dir=$scratch/slurm host port=${FRISKEY_TEST_SLURM_PORT:-27002}
    host=$(hostname)
    mkdir -p "$dir/state" "$dir/spool-n1" "$dir/spool-n2"
    chmod 755 "$scratch" "$dir"
    head -c 1024 /dev/urandom >"$dir/munge.key"
    chmod 600 "$dir/munge.key"
    munged --foreground --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munge.pid" \
        --log-file="$dir/munge.log" --seed-file="$dir/munge.seed" >"$dir/munged.log" 2>&1 &
    daemons+=($!)
    cat >"$dir/slurm.conf" <<CONF
ClusterName=friskey
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool-%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/linear
MpiDefault=none
ReturnToService=2
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 2))] CPUs=1
PartitionName=all Nodes=ALL Default=YES State=UP
CONF
    export SLURM_CONF=$dir/slurm.conf
    for _ in $(seq 50); do [ -S "$dir/munge.socket" ] && break; sleep 0.1; done
    slurmctld -D >"$dir/slurmctld.out.log" 2>&1 &
    daemons+=($!)
    for node in n1 n2; do
        slurmd -D -N "$node" >"$dir/slurmd-$node.out.log" 2>&1 &
        daemons+=($!)
    done
    for _ in $(seq 100); do
        [ "$(sinfo -h -t idle -o %D 2>/dev/null | head -n 1)" = 2 ] && break
        sleep 0.2
    done
    timeout 60 sbatch --wait "$root/docs/fleet/slurm.sh"
    cat slurm-*.out >slurm.log
    grep -q 'shard 1/2, from a Slurm job array' slurm.log
    grep -q 'shard 2/2, from a Slurm job array' slurm.log
}

if ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null || ! command -v munged >/dev/null; then
    missing "Slurm (slurmctld, slurmd) and munge are not installed"
elif [ "$(id -u)" -ne 0 ]; then
    missing "Slurm's daemons need root"
else
    slurm
    same_as_single slurm
fi
clean_of_keys

validate=${KUBERNETES_VALIDATE:-kubernetes-validate}
if command -v "$validate" >/dev/null; then
    "$validate" --strict "$root/docs/fleet/kubernetes.yaml"
else
    missing "kubernetes-validate is not installed (\`pip install kubernetes-validate\`)"
fi
