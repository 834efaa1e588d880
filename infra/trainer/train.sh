#!/usr/bin/env bash
# Trains on a rented machine, from buckets and to them. The user data of infra/aws/trainer.yaml and the startup script of
# infra/gcp/trainer.tf fetch the run's source, run this, and turn the machine off after it, however it ended.
#
# In the environment:
#   RUN            name of the run; everything of it is in $MODELS/runs/$RUN
#   MODELS         bucket of the registry, s3://... or gs://...
#   RECIPE         what to train: the name of a recipe, or a file of the source
#   DATA           folder of labelled pictures, s3://... or gs://...; empty: strips are drawn
#   MODEL          name of the model in the registry; empty: the recipe's
#   TRAIN_OPTIONS  more for `steel-defect train`, separated by spaces
#   MAX_MINUTES    from the first machine's begin to the last one's end
#   LOG            file that the output goes to
#
# In $MODELS/runs/$RUN:
#   source.bundle  the commit, put there by whoever started the run
#   begun          when the first machine began, in seconds since 1970
#   run/           the run's folder, kept up to date; where a machine is taken away, the next one goes on from it
#   logs/          a log for each machine
#   outcome.json   how it ended; a run that has one is not begun again
#
# Exit status: 0 published, 75 the machine is taken away, 124 out of time, any other: failed.
set -euo pipefail
readonly TAKEN_AWAY=75 OUT_OF_TIME=124
cd "$(dirname "$0")/../.."

say() { printf '%s trainer: %s\n' "$(date -u +%FT%TZ)" "$*"; }

case $MODELS in
    s3://*) cloud=aws ;;
    gs://*) cloud=google ;;
    *) say "MODELS is s3://BUCKET or gs://BUCKET, not '$MODELS'" && exit 2 ;;
esac
# shellcheck source=infra/trainer/aws.sh
. "infra/trainer/$cloud.sh"

# A shutdown of the machine is told to everything on it. Whoever is in the middle of a transfer finishes it first.
told_to_end=false
trap 'told_to_end=true' TERM

state=$(mktemp --directory)
readonly state bucket=$MODELS/runs/$RUN folder=runs/$RUN
mkdir -p "$folder"

step() { # NAME: is written into the outcome
    say "$1"
    echo "$1" >"$state/step"
}

# What a user would do at home, in a process group of its own.
work() {
    local options
    read -r -a options <<<"$TRAIN_OPTIONS"
    step install
    command -v uv >/dev/null ||
        curl --silent --show-error --fail --location https://astral.sh/uv/0.13.9/install.sh | UV_INSTALL_DIR=/usr/local/bin sh
    uv sync --locked --quiet --extra trainer --python 3.11
    step data
    if [ -n "$DATA" ]; then
        mkdir -p data
        mirror "$DATA" data
    fi
    step train
    # Without a GPU it ends here, instead of taking days on what was rented for its GPU.
    uv run --no-sync steel-defect train "$RECIPE" ${DATA:+data} --output "$folder" --device cuda "${options[@]}"
    step evaluate
    uv run --no-sync steel-defect evaluate "$folder"
    step export
    uv run --no-sync steel-defect export "$folder" ${MODEL:+--name "$MODEL"}
    step publish
    uv run --no-sync steel-defect publish "$folder/model.onnx" --registry "$MODELS" --who "run $RUN" | tee "$state/model"
}

# The run's folder and the log, into the bucket. From a copy: an upload reads a file in pieces, and training may replace
# the file between two of them.
copy() { rm -rf "$state/copy" && cp -a "$folder" "$state/copy"; }
save() {
    # Once more where a file went away under it.
    if ! { copy || copy; } || ! mirror "$state/copy" "$bucket/run"; then
        say "the run's folder could not be saved"
    fi
    put "$LOG" "$bucket/logs/${LOG##*/}" || say "the log could not be shipped"
}

stop_work() {
    kill -TERM -- "-$job" 2>/dev/null || true
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        kill -0 -- "-$job" 2>/dev/null || return 0
        sleep 0.5
    done
    kill -KILL -- "-$job" 2>/dev/null || true
}

leave() { # goes on elsewhere
    say "this machine is taken away; another one goes on"
    stop_work
    save
    exit "$TAKEN_AWAY"
}

conclude() { # OUTCOME STATUS
    say "$1, at the step '$(cat "$state/step")', status $2"
    save
    printf '{"outcome": "%s", "step": "%s", "exit_status": %d, "model": "%s", "commit": "%s", "ended": "%s"}\n' \
        "$1" "$(cat "$state/step")" "$2" "$(cat "$state/model" 2>/dev/null || true)" "$(git rev-parse HEAD)" \
        "$(date -u +%FT%TZ)" >"$state/outcome.json"
    put "$state/outcome.json" "$bucket/outcome.json"
    exit "$2"
}

found=$(names "$bucket")
if grep --quiet --line-regexp outcome.json <<<"$found"; then
    say "the run $RUN has ended: $bucket/outcome.json says how; give a new run another name, or delete outcome.json" \
        "and begun to go on with this one"
    exit 1
fi
if grep --quiet --line-regexp begun <<<"$found"; then
    get "$bucket/begun" "$state/begun"
else
    date +%s >"$state/begun"
    put "$state/begun" "$bucket/begun"
fi
deadline=$(($(cat "$state/begun") + MAX_MINUTES * 60))
if grep --quiet --line-regexp run/ <<<"$found"; then
    say "going on with what another machine left"
    mirror "$bucket/run" "$folder"
fi

echo begin >"$state/step"
set -m
work </dev/null &
job=$!
set +m
saved=$SECONDS
while kill -0 "$job" 2>/dev/null; do
    sleep 3 &
    wait $! || true # unlike sleep itself, ends when told to
    if $told_to_end || taken_away; then
        leave
    elif [ "$(date +%s)" -ge "$deadline" ]; then
        stop_work
        conclude "out of time" "$OUT_OF_TIME"
    elif [ $((SECONDS - saved)) -ge 180 ]; then
        save
        saved=$SECONDS
    fi
done
status=0
wait "$job" || status=$?
if [ "$status" -eq 0 ]; then
    conclude published 0
elif $told_to_end || taken_away; then
    leave # the machine's shutdown ended the work first
else
    conclude failed "$status"
fi
