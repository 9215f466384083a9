"""Runs a Dockerfile's steps in bare Debian trees where no container engine is at hand (root only).

Knows what our Dockerfile uses: FROM, RUN, COPY (from the context or a stage), ENV, WORKDIR, USER,
HEALTHCHECK, ENTRYPOINT, CMD. A tree is made with debootstrap and entered with chroot.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

_INSTALLERS = ("/etc/pip.conf", "/etc/resolv.conf", "/etc/hosts")
_AUTHORITIES = "/etc/authorities.crt"


@dataclass
class Stage:
    """One FROM: its tree and what later instructions have set."""

    tree: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


class Container:
    """The image's command, running in the last stage's tree."""

    def __init__(self, stage: Stage, log: Path) -> None:
        self._stage, self._log = stage, log
        self.exit_code: int | None = None
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                self._inside([*stage.entrypoint, *stage.command]),
                stdout=output,
                stderr=output,
                env=_environment(stage),
            )

    @property
    def user(self) -> tuple[int, int]:
        """Real user and group of the main process."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        uid, gid = (re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE) for name in ("Uid", "Gid"))
        assert uid is not None
        assert gid is not None
        return int(uid[1]), int(gid[1])

    def healthy(self) -> bool:
        """What HEALTHCHECK says."""
        done = subprocess.run(
            self._inside(self._stage.health), env=_environment(self._stage), capture_output=True, check=False
        )
        return done.returncode == 0

    def stop(self) -> None:
        """As `docker stop` does."""
        self._process.send_signal(signal.SIGTERM)
        self.exit_code = self._process.wait(60)

    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text(errors="replace")[-4000:]

    def _inside(self, command: list[str]) -> list[str]:
        entered = 'cd "$0" && exec "$@"'
        stage = self._stage
        return ["chroot", f"--userspec={stage.user}", str(stage.tree), "sh", "-c", entered, stage.folder, *command]


class Build:
    """One `docker build` without an engine."""

    def __init__(self, dockerfile: Path, work: Path) -> None:
        self._dockerfile, self._work = dockerfile, work
        self._base = work / "base"
        self._stages: dict[str, Stage] = {}
        self._mounted: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        for place in reversed(self._mounted):
            subprocess.run(["umount", "-l", str(place)], check=False)

    def run(self) -> None:
        """Run every instruction in order."""
        stage: Stage | None = None
        for instruction, rest in _instructions(self._dockerfile.read_text()):
            if instruction == "FROM":
                stage = self._from(rest)
            elif stage is not None:
                self._step(stage, instruction, rest)

    @contextlib.contextmanager
    def container(self) -> Iterator[Container]:
        """Run ENTRYPOINT and CMD of the last stage; stopped at the end of the block."""
        container = Container(list(self._stages.values())[-1], self._work / "container.log")
        try:
            yield container
        finally:
            container.stop()

    def processes(self) -> list[int]:
        """Processes whose root is one of the trees."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdecimal() and str(self._work) in str((entry / "root").readlink()):
                    found.append(int(entry.name))
        return found

    def _from(self, rest: str) -> Stage:
        image, _, name = rest.partition(" AS ")
        release = re.fullmatch(r"debian:(\w+)-slim", image.strip())
        assert release, f"only Debian's slim images are known here, not {image}"
        if not self._base.exists():
            self._make_base(release[1])
        tree = self._work / f"stage{len(self._stages)}"
        subprocess.run(["cp", "-a", f"{self._base}/.", str(tree)], check=True)
        tree.chmod(0o755)
        # debootstrap has made the few devices a program needs; the machine's own are never mounted
        # into a folder that somebody will delete.
        subprocess.run(["mount", "-t", "proc", "proc", str(tree / "proc")], check=True)
        self._mounted.append(tree / "proc")
        stage = Stage(tree)
        self._stages[name.strip() or tree.name] = stage
        return stage

    def _make_base(self, release: str) -> None:
        """A minimal Debian that reaches the same package registries as this machine."""
        targets = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=True
        )
        mirror = next(line for line in sorted(set(targets.stdout.split())) if line.endswith("/debian/"))
        subprocess.run(["debootstrap", "--variant=minbase", release, str(self._base), mirror], check=True)
        sources = self._base / "etc/apt"
        shutil.rmtree(sources / "sources.list.d")
        shutil.copytree("/etc/apt/sources.list.d", sources / "sources.list.d")
        (sources / "sources.list").write_text("")
        for path in Path("/etc/apt/apt.conf.d").glob("99*"):
            shutil.copy(path, sources / "apt.conf.d")
        for name in filter(os.path.exists, _INSTALLERS):
            shutil.copy(name, self._base / name.lstrip("/"))
        # Apart from the system's own, which the package ca-certificates writes anew when it is installed.
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", self._base / _AUTHORITIES.lstrip("/"))

    def _step(self, stage: Stage, instruction: str, rest: str) -> None:
        match instruction:
            case "RUN":
                command = ["chroot", str(stage.tree), "sh", "-c", f"cd {shlex.quote(stage.folder)} && {rest}"]
                subprocess.run(command, env=_environment(stage), check=True)
            case "COPY":
                self._copy(stage, shlex.split(rest))
            case "ENV":
                for pair in shlex.split(rest):
                    name, _, value = pair.partition("=")
                    stage.environment[name] = value
            case "WORKDIR":
                stage.folder = rest
                (stage.tree / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                stage.user = rest
            case "ENTRYPOINT":
                stage.entrypoint = json.loads(rest)
            case "CMD":
                stage.command = json.loads(rest)
            case "HEALTHCHECK":
                stage.health = json.loads(rest[rest.index("[") :])
            case "EXPOSE" | "VOLUME":
                pass
            case _:
                raise NotImplementedError(f"{instruction} is not known here")

    def _copy(self, stage: Stage, arguments: list[str]) -> None:
        root = self._dockerfile.parent
        if arguments[0].startswith("--from="):
            root = self._stages[arguments.pop(0).removeprefix("--from=")].tree
        *named, target = arguments
        place = stage.tree / target.lstrip("/") if target.startswith("/") else stage.tree / stage.folder[1:] / target
        for name in named:
            source = root / name.lstrip("/")
            inside = place / source.name if target.endswith("/") else place
            inside.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                skipped = shutil.ignore_patterns("__pycache__", "node_modules")
                shutil.copytree(source, inside, symlinks=True, dirs_exist_ok=True, ignore=skipped)
            else:
                shutil.copy(source, inside)


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Instructions with their arguments, continuation lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            instruction, _, rest = line.strip().partition(" ")
            yield instruction.upper(), rest.strip()


def _environment(stage: Stage) -> dict[str, str]:
    """What a build passes on: the image's own variables, and how this machine's installers reach a registry."""
    passed = re.compile(r"(?i)(PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST)|https?_proxy|no_proxy)")
    ours = {name: value for name, value in os.environ.items() if passed.fullmatch(name)}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    ours |= {"PIP_CERT": _AUTHORITIES, "DEBIAN_FRONTEND": "noninteractive"}
    return {"PATH": path, "HOME": "/root", **ours, **stage.environment}
