"""The section [notify], and the secrets of its routes."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.config import BadConfig, Credentials, Loaded, load
from pipeline.model.notice import MailRoute, Notify, Security, Shape, When

MAIL = '[notify.mail]\nhost = "smtp.example.com"\nfrom = "import@example.com"\nto = ["ops@example.com"]\n'
HOOK = "[notify.webhook]\n"
PROD = '[profile.prod]\nbase_url = "eu"\naccount = 1\ntoken_command = "echo 0123456789abcdef9c1f"\n'
URL = "https://hooks.example.com/services/s3cr3t"


def loaded(
    folder: Path, toml: str, profile: str = "prod", environ: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None, credentials: Credentials = Credentials.REQUIRED,
) -> Loaded:  # fmt: skip
    (folder / "pipeline.toml").write_text(toml + PROD, encoding="utf-8")
    environ = {"PATH": "/usr/bin:/bin", **(environ or {})}
    return load(None, profile, options or {}, environ, folder, credentials=credentials)


def notify_of(folder: Path, toml: str, **given: object) -> Notify:
    found = loaded(folder, toml, **given).settings.notify  # type: ignore[arg-type]
    assert found is not None
    return found


def mail_of(folder: Path, toml: str, **given: object) -> MailRoute:
    found = notify_of(folder, toml, **given).mail
    assert found is not None
    return found


def refused(folder: Path, toml: str) -> tuple[str | None, str, str | None]:
    with pytest.raises(BadConfig) as caught:
        loaded(folder, toml)
    return caught.value.code, caught.value.message, caught.value.place


def test_without_the_section_nobody_is_told(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").settings.notify is None


def test_the_defaults(tmp_path: Path) -> None:
    found = notify_of(tmp_path, MAIL)
    assert (found.when, found.report_url, found.webhook) == (When.PROBLEMS, "", None)
    assert found.mail is not None
    assert (found.mail.host, found.mail.port) == ("smtp.example.com", 587)
    assert found.mail.security is Security.STARTTLS
    assert (found.mail.sender, found.mail.to) == ("import@example.com", ("ops@example.com",))
    assert (found.mail.user, found.mail.unusable) == (None, "")


@pytest.mark.parametrize(
    ("profile", "toml", "options", "when"),
    [
        ("prod", "", {}, When.PROBLEMS),
        ("prod", '[notify]\nwhen = "always"\n', {}, When.ALWAYS),
        ("sandbox", '[notify]\nwhen = "always"\n', {}, When.NEVER),
        ("sandbox", '[notify]\nwhen = "always"\nprofiles = ["sandbox"]\n', {}, When.ALWAYS),
        ("prod", '[notify]\nprofiles = ["sandbox"]\n', {}, When.NEVER),
        ("sandbox", "", {"notify": "always"}, When.ALWAYS),
        ("prod", '[notify]\nwhen = "always"\n', {"notify": "never"}, When.NEVER),
    ],
)
def test_when(
    tmp_path: Path, profile: str, toml: str, options: dict[str, object], when: When
) -> None:
    assert notify_of(tmp_path, toml + MAIL, profile=profile, options=options).when is when


def test_the_environment_decides_over_the_file(tmp_path: Path) -> None:
    assert notify_of(tmp_path, MAIL, environ={"PIPELINE_NOTIFY": "never"}).when is When.NEVER


@pytest.mark.parametrize(("security", "port"), [("tls", 465), ("none", 25), ("starttls", 587)])
def test_the_port_follows_the_security(tmp_path: Path, security: str, port: int) -> None:
    assert mail_of(tmp_path, f'{MAIL}security = "{security}"\n').port == port
    assert mail_of(tmp_path, f'{MAIL}security = "{security}"\nport = 2525\n').port == 2525


# --- secrets ------------------------------------------------------------------------------------


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_password_comes_from_environment_file_or_command(tmp_path: Path) -> None:
    mail = MAIL + 'user = "import"\n'
    file = secret_file(tmp_path, "of-file\n")
    for toml, environ in (
        (mail, {"PIPELINE_SMTP_PASSWORD": "of-file"}),
        (mail, {"PIPELINE_SMTP_PASSWORD_FILE": str(file)}),
        (mail + 'password_file = "secret"\n', {}),
        (mail + 'password_command = "cat secret"\n', {}),
    ):
        found = loaded(tmp_path, toml, environ=environ)
        assert found.settings.notify is not None
        assert found.settings.notify.mail is not None
        assert found.settings.notify.mail.password.reveal() == "of-file"
        assert found.warnings == ()


def test_the_address_of_a_webhook_is_a_secret(tmp_path: Path) -> None:
    found = notify_of(tmp_path, HOOK + 'shape = "slack"\n', environ={"PIPELINE_WEBHOOK_URL": URL})
    assert found.webhook is not None
    assert found.webhook.url.reveal() == URL
    assert (found.webhook.host, found.webhook.shape) == ("hooks.example.com", Shape.SLACK)
    assert "s3cr3t" not in repr(found)


@pytest.mark.parametrize("key", ["url", "password"])
def test_a_secret_in_the_file_is_refused_without_being_repeated(tmp_path: Path, key: str) -> None:
    toml = (HOOK if key == "url" else MAIL) + f'{key} = "s3cr3t-canary"\n'
    code, message, _ = refused(tmp_path, toml)
    assert (code, "s3cr3t" in message) == ("C102", False)


@pytest.mark.parametrize(
    ("toml", "environ", "says"),
    [
        (MAIL + 'user = "import"\n', {},
         "no mail can be sent: there is no password: set PIPELINE_SMTP_PASSWORD or password_file"),
        (MAIL + 'user = "import"\npassword_file = "gone"\n', {},
         "no mail can be sent: the password file"),
        (MAIL + 'user = "import"\npassword_command = "false"\n', {},
         "no mail can be sent: password_command false failed: exit code 1"),
        (HOOK, {}, "no webhook can be sent: there is no url"),
        (HOOK, {"PIPELINE_WEBHOOK_URL": "http://hooks.example.com/s3cr3t"},
         "no webhook can be sent: its address is not https"),
        (HOOK, {"PIPELINE_WEBHOOK_URL": "https://me:s3cr3t@example.com/"},
         "no webhook can be sent: its address has a user"),
        (HOOK, {"PIPELINE_WEBHOOK_URL": "https://169.254.169.254/s3cr3t"},
         "no webhook can be sent: its address has a user, or a host that no webhook has"),
        (HOOK, {"PIPELINE_WEBHOOK_URL": "s3cr3t"}, "no webhook can be sent: its address is no URL"),
        (HOOK, {"PIPELINE_WEBHOOK_URL": "https://example.com/s3\u00e9cr3t"},
         "no webhook can be sent: its url has characters that none has"),
    ],
)  # fmt: skip
def test_a_missing_or_bad_secret_is_a_warning_and_stops_nothing(
    tmp_path: Path, toml: str, environ: dict[str, str], says: str
) -> None:
    found = loaded(tmp_path, toml, environ=environ)
    (warning,) = found.warnings
    assert warning.startswith(says)
    assert "s3cr3t" not in warning
    notify = found.settings.notify
    assert notify is not None
    assert (notify.mail or notify.webhook).unusable  # type: ignore[union-attr]


def test_a_webhook_of_this_machine_may_be_http(tmp_path: Path) -> None:
    environ = {"PIPELINE_WEBHOOK_URL": "http://127.0.0.1:9/s3cr3t"}
    found = loaded(tmp_path, HOOK, environ=environ)
    assert found.warnings == ()


def test_what_only_looks_or_tells_nobody_needs_no_secret(tmp_path: Path) -> None:
    toml = MAIL + 'user = "import"\npassword_command = "touch ran"\n'
    assert loaded(tmp_path, toml, credentials=Credentials.SKIPPED).warnings == ()
    assert loaded(tmp_path, toml, options={"notify": "never"}).warnings == ()
    assert not (tmp_path / "ran").exists()
    loaded(tmp_path, toml, profile="sandbox", credentials=Credentials.NOTIFY)
    assert (tmp_path / "ran").exists()


def test_a_password_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    file = secret_file(tmp_path, "pa55", 0o644)
    (warning,) = loaded(tmp_path, f'{MAIL}user = "import"\npassword_file = "{file}"\n').warnings
    assert "can be read by other users" in warning


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "code", "says", "line"),
    [
        ("notify = 1\n", "C101", "notify is not a section", 1),
        ('[notify]\nwhen = "always"\n', "C101", "[notify] names nobody", 1),
        (f'[notify]\nwhenn = "always"\n{MAIL}', "C102", "unknown key whenn in [notify]", 2),
        (f'[notify]\nwhen = "sometimes"\n{MAIL}', "C101", "'sometimes' is not one of problems", 2),
        (MAIL.replace("ops@", "ops"), "C101", "is not an e-mail address", 4),
        (MAIL.replace('"ops@example.com"', ""), "C101", "'[]' names nobody for to", 4),
        (MAIL.replace("import@", "a b@"), "C101", "is not an e-mail address", 3),
        (MAIL.replace("import@", "a\\nBcc: b@"), "C101", "is not an e-mail address", 3),
        (MAIL.replace('host = "smtp.example.com"', ""), "C105", "[notify.mail] has no host", 1),
        (MAIL.replace("smtp.example", "smtp example"), "C101", "is not the name of a server", 2),
        (f"{MAIL}port = 70000\n", "C101", "'70000' is not between 1 and 65535", 5),
        (f'{MAIL}security = "ssl"\n', "C101", "'ssl' is not one of starttls, tls, none", 5),
        (f'{MAIL}security = "none"\nuser = "u"\n', "C101", "would cross the network", 5),
        (f'{HOOK}shape = "discord"\n', "C101", "'discord' is not one of json, slack, teams", 2),
        (f'[notify]\nreport_url = "reports"\n{MAIL}', "C101", "is not an http or https", 2),
        (f'[notify]\nreport_url = "https://a/?b"\n{MAIL}', "C101", "has a user, a query", 2),
    ],
)
def test_a_mistake_has_its_place(
    tmp_path: Path, toml: str, code: str, says: str, line: int
) -> None:
    found = refused(tmp_path, toml)
    assert found[0] == code
    assert says in found[1]
    assert found[2] == f"pipeline.toml:{line}"
