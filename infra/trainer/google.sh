# shellcheck shell=bash
# What train.sh asks of the cloud, on Google Cloud. A failure is the caller's to judge.

get() { timeout 600 gcloud storage cp --no-user-output-enabled "$1" "$2"; } # OBJECT FILE
put() { timeout 600 gcloud storage cp --no-user-output-enabled "$1" "$2"; } # FILE OBJECT

# FOLDER FOLDER, one of them in the bucket. What a writer has not finished (trainer/steel_defect_trainer/files.py) stays out.
mirror() {
    timeout 7200 gcloud storage rsync --recursive --no-user-output-enabled --exclude='.*\.partial$' "$1" "$2"
}

names() { gcloud storage ls "$1/" | sed "s|^$1/||"; } # FOLDER: what is in it, a folder with / at its end

# Whether this spot machine will be taken away: told half a minute before.
taken_away() {
    local metadata=http://${GCE_METADATA_HOST:-metadata.google.internal}/computeMetadata/v1
    [ "$(curl --silent --fail --max-time 2 --header 'Metadata-Flavor: Google' "$metadata/instance/preempted")" = TRUE ]
}
