"""MiniStack with what template.yaml needs and it has not. Run as a program, in an environment of its own.

- A Distributed Map gives its batches to `ItemBatcher` and its report to `ResultWriter`, as the Step Functions guide has
  them: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html and, in the same guide,
  input-output-resultwriter.html.
  Everything else of the state machine is MiniStack's.
- CodeDeploy's resources, and alarms by anomaly detection, are taken and do nothing: traffic moves at once.
- Numbers that CloudFormation passes as text, as it does with every parameter, are numbers for a queue's poller.
- S3's events on EventBridge name versions, as in the other tests.
- A queue hides a message for `VISIBILITY_SECONDS`, not for the minutes of the template: a test would wait half an hour
  until a message is dead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ministack import app  # type: ignore[import-untyped]  # ships no types
from ministack.services import s3, stepfunctions  # type: ignore[import-untyped]  # as above
from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]  # as above

# The environment has no project in it; the functions, which have processes of their own, are to find none.
sys.path.append(str(Path(__file__).parents[3]))
from tests.servers import ministack_versions

_run_map = stepfunctions._run_distributed_map  # noqa: SLF001 - MiniStack has no plug-ins
VISIBILITY_SECONDS = "4"


def run_map(state: dict[str, Any], raw_input: Any, effective: Any, *run: Any) -> Any:  # noqa: ANN401 - MiniStack's types
    """A Distributed Map over batches, with its report. `run` is iterator, execution and context."""
    batcher = state.get("ItemBatcher")
    if not batcher:
        return _run_map(state, raw_input, effective, *run)
    _iterator, execution, context = run
    items = stepfunctions._read_map_items(state["ItemReader"], effective, context)  # noqa: SLF001 - as above
    size = batcher["MaxItemsPerBatch"]
    batches = [{"Items": items[start : start + size]} for start in range(0, len(items), size)]
    rest = {name: value for name, value in state.items() if name not in {"ItemReader", "ItemBatcher", "ResultWriter"}}
    outputs, following = _run_map({**rest, "ItemsPath": "$"}, batches, batches, *run)
    return _report(state["ResultWriter"], outputs, execution), following


def _report(writer: dict[str, Any], outputs: list[Any], execution: dict[str, Any]) -> dict[str, Any]:
    assert writer["WriterConfig"] == {"Transformation": "COMPACT", "OutputType": "JSONL"}, writer
    place = writer["Parameters"]
    folder = f"{place['Prefix']}/{execution['name']}"
    lines = "".join(f"{json.dumps(output)}\n" for output in outputs if output is not None)
    results = f"{folder}/SUCCEEDED_0.jsonl"
    _write(place["Bucket"], results, lines)
    files = {"SUCCEEDED": [{"Key": results, "Size": len(lines)}], "FAILED": [], "PENDING": []}
    _write(place["Bucket"], f"{folder}/manifest.json", json.dumps({"ResultFiles": files}))
    return {"ResultWriterDetails": {"Bucket": place["Bucket"], "Key": f"{folder}/manifest.json"}}


def _write(bucket: str, key: str, text: str) -> None:
    status, *_rest = s3._put_object(bucket, key, text.encode(), {})  # noqa: SLF001 - as above
    assert status == 200, (bucket, key, status)


def _nothing(name: str, _properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    return f"{stack}-{name}", {}


def main() -> None:
    """Serve."""
    ministack_versions.add()
    stepfunctions._run_distributed_map = run_map  # noqa: SLF001 - as above
    handlers = provisioners._RESOURCE_HANDLERS  # noqa: SLF001 - as above
    for name in ("Application", "DeploymentGroup"):
        handlers[f"AWS::CodeDeploy::{name}"] = {"create": _nothing, "delete": lambda *_: None}
    make_queue = handlers["AWS::SQS::Queue"]["create"]
    make_mapping = handlers["AWS::Lambda::EventSourceMapping"]["create"]
    make_alarm = handlers["AWS::CloudWatch::Alarm"]["create"]

    def queue(name: str, properties: dict[str, Any], stack: str) -> Any:  # noqa: ANN401 - as above
        if "VisibilityTimeout" in properties:
            properties = {**properties, "VisibilityTimeout": VISIBILITY_SECONDS}
        return make_queue(name, properties, stack)

    def alarm(name: str, properties: dict[str, Any], stack: str) -> Any:  # noqa: ANN401 - as above
        return (_nothing if "Metrics" in properties else make_alarm)(name, properties, stack)

    def mapping(name: str, properties: dict[str, Any], stack: str) -> Any:  # noqa: ANN401 - as above
        scaling = {"MaximumConcurrency": int(properties["ScalingConfig"]["MaximumConcurrency"])}
        return make_mapping(name, {**properties, "ScalingConfig": scaling}, stack)

    handlers["AWS::SQS::Queue"]["create"] = queue
    handlers["AWS::Lambda::EventSourceMapping"]["create"] = mapping
    handlers["AWS::CloudWatch::Alarm"]["create"] = alarm
    app.main()


if __name__ == "__main__":
    main()
