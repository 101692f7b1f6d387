"""A service in another language: signs and verifies with a library that knows nothing of Colorway.

Prints the port of a server that answers each request with what the library says of its signature. Then, for each line of
JSON on stdin, sends a signed request and prints what came back as a line of JSON.
"""

import datetime
import http.client
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)

SECRETS = {key_id: secret.encode() for key_id, secret in json.loads(os.environ["SECRETS"]).items()}


class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        return SECRETS.get(key_id)

    def resolve_private_key(self, key_id):
        return SECRETS[key_id]


class Message:
    def __init__(self, method, url, headers):
        self.method = method
        self.url = url
        self.headers = headers


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        verifier = HTTPMessageVerifier(
            signature_algorithm=algorithms.HMAC_SHA256, key_resolver=Keys()
        )
        message = Message(
            self.command, f"http://{self.headers['host']}{self.path}", self.headers
        )
        try:
            (result,) = verifier.verify(message, max_age=datetime.timedelta(seconds=60))
            told = {
                "label": result.label,
                "covered": {
                    name.strip('"'): value
                    for name, value in result.covered_components.items()
                    if name != '"@signature-params"'
                },
                "parameters": result.parameters,
            }
        except Exception as error:
            told = {"error": str(error)}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def log_message(self, *_):
        pass


def send(asked):
    """Signs a request as it is asked to, changes what an attacker would, and sends it."""
    headers = asked["headers"]
    message = Message(
        asked["method"], f"http://{headers['host']}{asked['target']}", headers
    )
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.HMAC_SHA256, key_resolver=Keys()
    )
    now = datetime.datetime.now(datetime.timezone.utc)

    def at(name):
        seconds = asked.get(name)
        return None if seconds is None else now + datetime.timedelta(seconds=seconds)

    for signature in asked["signatures"]:
        signer.sign(
            message,
            key_id=signature["keyId"],
            created=at("created") or now,
            expires=at("expires"),
            nonce=asked.get("nonce"),
            tag=asked.get("tag"),
            label=signature["label"],
            include_alg=asked.get("includeAlg", True),
            covered_component_ids=signature["covered"],
            append_if_signature_exists=True,
        )
    for name, value in asked.get("changed", {}).items():
        headers[name] = value
    connection = http.client.HTTPConnection("127.0.0.1", asked["port"], timeout=60)
    target = asked.get("sentTarget", asked["target"])
    connection.putrequest(
        asked["method"], target, skip_host=True, skip_accept_encoding=True
    )
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return {"status": response.status, "body": body, "headers": headers}


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_address[1]}), flush=True)
    for line in sys.stdin:
        try:
            told = send(json.loads(line))
        except Exception as error:
            told = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(told), flush=True)


main()
