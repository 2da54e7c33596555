"""What do Python's redactors take for the lines of sanitize.rs?

Run: python3 benches/benches/sanitize_peers.py [VENV]

Makes a virtual environment (in VENV, else a temporary directory), installs Logfire and Presidio's analyser in it, and
prints nanoseconds a line. Presidio runs its pattern recognisers only, without an NLP engine.
"""

import pathlib
import subprocess
import sys
import tempfile
import timeit
import venv

PACKAGES = ["logfire", "presidio-analyzer"]
CLEAN = [
    "upload of part 3 of 4 finished in 12.5 ms, status 200, retried false, queue depth 17, next flush in 30 s ok",
    "accepted connection, handing it to worker 7; the pool has 12 idle and 4 busy members, none was dropped yet ..",
    "GET /api/v1/rooms/42/messages?page=2&sort=desc took 88 ms and gave 50 rows from the cache of the west side ..",
    "segment seg-0000000000000007.jsonl sealed after 655360 bytes and 1800 records; opening the next one at seq 41",
]
DIRTY = ["login failed for ann.lee@example.com with password=hunter2 on try 3"]


def install(folder):
    venv.create(folder, with_pip=True)
    python = str(pathlib.Path(folder) / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    subprocess.run([python, __file__, "--measure"], check=True)


def nanos(clean, lines):
    rounds = 200
    times = timeit.repeat(lambda: [clean(line) for line in lines], number=rounds, repeat=5)
    return min(times) / rounds / len(lines) * 1e9


def measure():
    rows = [("logfire", logfire()), ("presidio, patterns", presidio())]
    print(f"{'ns a line':<24} {'clean':>12} {'dirty':>12}")
    for name, clean in rows:
        print(f"{name:<24} {nanos(clean, CLEAN):>12.0f} {nanos(clean, DIRTY):>12.0f}")


def logfire():
    from logfire import ScrubbingOptions
    from logfire._internal.scrubbing import Scrubber

    scrubber = Scrubber(ScrubbingOptions().extra_patterns)
    return lambda line: scrubber.scrub_value(("attributes", "text"), line)


def presidio():
    import inspect

    import tldextract
    from presidio_analyzer import PatternRecognizer, predefined_recognizers

    # The e-mail recogniser would fetch a list of domains; the one in the package does.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    recognizers = []
    for _, kind in inspect.getmembers(predefined_recognizers, inspect.isclass):
        if issubclass(kind, PatternRecognizer) and kind is not PatternRecognizer:
            try:
                recognizers.append(kind())
            except (TypeError, ValueError, ImportError):
                continue
    recognizers = [r for r in recognizers if r.supported_language == "en"]
    return lambda line: [r.analyze(line, r.supported_entities) for r in recognizers]


if __name__ == "__main__":
    if "--measure" in sys.argv:
        measure()
    elif len(sys.argv) > 1:
        install(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            install(folder)
