"""Takes S3 event notifications, one a line, and opens the objects that they tell of.

Written by the Amazon S3 User Guide's "Event message structure" and its examples alone: it knows nothing of who sends
the events. Prints a JSON object for each object that it found.

usage: s3_events.py PLACE < events
PLACE is a folder that stands for the bucket, or the URL of a server that speaks S3.
"""

import hashlib
import json
import pathlib
import sys
import urllib.parse


def objects(event):
    for record in event["Records"]:
        # "The major version is incremented if Amazon S3 makes a change to the event structure that's not backward
        # compatible."
        if record["eventVersion"].split(".")[0] != "2":
            raise ValueError(f"events of version {record['eventVersion']} are not known")
        if record["eventName"].startswith("ObjectCreated:"):
            yield record["s3"]["bucket"]["name"], record["s3"]["object"]


def content(place, bucket, key):
    if not place.startswith("http"):
        return pathlib.Path(place, key).read_bytes()
    import boto3

    return boto3.client("s3", endpoint_url=place).get_object(Bucket=bucket, Key=key)["Body"].read()


def main(place):
    for line in sys.stdin:
        for bucket, described in objects(json.loads(line)):
            # "The object key name value is URL encoded. For example, "red flower.jpg" becomes "red+flower.jpg"."
            key = urllib.parse.unquote_plus(described["key"], encoding="utf-8")
            found = content(place, bucket, key)
            if len(found) != described["size"]:
                raise ValueError(f"{key} has {len(found)} bytes, not {described['size']}")
            print(json.dumps({
                "bucket": bucket,
                "key": key,
                "size": len(found),
                "eTag": described["eTag"],
                "sequencer": int(described["sequencer"], 16),
                "sha256": hashlib.sha256(found).hexdigest(),
            }))


main(sys.argv[1])
