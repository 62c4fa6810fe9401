"""Moto, for as long as whoever started it lives: prints its port, and ends with its standard input."""

import sys

from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer


def list_parts(response, answer=S3Response.list_parts):
    """S3 names its answer otherwise, and clients that parse XML by its names cannot read moto's."""
    status, headers, body = answer(response)
    return status, headers, body.replace("ListPartsResponse", "ListPartsResult")


S3Response.list_parts = list_parts

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
