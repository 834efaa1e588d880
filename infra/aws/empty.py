"""Deletes buckets that the stack left behind, with every version of every object in them.

    uv run python infra/aws/empty.py BUCKET...

A bucket that keeps versions is not empty when its objects are deleted: `aws s3 rm` leaves all of them.
"""

# ruff: noqa: INP001 - a script, run by its path
from __future__ import annotations

from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session


@click.command()
@click.argument("buckets", nargs=-1, required=True, metavar="BUCKET...")
@click.option("--yes", is_flag=True, help="Do not ask.")
def main(buckets: tuple[str, ...], *, yes: bool) -> None:
    """Delete each BUCKET with all that is in it, for ever. Asks for its name first."""
    s3 = Session().create_client("s3")
    for bucket in buckets:
        try:
            if not yes and click.prompt(f"All of {bucket} is deleted for ever. Its name") != bucket:
                message = f"{bucket} was left as it is"
                raise click.ClickException(message)
            count = empty(s3, bucket)
            s3.delete_bucket(Bucket=bucket)
        except (BotoCoreError, ClientError) as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"{bucket}: deleted, with {count:,} versions of objects")


def empty(s3: Any, bucket: str) -> int:  # noqa: ANN401 - botocore states no types
    """Delete every version and every mark of a deletion, and say how many there were."""
    count = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        if objects:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            for refused in answer.get("Errors", [])[:1]:
                message = f"{refused['Key']} was not deleted: {refused.get('Message', refused['Code'])}"
                raise click.ClickException(message)
        count += len(objects)
    return count


if __name__ == "__main__":
    main()
