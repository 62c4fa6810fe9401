"""Moto, for as long as whoever started it lives: prints its port, and ends with its standard input.

With --state it leaves what it holds in a file, and begins with what it finds there, so that it can be started
again. With --tls FOLDER it answers over TLS as well, and keeps connections open, as AWS does and werkzeug else does
not. It prints three ports for that, because AWS's services are three hosts, and leaves in the folder what
vouches for them: own.pem alone, and roots.pem with the system's other certificates.
"""

import copyreg
import pickle
import sys
from argparse import ArgumentParser
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path
from threading import Lock, RLock, Thread, current_thread, local
from threading import enumerate as enumerate_threads
from time import monotonic

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer
from moto.sqs.models import SQSBackend, sqs_backends
from werkzeug.serving import make_server

# Where systems keep their certificates: Debian and Amazon Linux.
ROOTS = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]


class Kept(MotoRequestHandler):
    """One answer after another on a connection; werkzeug's own reads on until its client is gone."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self):
        environ = self.make_environ()
        environ["wsgi.input"] = BytesIO(self.rfile.read(int(self.headers.get("content-length") or 0)))
        head, body = [], []

        def begin(status, headers, _error=None):
            head[:] = [status, headers]
            return body.append

        body.extend(self.server.app(environ, begin))
        status, headers = head
        whole = b"".join(body)
        self.send_response_only(int(status[:3]), status[4:])
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(whole)


def certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    def builder(subject, key):
        now = datetime.now(timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("harness"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2))
        )

    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    own = builder("harness", authority).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    own = own.sign(authority, hashes.SHA256())
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    leaf = builder("localhost", key).add_extension(names, critical=False).sign(authority, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / "own.pem").write_bytes(own.public_bytes(pem))
    system = next((Path(file).read_bytes() for file in ROOTS if Path(file).exists()), b"")
    (folder / "roots.pem").write_bytes(system + own.public_bytes(pem))
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    return folder / "leaf.pem", folder / "key.pem"


def list_parts(response, answer=S3Response.list_parts):
    """S3 names its answer otherwise, and clients that parse XML by its names cannot read moto's."""
    status, headers, body = answer(response)
    return status, headers, body.replace("ListPartsResponse", "ListPartsResult")


S3Response.list_parts = list_parts


def alone(answer, lock=Lock()):
    """DynamoDB writes an item one request after the other; moto's threads see each other's half of it."""

    def answered(handler):
        with lock:
            # What it names is still the item itself.
            return deepcopy(answer(handler))

    return answered


for write in ["put_item", "update_item", "delete_item", "transact_write_items"]:
    setattr(DynamoHandler, write, alone(getattr(DynamoHandler, write)))

sending = local()


def send_message_batch(backend, queue, entries, answer=SQSBackend.send_message_batch):
    """SQS keeps the trace of each entry; moto only that of a message that is sent alone."""
    sending.traces = [entry.get("MessageSystemAttributes") for entry in entries.values()]
    try:
        return answer(backend, queue, entries)
    finally:
        sending.traces = []


def send_message(backend, *arguments, answer=SQSBackend.send_message, **named):
    if getattr(sending, "traces", None):
        named["system_attributes"] = sending.traces.pop(0)
    return answer(backend, *arguments, **named)


SQSBackend.send_message_batch = send_message_batch
SQSBackend.send_message = send_message

# A queue of moto's holds one, and a new one is as good.
copyreg.pickle(type(RLock()), lambda _: (RLock, ()))


def kept() -> list[dict]:
    """All that is kept in this account."""
    account = "123456789012"
    services = [(s3_backends, "aws"), (sqs_backends, "us-east-1"), (dynamodb_backends, "us-east-1")]
    return [vars(service[account][region]) for service, region in services]


def settle(patience: float):
    """Lets what was begun come to its end: what it writes is not to be forgotten."""
    end = monotonic() + patience
    for thread in enumerate_threads():
        if thread is not current_thread():
            thread.join(max(0, end - monotonic()))


parser = ArgumentParser()
parser.add_argument("--tls", type=Path)
parser.add_argument("--state", type=Path)
parser.add_argument("--port", type=int, default=0)
asked = parser.parse_args()
if asked.state and asked.state.exists():
    for now, before in zip(kept(), pickle.loads(asked.state.read_bytes())):
        now.update(before)

server = ThreadedMotoServer(ip_address="127.0.0.1", port=asked.port, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
if asked.tls:
    app = DomainDispatcherApplication(create_backend_app)
    pair = tuple(str(file) for file in certificate(asked.tls))
    for _ in range(3):
        tls = make_server("localhost", 0, app, threaded=True, request_handler=Kept, ssl_context=pair)
        Thread(target=tls.serve_forever, daemon=True).start()
        print(tls.server_address[1], flush=True)
sys.stdin.read()
server.stop()
if asked.state:
    settle(5)
    asked.state.write_bytes(pickle.dumps(kept()))
