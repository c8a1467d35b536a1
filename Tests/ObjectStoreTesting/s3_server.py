"""An S3 server for tests: moto's, which keeps buckets in memory, behind faults that a test asks for.

It prints the port that it listens on, then answers each line of JSON on its standard input with one on its standard
output, and ends with its input, so that a test that dies leaves no server behind. A line names a bucket and what to do:

{"bucket": NAME, "do": "make"}
{"bucket": NAME, "do": "make-google"}                     in a server of Google Cloud Storage's, without faults, which
                                                          tells nothing of buckets: its port
{"bucket": NAME, "do": "fill", "prefix": PREFIX, "count": N}   objects of one byte, their names five digits
{"bucket": NAME, "do": "spoil", "faults": [FAULT, ...]}   in place of those before; a request meets the first that fits
{"bucket": NAME, "do": "remove", "key": KEY}
{"bucket": NAME, "do": "objects"}                         {key: size}
{"bucket": NAME, "do": "uploads"}                         the keys of unfinished uploads
{"bucket": NAME, "do": "requests"}                        ["METHOD key?query", ...] since it was last asked

A fault: {"method", "key", "query": parts that must occur; "times": how often, forever unless given; "do": what}, where
what is  status (with "status" and S3's "code")  slow ("seconds" before the answer)  refuse-key (unless the request is
signed by "access_key")  cut-request (after "bytes" of the body)  cut-answer (half of the answer's body)
lose-answer (done, and the connection cut before the answer).
"""
import collections
import functools
import http
import json
import logging
import socket
import sys
import threading
import time
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Cut(ConnectionError):
    """The connection is gone; nothing is to be answered."""


class Faulty:
    def __init__(self, application):
        self.application = application
        self.lock = threading.Lock()
        self.faults = collections.defaultdict(list)
        self.requests = collections.defaultdict(list)

    def next_fault(self, environ):
        _, bucket, key = (environ["PATH_INFO"] + "/").split("/", 2)
        method, key, query = environ["REQUEST_METHOD"], key.removesuffix("/"), environ["QUERY_STRING"]
        with self.lock:
            self.requests[bucket].append(f"{method} {key}" + (f"?{query}" if query else ""))
            for fault in self.faults[bucket]:
                if fault.get("times", 1) <= 0 or fault.get("method", method) != method:
                    continue
                if fault.get("key", "") not in key or fault.get("query", "") not in query:
                    continue
                if fault["do"] == "refuse-key" and is_signed_by(fault["access_key"], environ):
                    continue
                if "times" in fault:
                    fault["times"] -= 1
                return fault
        return None

    def __call__(self, environ, start_response):
        fault = self.next_fault(environ) if "HTTP_X_TEST" not in environ else None
        match (fault or {}).get("do"):
            case "slow":
                time.sleep(fault["seconds"])
            case "status":
                return refusal(environ, start_response, fault["status"], fault["code"])
            case "refuse-key":
                return refusal(environ, start_response, 403, "InvalidAccessKeyId")
            case "cut-request":
                environ["wsgi.input"].read(fault["bytes"])
                cut(environ)
            case "cut-answer":
                return self.half_an_answer(environ, start_response)
            case "lose-answer":
                b"".join(self.application(environ, lambda *_: None))
                cut(environ)
        return self.application(environ, start_response)

    def half_an_answer(self, environ, start_response):
        body = b"".join(self.application(environ, start_response))
        yield body[: len(body) // 2]
        cut(environ)


def is_signed_by(access_key, environ):
    return f"Credential={access_key}/" in environ.get("HTTP_AUTHORIZATION", "")


def cut(environ):
    connection = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    raise Cut


def refusal(environ, start_response, status, code):
    drain(environ)
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>asked for by a test</Message></Error>"
    start_response(f"{status} {code}", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body.encode()] if environ["REQUEST_METHOD"] != "HEAD" else []


def drain(environ):
    """A connection that is kept goes on behind the body."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    while length > 0 and (block := environ["wsgi.input"].read(min(length, 1 << 16))):
        length -= len(block)


class Handler(WSGIRequestHandler):
    def connection_dropped(self, error, environ=None):
        self.close_connection = True

    def log(self, *_):
        pass


def asked(port, method, path, body=None):
    headers = {"X-Test": "1", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def refuse(_, response, *__, **___):
    response.status = http.HTTPStatus.FORBIDDEN


@functools.cache
def google_port():
    from gcp_storage_emulator.handlers import buckets

    # Before the server takes its routes from it: nobody has the right storage.buckets.get, and all have those to objects.
    buckets.get = refuse
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True)
    server._api.daemon = True
    server.start()
    return server._api._httpd.server_port


def objects(port, bucket):
    found, after = {}, ""
    while True:
        page = ElementTree.fromstring(asked(port, "GET", f"/{bucket}?list-type=2&start-after={urllib.parse.quote(after)}"))
        contents = page.findall(f"{NAMESPACE}Contents")
        for content in contents:
            after = content.findtext(f"{NAMESPACE}Key")
            found[after] = int(content.findtext(f"{NAMESPACE}Size"))
        if page.findtext(f"{NAMESPACE}IsTruncated") != "true":
            return found


def answer(application, port, command):
    bucket = command["bucket"]
    match command["do"]:
        case "make":
            asked(port, "PUT", f"/{bucket}")
            return True
        case "make-google":
            google = google_port()
            asked(google, "POST", "/storage/v1/b?project=tests", json.dumps({"name": bucket}).encode())
            return google
        case "fill":
            backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
            for number in range(command["count"]):
                backend.put_object(bucket, f"{command['prefix']}{number:05}", b"x")
            return True
        case "spoil":
            with application.lock:
                application.faults[bucket] = command["faults"]
            return True
        case "remove":
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].delete_object(bucket, command["key"])
            return True
        case "objects":
            return objects(port, bucket)
        case "uploads":
            page = ElementTree.fromstring(asked(port, "GET", f"/{bucket}?uploads"))
            return [key.text for key in page.iter() if key.tag.removeprefix(NAMESPACE) == "Key"]
        case "requests":
            with application.lock:
                return application.requests.pop(bucket, [])
    raise ValueError(command)


def main():
    logging.disable()
    application = Faulty(DomainDispatcherApplication(create_backend_app))
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(application, server.port, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
