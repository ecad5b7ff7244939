"""Memory and processor time of a stack's containers; for compose.sh.

Arguments: the project's name, for how many seconds, and a file at whose sight it ends sooner. One
line a service: the most memory that was seen, and the processor time, health checks included.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

# Control groups of version 2 and 1, as a container sees its own.
USAGE = (
    "sed -n 's/^usage_usec //p' /sys/fs/cgroup/cpu.stat 2>/dev/null ||"
    " awk '{ print $1 / 1000 }' /sys/fs/cgroup/cpuacct/cpuacct.usage"
)
UNITS = {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}


def docker(*arguments: str) -> list[str]:
    ended = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()


def services(project: str) -> dict[str, str]:
    """Service of each running container."""
    lines = docker(
        "ps", "--filter", f"label=com.docker.compose.project={project}", "--format",
        '{{.Names}} {{.Label "com.docker.compose.service"}}',
    )  # fmt: skip
    return dict(line.split() for line in lines)


def processor_seconds(container: str) -> float:
    return float(docker("exec", container, "sh", "-c", USAGE)[0]) / 1e6


def memory(containers: list[str]) -> dict[str, float]:
    """MiB of each, without what the kernel can take back."""
    lines = map(json.loads, docker("stats", "--no-stream", "--format", "{{json .}}", *containers))
    return {line["Name"]: mebibytes(line["MemUsage"].split(" /")[0]) for line in lines}


def mebibytes(text: str) -> float:
    unit = text.lstrip("0123456789.")
    return float(text.removesuffix(unit)) * UNITS.get(unit, 0)


def main(project: str, seconds: float, until: Path | None = None) -> None:
    names = services(project)
    before = {name: processor_seconds(name) for name in names}
    started, most = time.monotonic(), dict.fromkeys(names, 0.0)
    while time.monotonic() < started + seconds and not (until and until.exists()):
        for name, size in memory(list(names)).items():
            most[name] = max(most[name], size)
        time.sleep(1)
    elapsed = time.monotonic() - started
    print(f"{'service':<11}{'MiB':>7}{'CPU s':>8}{'% of a core':>13}   in {elapsed:.0f} s")
    for name, service in sorted(names.items(), key=lambda pair: -most[pair[0]]):
        used = processor_seconds(name) - before[name]
        print(f"{service:<11}{most[name]:>7.0f}{used:>8.1f}{100 * used / elapsed:>13.1f}")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
