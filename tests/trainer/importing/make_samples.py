"""Wrote the files in `samples/`, each with the tool or library whose format it is, in an environment of its own.

    uv venv --python 3.11 env && uv pip install --python env/bin/python PACKAGES
    env/bin/python tests/trainer/importing/make_samples.py WHAT

| WHAT | PACKAGES | writes |
|---|---|---|
| `pictures` | numpy, pillow | the drawn pictures |
| `datumaro` | datumaro 1.13.12, opencv | COCO, VOC with masks, YOLO, CVAT, MVTec AD, class folders |
| `labelimg` | lxml, and `libs/` of labelImg 1.8.6 on the path | Pascal VOC and YOLO |
| `cvat` | cvat-sdk 2.80.0, pillow | the runs of a mask, in CVAT's documented XML |
| `lookout` | lookoutvision 0.1.10, moto[s3] 5 | a manifest of classes, by Amazon's own package |
| `label-studio` | label-studio 1.x, which serves on port 8899 | its JSON export |
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SAMPLES = Path(__file__).parent / "samples"
PICTURES = SAMPLES / "pictures"
SIZE = (64, 96)
POLYGON = [10.0, 8.0, 60.0, 12.0, 58.0, 20.0, 9.0, 15.0]
BOX = (32, 32, 64, 48)
RUNS = np.s_[40:44, 5:70]


def runs() -> np.ndarray:
    mask = np.zeros(SIZE, np.bool_)
    mask[RUNS] = True
    mask[41, 20:30] = False
    return mask


def pictures() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(("both", "runs", "box", "clean")):
        coarse = np.random.default_rng(seed).integers(90, 150, (5, 7), dtype=np.uint8)
        pixels = np.asarray(Image.fromarray(coarse).resize(SIZE[::-1], Image.Resampling.BICUBIC)).copy()
        Image.fromarray(pixels).save(PICTURES / f"{name}.png")


def with_datumaro() -> None:
    from datumaro.components.annotation import (
        AnnotationType,
        Bbox,
        Label,
        LabelCategories,
        Mask,
        MaskCategories,
        Polygon,
    )
    from datumaro.components.dataset import Dataset
    from datumaro.components.dataset_base import DatasetItem
    from datumaro.components.media import Image as Picture
    from pycocotools.mask import decode, frPyObjects, merge

    left, top, right, bottom = BOX

    def dataset(kind: str) -> Dataset:
        subset = "test" if kind == "mvtec" else "train"
        scratch, pits = (0, 1) if kind != "background" else (1, 2)
        polygon = Polygon(POLYGON, label=scratch, id=1, group=1)
        box = Bbox(left, top, right - left, bottom - top, label=pits, id=2, group=2)
        mask = Mask(runs(), label=scratch, id=3, group=3)
        ring = merge(frPyObjects([POLYGON], *SIZE))
        drawn_scratch = Mask(decode(ring).astype(bool), label=scratch, id=1, group=1)
        drawn = np.zeros(SIZE, np.bool_)
        drawn[top:bottom, left:right] = True
        if kind == "background":
            of = {"both": [drawn_scratch, Mask(drawn, label=pits, id=2, group=2)], "runs": [mask]}
            of["box"] = [Mask(drawn, label=pits, id=2, group=2)]
        elif kind == "boxes":
            of = {"both": [box], "runs": [], "box": [box]}
        elif kind == "polygons":
            of = {"both": [polygon, box], "runs": [], "box": [box]}
        elif kind == "classes":
            of = {"both": [Label(0)], "runs": [Label(0)], "box": [Label(1)], "clean": [Label(2)]}
        elif kind == "mvtec":
            of = {"both": [Label(0), drawn_scratch], "runs": [Label(0), mask], "box": [Label(1)], "clean": [Label(2)]}
        else:
            of = {"both": [polygon, box], "runs": [mask], "box": [box]}
        names = ["scratch", "pits", *(["good"] if kind in {"classes", "mvtec"} else [])]
        folder_of = (
            {"both": "scratch/", "runs": "scratch/", "box": "pits/", "clean": "good/"} if kind == "mvtec" else {}
        )
        items = [
            DatasetItem(
                id=folder_of.get(name, "") + name,
                subset=subset if name != "clean" else "val" if kind == "polygons" else "train",
                media=Picture.from_file(path=str(PICTURES / f"{name}.png")),
                annotations=of.get(name, []),
            )
            for name in ("both", "runs", "box", "clean")
        ]
        categories = {AnnotationType.label: LabelCategories.from_iterable(names)}
        if kind == "background":
            categories[AnnotationType.label] = LabelCategories.from_iterable(["background", *names])
            colours = {0: (0, 0, 0), 1: (250, 50, 83), 2: (51, 221, 255)}
            categories[AnnotationType.mask] = MaskCategories(colours)
        return Dataset.from_iterable(items, categories=categories)

    def export(kind: str, form: str, folder: str, **options: object) -> None:
        shutil.rmtree(SAMPLES / folder, ignore_errors=True)
        dataset(kind).export(str(SAMPLES / folder), form, **options)

    export("all", "coco_instances", "coco", save_media=False)
    export("background", "voc_segmentation", "masks", save_media=True, label_map="source")
    export("boxes", "voc_detection", "voc", save_media=True)
    export("boxes", "yolo", "yolo", save_media=True)
    export("polygons", "yolo_ultralytics", "yolo-polygons", save_media=True)
    export("polygons", "cvat", "cvat", save_media=True)
    export("mvtec", "mvtec_segmentation", "mvtec", save_media=True)
    export("classes", "imagenet", "class-folders", save_media=True)


def with_labelimg() -> None:
    from libs.pascal_voc_io import PascalVocWriter
    from libs.yolo_io import YOLOWriter

    shutil.rmtree(SAMPLES / "labelimg", ignore_errors=True)
    (SAMPLES / "labelimg" / "voc").mkdir(parents=True)
    (SAMPLES / "labelimg" / "yolo").mkdir(parents=True)
    classes: list[str] = []
    for name, boxes in (
        ("both", [(BOX, "pits"), ((9, 8, 60, 20), "scratch")]),
        ("box", [(BOX, "pits")]),
        ("clean", []),
    ):
        voc = PascalVocWriter("pictures", f"{name}.png", (*SIZE, 1), local_img_path=f"C:\\line\\{name}.png")
        yolo = YOLOWriter("pictures", f"{name}.png", (*SIZE, 1))
        for box, label in boxes:
            voc.add_bnd_box(*box, label, 0)
            yolo.add_bnd_box(*box, label, 0)
        voc.save(str(SAMPLES / "labelimg" / "voc" / f"{name}.xml"))
        yolo.save(class_list=classes, target_file=str(SAMPLES / "labelimg" / "yolo" / f"{name}.txt"))


def with_cvat() -> None:
    from cvat_sdk.masks import encode_mask

    *counts, left, top, right, bottom = encode_mask(runs())
    size = f'width="{SIZE[1]}" height="{SIZE[0]}"'
    polygon = ";".join(f"{x:.2f},{y:.2f}" for x, y in zip(POLYGON[::2], POLYGON[1::2], strict=True))
    (SAMPLES / "cvat-masks.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
        f'  <image id="0" name="both.png" {size}>\n'
        f'    <polygon label="scratch" source="manual" occluded="0" points="{polygon}" z_order="0">\n    </polygon>\n'
        '    <ellipse label="pits" source="manual" occluded="0" cx="48.00" cy="40.00" rx="16.00" ry="8.00">\n'
        "    </ellipse>\n  </image>\n"
        f'  <image id="1" name="runs.png" {size}>\n'
        f'    <mask label="scratch" source="manual" occluded="0" rle="{", ".join(map(str, counts))}" left="{left}" '
        f'top="{top}" width="{right - left + 1}" height="{bottom - top + 1}" z_order="0">\n    </mask>\n  </image>\n'
        f'  <image id="2" name="box.png" {size}>\n'
        '    <polyline label="pits" source="manual" occluded="0" points="1.00,1.00;20.00,20.00" z_order="0">\n'
        "    </polyline>\n  </image>\n"
        f'  <image id="3" name="clean.png" {size}>\n  </image>\n</annotations>\n'
    )


def with_lookout() -> None:
    import boto3
    from lookoutvision.manifest import Manifest
    from moto import mock_aws

    os.environ.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_DEFAULT_REGION="us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="line")
        for label, name in (("normal", "clean"), ("anomaly", "both"), ("anomaly", "runs")):
            boto3.client("s3").put_object(Bucket="line", Key=f"steel/training/{label}/{name}.png", Body=b"-")
        manifest = Manifest(bucket="line", s3_path="steel/", datasets=["training"])
        lines = manifest.generate_manifests()["training"]
    (SAMPLES / "lookout").mkdir(exist_ok=True)
    (SAMPLES / "lookout" / "training.manifest").write_text("".join(lines.values()))


def with_label_studio() -> None:
    import requests
    from label_studio_sdk.converter.brush import mask2rle

    host, token = "http://127.0.0.1:8899", os.environ["LABEL_STUDIO_TOKEN"]
    session = requests.Session()
    session.headers["Authorization"] = f"Token {token}"
    kinds = ("RectangleLabels", "PolygonLabels", "BrushLabels", "EllipseLabels")
    tags = "".join(
        f'<{kind} name="{kind}" toName="image"><Label value="scratch"/><Label value="pits"/></{kind}>' for kind in kinds
    )
    config = f'<View><Image name="image" value="$image"/>{tags}</View>'
    project = session.post(f"{host}/api/projects", json={"title": "steel", "label_config": config}).json()["id"]
    for name in ("both", "runs", "box", "clean"):
        with (PICTURES / f"{name}.png").open("rb") as file:
            session.post(f"{host}/api/projects/{project}/import", files={"file": (f"{name}.png", file, "image/png")})
    tasks = session.get(f"{host}/api/tasks", params={"project": project}).json()
    tasks = tasks["tasks"] if isinstance(tasks, dict) else tasks
    left, top, right, bottom = BOX
    across, down = 100 / SIZE[1], 100 / SIZE[0]
    rectangle = {"x": left * across, "y": top * down, "width": (right - left) * across}
    rectangle |= {"height": (bottom - top) * down, "rotation": 0}
    points = [[x * across, y * down] for x, y in zip(POLYGON[::2], POLYGON[1::2], strict=True)]
    ellipse = {"x": 48 * across, "y": 40 * down, "radiusX": 16 * across, "radiusY": 8 * down, "rotation": 0}
    brush = {"format": "rle", "rle": mask2rle(runs().astype(np.uint8) * 255)}
    shapes = {
        "both": [
            ("PolygonLabels", {"points": points, "closed": True}, "scratch"),
            ("RectangleLabels", rectangle, "pits"),
        ],
        "runs": [("BrushLabels", brush, "scratch")],
        "box": [("EllipseLabels", ellipse, "pits")],
        "clean": [],
    }
    for task in tasks:
        name = next(name for name in shapes if task["data"]["image"].endswith(f"{name}.png"))
        result = [
            {
                "id": f"{name}{number}",
                "type": kind.lower(),
                "from_name": kind,
                "to_name": "image",
                "original_width": SIZE[1],
                "original_height": SIZE[0],
                "image_rotation": 0,
                "value": {**value, kind.lower(): [label]},
            }
            for number, (kind, value, label) in enumerate(shapes[name])
        ]
        session.post(f"{host}/api/tasks/{task['id']}/annotations", json={"result": result}).raise_for_status()
    exported = session.get(f"{host}/api/projects/{project}/export", params={"exportType": "JSON"})
    (SAMPLES / "label-studio.json").write_text(json.dumps(exported.json(), indent=1))


if __name__ == "__main__":
    {
        "pictures": pictures,
        "datumaro": with_datumaro,
        "labelimg": with_labelimg,
        "cvat": with_cvat,
        "lookout": with_lookout,
        "label-studio": with_label_studio,
    }[sys.argv[1]]()
