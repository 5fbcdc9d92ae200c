#!/bin/bash
#SBATCH --job-name=friskey-fleet
#SBATCH --array=0-1
#SBATCH --requeue
# Audits one shard of the plan fleet.json for each task of the array. The plan, the mirrors and the results must be on a
# file system that all nodes share.
friskey fleet audit fleet.json --state results --shard auto
status=$?
# Status 1 means that a key was found. That is not a failure of the job.
[ "$status" -eq 1 ] || exit "$status"
