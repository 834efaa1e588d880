# shellcheck shell=bash
# What train.sh asks of the cloud, on AWS. A failure is the caller's to judge.

get() { timeout 600 aws s3 cp --only-show-errors "$1" "$2"; } # OBJECT FILE
put() { timeout 600 aws s3 cp --only-show-errors "$1" "$2"; } # FILE OBJECT

# FOLDER FOLDER, one of them in the bucket. What a writer has not finished (trainer/steel_defect_trainer/files.py) stays out.
mirror() { timeout 7200 aws s3 sync --only-show-errors --exclude '*.partial' "$1" "$2"; }

names() { aws s3 ls "$1/" | awk '{ print $NF }'; } # FOLDER: what is in it, a folder with / at its end

# Whether this spot machine will be taken away: told two minutes before.
taken_away() {
    local metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest token
    token=$(curl --silent --fail --max-time 2 --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
        "$metadata/api/token") || return 1
    curl --silent --fail --max-time 2 --output /dev/null --header "X-aws-ec2-metadata-token: $token" \
        "$metadata/meta-data/spot/instance-action"
}
