"""A client in Python, with boto3 where AWS is meant: boto3_client.py API KEY AWS MEDIA ADOPTED PICTURE."""

import hashlib
import sys
import time

import boto3
import requests

api, key, aws, media, adopted, picture = sys.argv[1:]
session = requests.Session()
session.headers["Authorization"] = f"Bearer {key}"
s3 = boto3.client(
    "s3", endpoint_url=aws, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
)
data = open(picture, "rb").read()


def ready(found):
    """The record that it finds, once it is ready."""
    for _ in range(600):
        record = found()
        if record and record["status"] == "ready":
            return record
        time.sleep(0.2)
    sys.exit(f"not ready: {record}")


def look(record):
    """Reads every variant from the bucket itself, as a CDN does."""
    folder = f"v/{record['image_id']}/" if record["visibility"] == "public" else f"p/{record['image_id']}/"
    objects = s3.list_objects_v2(Bucket=media, Prefix=folder)["Contents"]
    assert len(objects) == len(record["variants"]), (objects, record)
    digests = {}
    for entry in objects:
        got = s3.get_object(Bucket=media, Key=entry["Key"])
        assert "immutable" in got["CacheControl"], got
        name, extension = entry["Key"].rsplit("/", 1)[1].split(".")
        digests[name, {"jpg": "jpeg"}.get(extension, extension)] = hashlib.sha256(got["Body"].read()).hexdigest(), got["ContentType"]
    for variant in record["variants"]:
        wanted = variant["sha256"], f"image/{variant['format']}"
        assert digests[variant["name"], variant["format"]] == wanted, (variant, digests)
    return len(objects)


# By the API and a presigned URL.
created = session.post(f"{api}/v1/uploads", json={"content_length": len(data), "content_type": "image/jpeg"})
assert created.status_code == 201, created.text
upload = created.json()["upload"]
put = requests.put(upload["url"], data=data, headers=upload["headers"])
assert put.status_code == 200, put.text
url = created.json()["image_url"]
first = ready(lambda: session.get(url).json())

# By the bucket that is adopted, as an archive of somebody's would.
s3.upload_file(picture, adopted, "from boto3/a picture+.jpg")
listed = lambda: next(
    (r for r in session.get(f"{api}/v1/images").json()["images"] if r.get("filename") == "a picture+.jpg"), None
)
second = ready(listed)
assert first["source"]["sha256"] == second["source"]["sha256"] == hashlib.sha256(data).hexdigest()
print(f"{look(first)} and {look(second)} variants read by boto3 {boto3.__version__}")
