"""Scanning on a Ray cluster: one worker against two, what a death costs, and whether the driver's memory stays flat.

Two raylets run on this machine, each with one core: what is measured is our seam and Ray's, not a network. Writes
`cluster.json` into --out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from assay.detect.scan import files_below
from assay.eval.checkout import commit
from assay.eval.executor import Done, Inline
from assay.provenance.trust import Trust
from assay.service.cluster import Need, RayExecutor
from assay.service.scanning import Wanted, scan_many
from assay.service.work import PING


def scanned(paths: list[Path], workers: Any) -> dict[str, Any]:  # noqa: ANN401
    """Scan `paths`; return files a second over all but the first few, which start the workers."""
    began, first, seen = time.perf_counter(), 0.0, Counter[str]()
    warm = max(4, len(paths) // 10)
    for count, (answer, _) in enumerate(scan_many(paths, Wanted(trust=Trust()), workers), 1):
        seen[answer["path"]] += 1
        if count == warm:
            first = time.perf_counter()
    rate = (len(paths) - warm) / (time.perf_counter() - first)
    every = {str(path.absolute()) for path in paths}
    return {
        "files": len(paths),
        "files a second, warm": round(rate, 3),
        "seconds in all": round(time.perf_counter() - began, 1),
        "each answered once": set(seen) == every and set(seen.values()) == {1},
    }


def deaths(machines: Any, second: Any, count: int) -> dict[str, Any]:  # noqa: ANN401
    """Kill a worker at a quarter and a machine at half of `count` short pieces."""
    seen: Counter[int] = Counter()
    processes = set()
    began = time.perf_counter()
    work = ({"number": number, "seconds": 0.01} for number in range(count))
    for done, answer in enumerate(RayExecutor(machines.address).map_unordered(PING, work), 1):
        if not isinstance(answer, Done):
            raise SystemExit(f"lost: {answer}")
        seen[answer.result["number"]] += 1
        processes.add(answer.result["process"])
        if done == count // 4:
            os.kill(answer.result["process"], signal.SIGKILL)
        if done == count // 2:
            os.kill(second.all_processes["raylet"][0].process.pid, signal.SIGKILL)
    return {
        "pieces": count,
        "each answered once": set(seen) == set(range(count)) and set(seen.values()) == {1},
        "processes that answered": len(processes),
        "seconds": round(time.perf_counter() - began, 1),
    }


def memory(machines: Any, count: int) -> dict[str, Any]:  # noqa: ANN401
    """Hand out `count` pieces that do nothing; return the driver's memory as it goes."""

    def work() -> Iterator[dict[str, Any]]:
        for number in range(count):
            yield {"number": number, "path": f"/media/inbox/{number:012d}.jpg"}

    grown: list[dict[str, float]] = []
    began = time.perf_counter()
    for done, _ in enumerate(RayExecutor(machines.address).map_unordered(PING, work()), 1):
        if done % (count // 10) == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            grown.append({"pieces": done, "MiB": round(pages * resource.getpagesize() / 2**20, 1)})
    return {"pieces a second": round(count / (time.perf_counter() - began)), "driver": grown}


def main() -> None:
    """Run the comparison and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, required=True, help="folder of media to scan")
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--pieces", type=int, default=100_000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    from ray.cluster_utils import Cluster

    paths = [path for path in files_below([options.media]) if path.suffix != ".csv"][: options.files]
    result: dict[str, Any] = {"commit": commit(), "load": os.getloadavg(), "cores": os.cpu_count()}
    result["one process, no Ray"] = scanned(paths, Inline())
    machines = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = machines.add_node(num_cpus=1)
    for count in (1, 2):
        workers = RayExecutor(machines.address, need=Need(workers=count))
        result[f"Ray, {count} worker{'s' * (count > 1)}"] = scanned(paths, workers)
    one, two = (result[name]["files a second, warm"] for name in ("Ray, 1 worker", "Ray, 2 workers"))
    result["2 workers over 1"] = round(two / one, 2)
    result["10 million files, core hours"] = round(1e7 / one / 3600)
    result["memory"] = memory(machines, options.pieces)
    result["deaths"] = deaths(machines, second, 1000)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "cluster.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
