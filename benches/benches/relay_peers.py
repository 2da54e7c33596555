"""What does Rotel take for a record, from OTLP JSON in to OTLP out?

Run: python3 benches/benches/relay_peers.py [VENV]

Makes a virtual environment (in VENV, else a temporary directory), installs Rotel in it, and sends the records of
relay.rs through it to a server that takes everything: batches of 100 over eight connections, not compressed. Prints the
CPU of Rotel's process a record. It checks no token, redacts nothing, keeps nothing on disk and knows no duplicates.
"""

import http.client
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import venv

RECORDS = 100
CONNECTIONS = 8
SECONDS = 10


def record(n):
    values = {"http_status": 200, "part": n}
    attributes = [{"key": key, "value": {"intValue": str(value)}} for key, value in values.items()]
    attributes.append({"key": "elapsed_ms", "value": {"doubleValue": n + 0.25}})
    attributes.append({"key": "retried", "value": {"boolValue": False}})
    texts = {"route": "/api/v1/surveys", "region": "eu-central", "peer": "depot-7", "code.filepath": "src/sync.rs"}
    attributes += [{"key": key, "value": {"stringValue": value}} for key, value in texts.items()]
    return {
        "timeUnixNano": "1770379200000000000",
        "severityNumber": 9,
        "severityText": "INFO",
        "body": {"stringValue": f"uploaded part {n} of the survey to the depot, all well"},
        "attributes": attributes,
    }


def body():
    logs = [record(n) for n in range(RECORDS)]
    scope = {"scope": {"name": "app::sync::upload"}, "logRecords": logs}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "app"}}]}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}).encode()


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    received = 0

    def do_POST(self):
        Sink.received += len(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(port, until, sent):
    connection, payload = http.client.HTTPConnection("127.0.0.1", port), body()
    while time.monotonic() < until:
        connection.request("POST", "/v1/logs", payload, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            sent.append(RECORDS)


def wait_for(port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
    sys.exit("Rotel does not listen")


def measure(agent):
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    port, grpc = free_port(), free_port()
    arguments = ["start", "--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"]
    arguments += ["--exporter", "otlp", "--otlp-exporter-protocol", "http"]
    arguments += ["--otlp-exporter-endpoint", f"http://127.0.0.1:{sink.server_port}"]
    rotel = subprocess.Popen([agent, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        before, sent, until = cpu_seconds(rotel.pid), [], time.monotonic() + SECONDS
        clients = [threading.Thread(target=load, args=(port, until, sent)) for _ in range(CONNECTIONS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        # What it still has to send is a part of its work.
        time.sleep(3)
        micros = (cpu_seconds(rotel.pid) - before) * 1e6 / max(sum(sent), 1)
        print(f"rotel: {sum(sent)} records of {len(body()) // RECORDS} B, {Sink.received >> 20} MiB out, {micros:.2f} us CPU a record")
    finally:
        rotel.kill()


def main(folder):
    venv.create(folder, with_pip=True)
    python = str(pathlib.Path(folder) / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "rotel"], check=True)
    found = [str(path) for path in pathlib.Path(folder).rglob("rotel-agent") if os.access(path, os.X_OK)]
    if not found:
        sys.exit("the package has no rotel-agent for this machine")
    measure(found[0])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(folder)
