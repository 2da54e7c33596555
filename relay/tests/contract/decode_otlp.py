"""Decodes an OTLP logs request with the official package and prints it as JSON lines, one log record each.

It shares no code with the relay: what it reads is what any backend would. Usage: decode_otlp.py FILE
"""

import json
import sys

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    if kind == "kvlist_value":
        return attributes(any_value.kvlist_value.values)
    return getattr(any_value, kind)


def attributes(pairs):
    keys = [pair.key for pair in pairs]
    assert len(keys) == len(set(keys)), f"keys are not unique: {keys}"
    return {pair.key: value(pair.value) for pair in pairs}


def main():
    with open(sys.argv[1], "rb") as file:
        request = ExportLogsServiceRequest.FromString(file.read())
    assert ExportLogsServiceRequest.FromString(request.SerializeToString()) == request, "it encodes again"
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                print(
                    json.dumps(
                        {
                            "resource": attributes(resource_logs.resource.attributes),
                            "scope": scope_logs.scope.name,
                            "time": record.time_unix_nano,
                            "observed": record.observed_time_unix_nano,
                            "severity": [record.severity_number, record.severity_text],
                            "body": value(record.body),
                            "attributes": attributes(record.attributes),
                            "trace": record.trace_id.hex(),
                            "span": record.span_id.hex(),
                        }
                    )
                )


main()
