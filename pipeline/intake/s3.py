"""Objects of an S3-compatible store, moved there by copy and deletion.

Who asks, and in which region, comes from the standard chain of AWS: environment, `~/.aws`, the role of
the machine. The extra `s3` brings fsspec's file system over aiobotocore, which also tries again.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pipeline.intake.archiving import CHANGED, GONE, NotArchived, as_not_archived
from pipeline.intake.packing import PIECE
from pipeline.intake.stores import Changed, Entry, Facts, ServerUnusable, free_name
from pipeline.intake.workbooks import ExtraMissing
from pipeline.model.stops import SourceUnusable

__all__ = ["S3Store"]

_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}")
_TRIES = 2  # where an answer breaks off; botocore tries again itself, as AWS_MAX_ATTEMPTS says
_BLOCK = 8 * PIECE  # bytes that one request reads
_ENDPOINT = "s3_endpoint in pipeline.toml or AWS_ENDPOINT_URL_S3"
_KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or ~/.aws"
_REGION = "set its region in AWS_DEFAULT_REGION or ~/.aws/config"

# What a store's error codes mean, and what helps. "403" and "404" are answers to HEAD, without a body.
_DENIED = (
    "access is denied",
    "the key needs s3:ListBucket on the bucket and s3:GetObject on its objects; to archive, s3:PutObject and s3:DeleteObject too",
)
_ELSEWHERE = ("the bucket is in another region", f"{_REGION}, and check the endpoint ({_ENDPOINT})")
_EXPIRED = ("the session token is no longer valid", "log in again, or renew the credentials")
_WORDS: Mapping[str, tuple[str, str]] = {
    "403": _DENIED,
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "301": _ELSEWHERE,
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "IllegalLocationConstraintException": _ELSEWHERE,
    "PermanentRedirect": _ELSEWHERE,
    "TemporaryRedirect": _ELSEWHERE,
    "ExpiredToken": _EXPIRED,
    "InvalidToken": _EXPIRED,
    "InvalidAccessKeyId": (
        "the access key is not known there",
        f"check the key ({_KEYS}) and the endpoint ({_ENDPOINT})",
    ),
    "InvalidObjectState": (
        "it is stored away (such as in Glacier)",
        "restore it first, then run again",
    ),
    "NoSuchBucket": (
        "there is no such bucket",
        f"check its name, and the endpoint ({_ENDPOINT})",
    ),
    "RequestTimeTooSkewed": ("the clock of this machine is wrong", "set it, such as by NTP"),
    "SignatureDoesNotMatch": (
        "the access key and its secret do not fit",
        f"check both ({_KEYS}), and the region; a proxy that changes requests has the same effect",
    ),
}
_NO_S3 = (
    "what answers there does not speak S3, as a web server does not",
    f"check the endpoint ({_ENDPOINT})",
)
_LISTED = frozenset({"Name", "KeyCount", "MaxKeys"})  # each store says one of these of any listing
_OF_ONE_OBJECT = frozenset({"403", "AccessDenied", "InvalidObjectState"})
_NO_KEYS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError",
     "TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"}
)  # fmt: skip
_SAID_MAX = 200  # characters of what a store says


class S3Store:
    """A bucket."""

    no_folder = (
        "check the bucket and the prefix: one with nothing under it does not exist, unless an "
        "empty object of its name with a / at the end keeps it"
    )

    def __init__(self, bucket: str, endpoint: str | None) -> None:
        """Make a client; nothing is asked yet.

        Args:
            bucket: its name.
            endpoint: URL of the store; None for what the chain of AWS says, else Amazon's.

        Raises:
            ServerUnusable: the name or the configuration cannot be used.
            ExtraMissing: s3fs is not installed.
        """
        if not _BUCKET.fullmatch(bucket):  # and no word of it is repeated: it may hold a secret
            raise ServerUnusable(
                "an s3:// URL begins with the name of a bucket, and nothing else",
                help=f"s3://bucket/folder/*.csv; keys have no place in a URL, they come from {_KEYS}",
            )
        try:
            from s3fs import S3FileSystem
        except ImportError:
            raise ExtraMissing(
                "files of an S3-compatible store need s3fs, which is not installed",
                help="pip install 'pipeline[s3]'",
            ) from None
        self._bucket = bucket
        self._place = f"s3://{bucket}"
        # local_expiry_check: the version of each answer is compared here, because not all stores
        # heed If-Match.
        self._files = S3FileSystem(
            endpoint_url=endpoint, local_expiry_check=True, use_listings_cache=False,
            skip_instance_cache=True,
        )  # fmt: skip
        self._files.retries = _TRIES
        try:
            with self._said():
                asked = urlsplit(self._files.s3.meta.endpoint_url)
                where = _host(asked.hostname, asked.port)
        except ValueError as error:
            raise ServerUnusable(
                f"{self._place}: the endpoint is not a URL",
                help=f"correct {_ENDPOINT}",
            ) from error
        if not (asked.hostname or "").endswith("amazonaws.com"):
            self._place += f" at {where}"

    def folder(self, path: str, beginning: str) -> Mapping[str, Entry] | None:
        """The objects of a prefix whose names begin so; None if there is nothing under the prefix."""
        prefix = f"{path.strip('/')}/".lstrip("/")
        asked = {"Bucket": self._bucket, "Prefix": prefix + beginning, "Delimiter": "/"}
        found: dict[str, Entry] = {}
        anything = bool(beginning) or not prefix
        while True:
            try:
                with self._said():
                    page = self._files.call_s3("list_objects_v2", **asked)
            except (
                FileNotFoundError
            ):  # of a listing, only a bucket can be missing, and that has a code
                raise self._no_s3() from None
            if not _LISTED & page.keys():
                raise self._no_s3()
            for each in page.get("Contents", ()):
                name = each["Key"].removeprefix(prefix)
                if name and name not in (".", ".."):  # without one it is the prefix itself
                    found[name] = _entry(each["Size"], each.get("ETag"), each["LastModified"])
            anything = anything or bool(page.get("Contents") or page.get("CommonPrefixes"))
            if not page.get("IsTruncated"):
                return found if anything else None
            further = page.get("NextContinuationToken")
            if further in (None, asked.get("ContinuationToken")):
                raise ServerUnusable(
                    f"{self._place}: its listing has more pages than it gives",
                    help=f"ask who runs the store; it has to know ListObjectsV2 ({_ENDPOINT})",
                )
            asked["ContinuationToken"] = further

    def file(self, path: str) -> Entry | None:
        """Look at an object; None if there is none."""
        try:
            try:
                head = self._head(path)
            except _Unexplained:  # what a listing is answered says more; a region is found so, too
                self.folder(posixpath.dirname(path), posixpath.basename(path))
                head = self._head(path)
        except FileNotFoundError:
            return None
        if "LastModified" not in head:
            raise self._no_s3()
        return _entry(head["ContentLength"], head.get("ETag"), head["LastModified"])

    def pieces(self, path: str, was: Entry) -> Iterator[bytes]:
        """Read the version of an object that was listed."""
        from s3fs.utils import FileExpired

        left, name = was.size, posixpath.basename(path)
        try:
            with (
                self._said(name),
                self._files.open(f"{self._bucket}/{_key(path)}", "rb", block_size=_BLOCK) as source,
            ):
                _check_opened(source.details, was)
                while left > 0 and (piece := source.read(min(PIECE, left))):
                    left -= len(piece)
                    yield piece
        except FileExpired:
            raise Changed from None
        except FileNotFoundError:
            raise SourceUnusable(
                f"{name} is gone: it was deleted after the bucket was listed",
                help="run again, or ask its sender",
            ) from None
        if left:
            raise Changed

    @as_not_archived()
    def move(self, path: str, into: str, was: Sequence[int | str]) -> str:
        """Copy an object below another prefix and delete it, if it is the version that was read.

        Another run may do the same at the same time: each finds the same free name, and the object is
        in the archive once.
        """
        here = self.file(path)
        if here is None:
            raise NotArchived(GONE)
        if here.facts != tuple(was):
            raise NotArchived(CHANGED)
        name = posixpath.basename(path)
        place = posixpath.join(
            into, free_name(name, lambda n: self.file(posixpath.join(into, n)) is not None)
        )
        self._copy(path, place, here)
        try:
            self._delete(path, here)
        except (NotArchived, SourceUnusable) as why:
            self._not_deleted(path, place, here, why)
        return place

    def _head(self, path: str) -> Any:  # noqa: ANN401 - a document of botocore
        with self._said():
            return self._files.call_s3("head_object", Bucket=self._bucket, Key=_key(path))

    # -- what moving is made of --------------------------------------------------------------------

    def _copy(self, path: str, place: str, was: Entry) -> None:
        names = (f"{self._bucket}/{_key(path)}", f"{self._bucket}/{_key(place)}")
        self._on_condition(
            lambda **only: self._files.cp_file(*names, **only), "CopySourceIfMatch", path, was
        )
        copy = self.file(place)
        if copy is None or copy.size != was.size:
            raise NotArchived("its copy is not there, or not as large")

    def _delete(self, path: str, was: Entry) -> None:
        """Delete an object if it is still that version, as far as the store can do that at once."""
        now = self.file(path)  # for stores that do not heed If-Match
        if now is None:
            return
        if now.facts != was.facts:
            raise NotArchived(CHANGED)
        asked = {"Bucket": self._bucket, "Key": _key(path)}
        with suppress(FileNotFoundError):
            self._on_condition(
                lambda **only: self._files.call_s3("delete_object", **asked, **only),
                "IfMatch", path, was,
            )  # fmt: skip

    def _on_condition(self, ask: Callable[..., object], header: str, path: str, was: Entry) -> None:
        """Ask for something on condition of a version; of a store that cannot do that, without.

        Swift holds the ETag of an upload in parts to be another one, though it is the one that it tells.
        """
        try:
            with self._said():
                ask(**_if_match(header, was))
        except (_NotImplemented, NotArchived):
            now = self.file(path)
            if now is None or now.facts != was.facts:
                raise
            with self._said():
                ask()

    def _not_deleted(self, path: str, place: str, was: Entry, why: Exception) -> None:
        """Say why an object could not be deleted, if it is still there: an answer may only have got lost.

        Its copy is taken back only where it is certainly there itself: it may be all that is left.
        """
        words = why.message if isinstance(why, SourceUnusable) else str(why)
        try:
            now = self.file(path)
        except SourceUnusable:
            is_there = False
        else:
            if now is None:
                return
            is_there = now.facts == was.facts
        if not (is_there and self._is_removed(place)):
            words += f"; a copy is left in {place}"
        raise NotArchived(words) from why

    def _is_removed(self, place: str) -> bool:
        """Take a copy back, if that may be done."""
        try:
            with self._said():
                self._files.call_s3("delete_object", Bucket=self._bucket, Key=_key(place))
        except (FileNotFoundError, NotArchived, SourceUnusable):
            return False
        return True

    def _no_s3(self) -> ServerUnusable:
        return ServerUnusable(f"{self._place}: {_NO_S3[0]}", help=_NO_S3[1])

    # -- words -------------------------------------------------------------------------------------

    @contextmanager
    def _said(self, name: str | None = None) -> Iterator[None]:
        """Say in words what goes wrong; `name` is that of an object, which alone may be to blame.

        An object that is not there is the caller's, and so is another version of it.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from s3fs.core import S3_RETRYABLE_ERRORS
        from s3fs.utils import FileExpired

        try:
            yield
        except FileExpired:
            raise
        except (OSError, ClientError, BotoCoreError, *S3_RETRYABLE_ERRORS) as error:
            code, text = _code(error)
            if code in ("404", "NoSuchKey"):
                raise FileNotFoundError from None
            if code in ("412", "PreconditionFailed"):
                raise NotArchived(CHANGED) from None
            if code in ("501", "NotImplemented"):
                raise _NotImplemented(f"{self._place}: {text}") from None
            if code == "400":
                raise _Unexplained(f"{self._place}: {text}") from None
            words, helps = self._words(error, code, text)
            # from None: the texts of libraries may quote what they were configured with
            if name is not None and code in _OF_ONE_OBJECT:
                raise SourceUnusable(f"{name} cannot be fetched: {words}", help=helps) from None
            raise ServerUnusable(f"{self._place}: {words}", help=helps) from None

    def _words(self, error: Exception, code: str, text: str) -> tuple[str, str]:
        if code:
            known = _WORDS.get(code)
            if known is not None:
                return f"{known[0]} ({code})", known[1]
            return (
                f"{code}: {text}" if text else code,
                f"ask who runs the store, and check the endpoint ({_ENDPOINT})",
            )
        kind = type(error).__name__
        if kind in _NO_KEYS:
            return "there are no credentials", f"set {_KEYS}"
        if kind == "ResponseParserError":
            return _NO_S3
        if kind == "ProfileNotFound":
            return "AWS_PROFILE names a profile that ~/.aws does not have", "correct AWS_PROFILE"
        if kind == "SSLError":
            return (
                "no secure connection: its certificate is not trusted, or it speaks no TLS (SSLError)",
                "AWS_CA_BUNDLE names the file of an authority of your own",
            )
        at = urlsplit(str(getattr(error, "kwargs", {}).get("endpoint_url", "")))
        if at.hostname:
            what = "it takes too long" if "Timeout" in kind else "no connection"
            return (
                f"{what} ({_host(at.hostname, at.port)}, {kind})",
                f"check the network and the endpoint ({_ENDPOINT})",
            )
        return kind, f"check ~/.aws and the endpoint ({_ENDPOINT})"


class _NotImplemented(ServerUnusable):
    """The store cannot do what it was asked for."""


class _Unexplained(ServerUnusable):
    """The store refuses a request and does not say why, for an answer to HEAD has no words."""


def _code(error: BaseException) -> tuple[str, str]:
    """The code and the words of a store's answer; s3fs hands on Python's errors, caused by it."""
    answer = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    if not isinstance(answer, dict):
        return ("404", "") if isinstance(error, FileNotFoundError) else ("", "")
    told = answer.get("Error", {})
    text = " ".join(str(told.get("Message", "")).split())
    # a page that happens to be XML has no code
    code = told.get("Code") or answer.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
    return str(code), text[:_SAID_MAX]


def _check_opened(told: Mapping[str, Any], was: Entry) -> None:
    """Refuse what is not the version that was listed; `told` is fsspec's account of it."""
    if told["type"] != "file":  # it is gone, and a prefix has its name
        raise FileNotFoundError
    if _entry(told["size"], told["ETag"], told["LastModified"]).facts != was.facts:
        raise Changed


def _entry(size: int, etag: str | None, changed: datetime) -> Entry:
    return Entry(_facts(size, etag, changed), size, int(changed.timestamp()))


def _facts(size: int, etag: str | None, changed: datetime) -> Facts:
    """The ETag alone tells versions apart; listings and answers may round the time differently.

    Some stores write it without its quotes in listings.
    """
    bare = (etag or "").removeprefix("W/").strip('"')
    return (size, bare or int(changed.timestamp()))


def _if_match(header: str, was: Entry) -> dict[str, str]:
    etag = was.facts[1]
    return {header: f'"{etag}"'} if isinstance(etag, str) else {}


def _key(path: str) -> str:
    return path.lstrip("/")


def _host(host: str | None, port: int | None) -> str:
    return f"{host}:{port}" if port else str(host)
