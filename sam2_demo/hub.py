"""Weights files from the Hugging Face Hub: found in its cache, or downloaded into it.

huggingface_hub 2.4 drops what it has when a download breaks off, and it cannot bound the time that a dead name
server takes. So the first contact runs under a deadline of its own, and the bytes are fetched here, into the cache
that huggingface_hub keeps: a download that broke off resumes where it stopped, also in another process.
Environment variables of huggingface_hub hold here too: HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_TOKEN.
"""

from __future__ import annotations

import hashlib
import os
import queue
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import WeakFileLock, build_hf_headers, get_session

from sam2_demo.errors import WeightsError
from sam2_demo.official_models import EDGETAM, OFFICIAL_MODELS, RELATED_MODELS

Progress = Callable[[str, "float | None"], None]

FIRST_CONTACT_SECONDS = 5.0  # for a model that a person asked for by name
QUICK_CONTACT_SECONDS = 2.5  # for `auto`, which has another model to fall back on
_STALL_SECONDS = 15.0
_MAX_BARREN_TRIES = 3  # attempts in a row that bring no byte
_CHUNK = 1 << 20
_FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, OSError, EntryNotFoundError, ValueError, RuntimeError)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HINT = "check the connection, or give the path of a local .pt or .safetensors file, or 'embedded'"


class NoSuchFileError(WeightsError):
    """The repository is there and holds none of the files that were asked for."""


class HubUnreachableError(WeightsError):
    """The Hub did not answer, or offline mode is on, and the cache does not hold the file."""


@dataclass(frozen=True)
class _RemoteFile:
    repo_id: str
    filename: str
    url: str
    etag: str
    size: int | None
    headers: dict[str, str]

    @property
    def label(self) -> str:
        return f"{self.filename} of {self.repo_id}"


def split_source(source: str) -> tuple[str, str | None]:
    """OWNER/REPO/FILE -> the repository and the file; OWNER/REPO -> the repository and None."""
    owner, repo, *file = source.split("/", 2)
    return f"{owner}/{repo}", file[0] if file else None


def candidate_files(source: str) -> list[str]:
    """Names under which a repository may hold its weights, in the order they are tried; or the file that is named."""
    repo_id, file = split_source(source)
    if file is not None:
        return [file]
    own = repo_id.partition("/")[2]
    known = [model.variant for model in (*OFFICIAL_MODELS, EDGETAM)]
    names = [own.lower()] if own.lower() in known else [own, *known]
    return ["model.safetensors", *(f"{name.replace('-', '_')}.pt" for name in names)]


def find_cached(source: str) -> Path | None:
    """The weights file that a source names in the local cache, without asking the Hub; None if there is none."""
    repo_id = split_source(source)[0]
    for filename in candidate_files(source):
        found = try_to_load_from_cache(repo_id, filename, cache_dir=constants.HF_HUB_CACHE)
        if isinstance(found, str):
            return Path(found)
    return None


def fetch(source: str, progress: Progress, contact_seconds: float = FIRST_CONTACT_SECONDS) -> Path:
    """The weights file of OWNER/REPO or OWNER/REPO/FILE, from the cache if it is there, else downloaded.

    Raises HubUnreachableError if the Hub does not answer within about `contact_seconds`, WeightsError if it has
    no such repository or file or the download fails. A download that broke off is kept and resumed by the next call.
    """
    cached = find_cached(source)
    if cached is not None:
        return cached
    endpoint = _endpoint()
    if constants.is_offline_mode() or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise HubUnreachableError(
            f"{source} is not in the cache {constants.HF_HUB_CACHE} and HF_HUB_OFFLINE forbids downloading it"
        )
    progress(f"Asking {endpoint} for {source}", None)
    remote = _locate(source, endpoint, contact_seconds)
    return _download(remote, endpoint, progress)


def discard_if_damaged(path: Path) -> bool:
    """Remove a cached file whose content does not match the checksum that names it; True if it was removed."""
    blob = path.resolve()
    if not _SHA256.fullmatch(blob.name) or _sha256(blob) == blob.name:
        return False
    path.unlink()
    blob.unlink(missing_ok=True)
    return True


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def _locate(source: str, endpoint: str, contact_seconds: float) -> _RemoteFile:
    repo_id, names = split_source(source)[0], candidate_files(source)
    for filename in names:
        answer = _within(contact_seconds, partial(_ask, repo_id, filename, endpoint, contact_seconds))
        if isinstance(answer, _RemoteFile):
            return answer
        if isinstance(answer, RepositoryNotFoundError):
            gated = isinstance(answer, GatedRepoError)
            raise WeightsError(
                f"{endpoint} {'asks for access rights to' if gated else 'has no public model'} {repo_id}; accepted: "
                + ", ".join(model.hub_id for model in (*OFFICIAL_MODELS, *RELATED_MODELS))
                + " or a repository of the same layout (set HF_TOKEN for a private one)"
            ) from answer
        if isinstance(answer, EntryNotFoundError) or _status(answer) == 404:
            continue
        reason = f"no answer within {contact_seconds:g} s" if answer is None else _first_line(answer)
        raise HubUnreachableError(
            f"cannot reach {endpoint} for {filename} of {repo_id} ({reason}); {_HINT}"
        ) from answer
    its_files = [model.hub_id for model in RELATED_MODELS if model.hub_id.startswith(f"{repo_id}/")]
    raise NoSuchFileError(
        f"{repo_id} on {endpoint} holds no weights file that is known; accepted: {', '.join(its_files or names)}"
    )


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _status(error: object) -> int | None:
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def _ask(repo_id: str, filename: str, endpoint: str, seconds: float) -> _RemoteFile:
    url = hf_hub_url(repo_id, filename, endpoint=endpoint)
    headers = build_hf_headers()
    metadata = get_hf_file_metadata(url, timeout=seconds, headers=headers, endpoint=endpoint)
    if metadata.etag is None or metadata.commit_hash is None:
        raise OSError("the answer lacks the Hub's headers, so something else answers at this address")
    if httpx2.URL(metadata.location).host != httpx2.URL(url).host:
        headers.pop("authorization", None)
    return _RemoteFile(repo_id, filename, metadata.location, metadata.etag, metadata.size, headers)


def _within(seconds: float, call: Callable[[], _RemoteFile]) -> _RemoteFile | BaseException | None:
    """The call's result or error, or None after `seconds`: name servers and proxies ignore other time limits."""
    answers: queue.SimpleQueue[_RemoteFile | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(call())
        except _FAILURES as error:
            answers.put(error)

    threading.Thread(target=run, name="hub-contact", daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return None


def _download(remote: _RemoteFile, endpoint: str, progress: Progress) -> Path:
    repo_cache = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=remote.repo_id, repo_type="model")
    blob = repo_cache / "blobs" / remote.etag
    unfinished = blob.with_name(f"{remote.etag}.partial")
    try:
        blob.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(blob.with_name(f"{remote.etag}.lock")):
            if not blob.exists():
                _receive(remote, unfinished, progress)
                _verify_checksum(remote, unfinished)
                unfinished.rename(blob)
        # huggingface_hub links the blob into the cache's snapshot, as after a download of its own.
        cache = constants.HF_HUB_CACHE
        return Path(hf_hub_download(remote.repo_id, remote.filename, cache_dir=cache, endpoint=endpoint))
    except (OSError, httpx2.HTTPError) as error:
        raise WeightsError(f"could not store {remote.label} in {repo_cache}: {error}") from error


def _receive(remote: _RemoteFile, unfinished: Path, progress: Progress) -> None:
    barren = 0
    while True:
        before = unfinished.stat().st_size if unfinished.exists() else 0
        if remote.size is not None and before == remote.size:
            return
        reason: object = "the connection closed early"
        try:
            if _receive_once(remote, unfinished, progress) and remote.size is None:
                return
        except HfHubHTTPError as error:
            raise WeightsError(f"the download of {remote.label} was refused: {error}") from error
        except httpx2.HTTPError as error:
            reason = error
        after = unfinished.stat().st_size if unfinished.exists() else 0
        if after == remote.size:
            return
        barren = 0 if after > before else barren + 1
        if barren >= _MAX_BARREN_TRIES:
            megabytes = f"{after / 1e6:.1f} of {(remote.size or 0) / 1e6:.1f} MB"
            raise WeightsError(
                f"the download of {remote.label} stopped at {megabytes} ({reason}); what has arrived is kept, and "
                "loading the model again resumes there"
            )
        time.sleep(min(barren, 1))


def _receive_once(remote: _RemoteFile, unfinished: Path, progress: Progress) -> bool:
    """Append what the server sends from where the partial file ends; True when it ended in good order."""
    start = unfinished.stat().st_size if unfinished.exists() else 0
    if remote.size is not None and start > remote.size:
        start = 0
    headers = {**remote.headers, "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with get_session().stream("GET", remote.url, headers=headers, timeout=_STALL_SECONDS) as response:
        if response.status_code >= 400:
            raise HfHubHTTPError(f"{response.status_code} {response.reason_phrase}", response=response)
        resumed = response.status_code == 206
        received = start if resumed else 0
        step = f"Downloading {remote.label}" + (f" ({remote.size / 1e6:.0f} MB)" if remote.size else "")
        reported = 0
        with unfinished.open("ab" if resumed else "wb") as file:
            # In pieces as they arrive: a fixed size would lose what it has gathered when the connection breaks.
            for chunk in response.iter_bytes():
                file.write(chunk)
                received += len(chunk)
                if received - reported >= _CHUNK or received == remote.size:
                    reported = received
                    progress(step, received / remote.size if remote.size else None)
    return True


def _verify_checksum(remote: _RemoteFile, path: Path) -> None:
    if not _SHA256.fullmatch(remote.etag):  # only large files are named by their SHA-256
        return
    found = _sha256(path)
    if found != remote.etag:
        path.unlink()
        raise WeightsError(
            f"{remote.label} arrived damaged (SHA-256 {found[:12]}..., the Hub says {remote.etag[:12]}...) and was "
            "removed; load the model again to download it anew"
        )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
