#!/usr/bin/env bash
# A TPU pod slice from creation to results, with gcloud. docs/training.md walks through.
#
#   export TPU=clicks ZONE=us-central2-b ACCELERATOR=v4-32
#   launch/tpu_pod.sh create          makes the slice and installs the package on all hosts
#   launch/tpu_pod.sh run COMMAND     runs a command on all hosts, --coordinator=auto added
#   launch/tpu_pod.sh keep COMMAND    the same, and makes the slice anew when it is pre-empted
#   launch/tpu_pod.sh delete
#
# COMMAND is one of rclicks-*, with its flags; paths of results are gs://BUCKET/...
# Others: VERSION (image of the hosts), SPOT=1 (cheap, may be pre-empted), PROJECT.
set -euo pipefail

: "${TPU:?name of the slice}" "${ZONE:?zone}"
VERSION=${VERSION:-tpu-ubuntu2204-base}
where=(--zone "$ZONE" ${PROJECT:+--project "$PROJECT"})
sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
vm=(gcloud compute tpus tpu-vm)

on_all() { "${vm[@]}" ssh "$TPU" "${where[@]}" --worker=all --command "$1"; }

create() {
  "${vm[@]}" create "$TPU" "${where[@]}" --version "$VERSION" \
    --accelerator-type "${ACCELERATOR:?such as v4-32}" ${SPOT:+--spot}
  local archive
  archive=$(mktemp --suffix .tar.gz)
  git -C "$sources" archive --format tar.gz --output "$archive" HEAD
  "${vm[@]}" scp "$archive" "$TPU":rclicks_jax.tar.gz "${where[@]}" --worker=all
  rm "$archive"
  on_all 'set -e
    mkdir -p rclicks_jax && tar -xzf rclicks_jax.tar.gz -C rclicks_jax
    sudo apt-get install -y -q python3.11-venv || true
    python3.11 -m venv env || python3 -m venv env
    env/bin/pip install -q -e "./rclicks_jax[gcs,tensorboard]" "jax[tpu]"'
}

run() {
  local command
  command=$(printf '%q ' "$@")
  on_all "env/bin/$command --coordinator=auto"
}

state() { "${vm[@]}" describe "$TPU" "${where[@]}" --format 'value(state)' 2>/dev/null || echo GONE; }

delete() { "${vm[@]}" delete "$TPU" "${where[@]}" --quiet; }

# A command goes on from its last checkpoint or record, so to resume is to run it again.
keep() {
  until run "$@"; do
    case $(state) in
      READY) echo "The command failed on a slice that is up; not pre-empted." >&2; return 1 ;;
      GONE) ;;
      *) delete ;;
    esac
    until create; do sleep "${RETRY_SECONDS:-60}"; done
  done
}

case ${1:-} in
  create | run | keep | delete) "$@" ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
