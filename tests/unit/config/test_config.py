"""Settings from options, environment, profile, file and defaults."""

import base64
import re
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import config
from pipeline.config import KEYS, BadConfig, Credentials, From, Loaded, Where, load
from pipeline.model.endpoint import AuthScheme, Pace

PROD = '[profile.prod]\nbase_url = "product-api"\naccount = 1618\n'
TOKEN = "0123456789abcdef9c1f"


def loaded(
    folder: Path,
    *,
    toml: str | None = None,
    profile: str | None = None,
    options: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    credentials: Credentials = Credentials.SKIPPED,
) -> Loaded:
    if toml is not None:
        (folder / "pipeline.toml").write_text(toml, encoding="utf-8")
    return load(None, profile, options or {}, environ or {}, folder, credentials=credentials)


def refused(folder: Path, **given: object) -> BadConfig:
    with pytest.raises(BadConfig) as caught:
        loaded(folder, **given)  # type: ignore[arg-type]
    return caught.value


# --- where a value comes from ------------------------------------------------------------------


def test_without_anything_the_profile_is_the_sandbox(tmp_path: Path) -> None:
    found = loaded(tmp_path, credentials=Credentials.REQUIRED)
    settings = found.settings
    assert settings.profile == "sandbox"
    assert settings.endpoint.base_url == "http://127.0.0.1:8765"
    assert settings.endpoint.account == 1618
    assert settings.endpoint.token.reveal() == "sandbox-token"
    assert not settings.endpoint.production
    assert settings.home == tmp_path / ".pipeline"
    assert settings.ledger == str(tmp_path / ".pipeline" / "ledger.db")
    assert found.origins["rate"].kind is From.DEFAULT


def test_the_pace_of_sending_is_the_documented_one(tmp_path: Path) -> None:
    pace = loaded(tmp_path).settings.pace
    assert replace(pace, rate_per_s=Pace().rate_per_s) == Pace()


LAYERS = [
    ({}, {}, "", "", None, From.DEFAULT),
    ({}, {}, "rate = 1", "", 1.0, From.FILE),
    ({}, {}, "rate = 1", "rate = 2", 2.0, From.PROFILE),
    ({}, {"PIPELINE_RATE": "3"}, "rate = 1", "rate = 2", 3.0, From.ENVIRONMENT),
    ({"rate": "4"}, {"PIPELINE_RATE": "3"}, "rate = 1", "rate = 2", 4.0, From.OPTION),
]


@pytest.mark.parametrize(("options", "environ", "top", "section", "rate", "origin"), LAYERS)
def test_the_stronger_place_wins(
    tmp_path: Path,
    options: dict[str, object],
    environ: dict[str, str],
    top: str,
    section: str,
    rate: float | None,
    origin: From,
) -> None:
    toml = f"{top}\n[profile.sandbox]\n{section}\n"
    found = loaded(tmp_path, toml=toml, options=options, environ=environ)
    assert found.settings.pace.rate_per_s == rate
    assert found.origins["rate"].kind is origin


def test_origin_names_file_line_and_section(tmp_path: Path) -> None:
    found = loaded(tmp_path, toml="\n# c\n[profile.sandbox]\n\nconcurrency = 3\n")
    assert str(found.origins["concurrency"]) == "profile pipeline.toml:5 [profile.sandbox]"


def test_every_key_has_its_own_variable() -> None:
    variables = [key.variable for key in (*KEYS.values(), *config.LOOKS.values())]
    assert len(set(variables)) == len(variables)


def test_the_file_is_found_upward_to_the_root_of_the_repository_and_no_further(
    tmp_path: Path,
) -> None:
    repository = tmp_path / "repository"
    below = repository / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "pipeline.toml").write_text("rate = 1")
    assert loaded(below).path is None
    (repository / ".git").mkdir()
    assert loaded(below).path is None
    (repository / "pipeline.toml").write_text('home = "state"')
    found = loaded(below)
    assert found.path == repository / "pipeline.toml"
    assert found.settings.home == repository / "state"
    assert found.settings.reports == repository / "reports"


def test_paths_of_options_are_relative_to_the_present_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pipeline.toml").write_text('report_dir = "out"')
    below = tmp_path / "below"
    below.mkdir()
    assert loaded(below).settings.reports == tmp_path / "out"
    given = {"report_dir": "mine"}
    assert loaded(below, options=given).settings.reports == below / "mine"
    environ = {"PIPELINE_LEDGER": "l.db"}
    assert loaded(below, environ=environ).settings.ledger == str(below / "l.db")


def test_the_users_own_file_is_the_last_resort(tmp_path: Path) -> None:
    own = tmp_path / "xdg" / "pipeline" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text("rate = 7")
    work = tmp_path / "work"
    work.mkdir()
    found = loaded(work, environ={"XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    assert found.settings.pace.rate_per_s == 7
    assert found.settings.home == work / ".pipeline"


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pipelin.toml").write_text("")
    error = refused(tmp_path, environ={"PIPELINE_CONFIG": "pipeline.toml"})
    assert error.code == "C103"
    assert error.message == (
        "configuration file pipeline.toml does not exist"
        " (from environment variable PIPELINE_CONFIG)"
    )
    assert error.help == "did you mean pipelin.toml? (in .)"


# --- bad values --------------------------------------------------------------------------------


def test_a_bad_value_names_the_variable_it_comes_from(tmp_path: Path) -> None:
    error = refused(tmp_path, environ={"PIPELINE_RATE": "fast"})
    assert error.code == "C101"
    assert error.exit_code == 2
    assert error.message == (
        "'fast' is not a number for rate (from environment variable PIPELINE_RATE)"
    )


def test_a_bad_option_names_the_option(tmp_path: Path) -> None:
    error = refused(tmp_path, options={"rate": "fast"})
    assert error.message == "'fast' is not a number for --rate"


def test_a_bad_value_names_its_line(tmp_path: Path) -> None:
    error = refused(tmp_path, toml="# one\n[profile.sandbox]\nrate = true\n")
    assert error.message == (
        "'true' is not a number for rate (from pipeline.toml:3 [profile.sandbox])"
    )
    assert error.place == "pipeline.toml:3"


BAD = [
    ("concurrency = 0", "'0' is not between 1 and 256"),
    ('max_reject_rate = "20"', "'20' is not a share from 0% to 100%"),
    ('max_reject_rate = "x"', "'x' is not a share such as 20%"),
    ('pii = "hide"', "'hide' is not one of mask, show, none"),
    ('timezone = "Europe/Berln"', "'Europe/Berln' is not a time zone"),
    ("partial_ok = 3", "'3' is neither true nor false"),
    ("home = 3", "'3' is not a text"),
    ("max_orders = -1", "'-1' is less than 1"),
    ("min_rows = 2147483648", "'2147483648' is not between 1 and 2147483647"),
    ("attempts = 1.5", "'1.5' is not a whole number"),
    ("read_s = -1", "'-1' is not a number above 0"),
    ("rate = nan", "'nan' is not a number above 0"),
]


@pytest.mark.parametrize(("toml", "words"), BAD)
def test_values_that_cannot_be_used(tmp_path: Path, toml: str, words: str) -> None:
    error = refused(tmp_path, toml=toml)
    assert error.message.startswith(words + " for ")
    assert error.place == "pipeline.toml:1"


def test_the_right_word_is_suggested_at_the_end_of_the_sentence(tmp_path: Path) -> None:
    assert refused(tmp_path, options={"drift": "stopp"}).message == (
        "'stopp' is not one of warn, stop, off for --drift; did you mean stop?"
    )
    error = refused(tmp_path, toml='timezone = "Europe/Berln"')
    assert error.message == (
        "'Europe/Berln' is not a time zone for timezone (from pipeline.toml:1);"
        " did you mean Europe/Berlin?"
    )


NO_LEDGERS = ["mysql://me:geheim@db/x", "postgresql:/me@db/x", "sqlite://x", "Postgres:me@db/x",
              "db:/srv/ledger.db"]  # fmt: skip


@pytest.mark.parametrize("url", NO_LEDGERS)
def test_another_url_is_not_taken_for_the_path_of_a_new_ledger(tmp_path: Path, url: str) -> None:
    error = refused(tmp_path, toml=f'ledger = "{url}"')
    assert (error.code, error.place) == ("C101", "pipeline.toml:1")
    assert error.message.startswith(
        "the value is neither a path nor a postgresql:// URL for ledger"
    )
    assert "geheim" not in error.message + str(error.help)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_each_way_to_write_the_url_of_postgresql_is_the_same_ledger(
    tmp_path: Path, scheme: str
) -> None:
    found = loaded(tmp_path, toml=f'ledger = "{scheme}://me@db/x"')
    assert found.settings.ledger == "postgresql://me@db/x"


GOOD = [
    ("max_reject_rate", "20%", 0.2),
    ("max_reject_rate", "0.05", 0.05),
    ("max_reject_rate", "off", None),
    ("rate", "5/s", 5.0),
    ("rate", "off", None),
    ("only_orders", ("A1", "A2"), ("A1", "A2")),
    ("partial_ok", "yes", True),
    ("limit", "12", 12),
]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_values_as_people_write_them(
    tmp_path: Path, name: str, text: object, value: object
) -> None:
    assert loaded(tmp_path, options={name: text}).values[name] == value


def test_a_long_bad_value_is_cut(tmp_path: Path) -> None:
    assert len(refused(tmp_path, options={"rate": "x" * 500}).message) < 150


UNKNOWN = [
    ("ratte = 5", "unknown key ratte", "did you mean rate?", 1),
    ("\n[profile.prod]\nacount = 1", "unknown key acount in [profile.prod]", "did you mean account?", 3),
    ("[profiles.prod]\naccount = 1", "unknown key profiles", "did you mean profile?", 1),
    ("account = 1", "unknown key account", "it belongs into a profile: [profile.prod]", 1),
    ("limit = 1", "unknown key limit", "it can only be given as --limit", 1),
    ('profile.prod."base-url" = "x"', "unknown key base-url in [profile.prod]", "did you mean base_url?", 1),
]  # fmt: skip


@pytest.mark.parametrize(("toml", "words", "hint", "line"), UNKNOWN)
def test_unknown_keys_are_errors_with_their_line(
    tmp_path: Path, toml: str, words: str, hint: str, line: int
) -> None:
    error = refused(tmp_path, toml=toml)
    assert (error.code, error.message, error.help) == ("C102", words, hint)
    assert error.place == f"pipeline.toml:{line}"


def test_unknown_keys_and_bad_values_are_told_together(tmp_path: Path) -> None:
    toml = 'ratte = 5\nmax_orders = "many"\n[profile.prod]\nacount = 1\n'
    error = refused(tmp_path, toml=toml, environ={"PIPELINE_LIMIT": "0"})
    assert error.message.splitlines() == [
        "4 mistakes in the configuration:",
        "  pipeline.toml:1: unknown key ratte; did you mean rate?",
        "  pipeline.toml:4: unknown key acount in [profile.prod]; did you mean account?",
        "  'many' is not a whole number for max_orders (from pipeline.toml:2); "
        "max_orders: stop when there are more orders than this",
        "  '0' is less than 1 for limit (from environment variable PIPELINE_LIMIT); "
        "limit: only the first N orders",
    ]
    assert (error.code, error.place, error.help) == (
        "C101", "pipeline.toml:1", "correct all of them",
    )  # fmt: skip
    unknown = refused(tmp_path, toml="ratte = 5\n[profile.sandbox]\nraet = 1", profile="prdo")
    assert unknown.message.startswith("3 mistakes in the configuration:\n  pipeline.toml:1: ")
    assert unknown.message.endswith("\n  there is no profile prdo; did you mean prod?")


def test_broken_toml_is_named_with_line_and_column(tmp_path: Path) -> None:
    error = refused(tmp_path, toml='rate = 5\nhome = "\n')
    assert error.code == "C100"
    assert error.place is not None
    assert re.fullmatch(r"pipeline\.toml:2:\d+", error.place)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_bytes(b'home = "\xff"')
    assert refused(tmp_path).code == "C100"


def test_an_unknown_profile_suggests_the_right_one(tmp_path: Path) -> None:
    error = refused(tmp_path, toml=PROD, profile="prd")
    assert (error.code, error.help) == ("C116", "did you mean prod?")


def test_an_unknown_variable_is_told(tmp_path: Path) -> None:
    found = loaded(tmp_path, environ={"PIPELINE_RATTE": "5", "PIPELINE_ID": "7"})
    assert found.warnings == (
        "environment variable PIPELINE_RATTE is not known; did you mean PIPELINE_RATE?",
    )


def test_owners_are_merged_and_checked(tmp_path: Path) -> None:
    toml = '[owners]\nR301 = "Shop"\nA401 = "Jana"\n[profile.sandbox.owners]\nR301 = "Warehouse"\n'
    assert loaded(tmp_path, toml=toml).settings.owners == {"R301": "Warehouse", "A401": "Jana"}
    error = refused(tmp_path, toml="[owners]\nR301 = 5\n")
    assert error.place == "pipeline.toml:2"


# --- production --------------------------------------------------------------------------------


def test_production_must_be_configured(tmp_path: Path) -> None:
    error = refused(tmp_path, profile="prod")
    assert (error.code, error.message) == ("C105", "profile prod has no base_url")
    error = refused(tmp_path, toml='[profile.prod]\nbase_url = "eu"\n', profile="prod")
    assert (error.code, error.place) == ("C105", "pipeline.toml:1")


def test_presets_are_names_of_hosts(tmp_path: Path) -> None:
    found = loaded(tmp_path, toml=PROD, profile="prod")
    assert found.settings.endpoint.base_url == "https://product-api.parcellab.com"
    assert found.settings.endpoint.production


def test_the_sandbox_never_sends_to_production(tmp_path: Path) -> None:
    error = refused(tmp_path, environ={"PIPELINE_BASE_URL": "product-api"})
    assert error.code == "C107"
    toml = PROD + "production = false\n"
    assert refused(tmp_path, toml=toml, profile="prod").code == "C107"


HOSTS = [
    "http://product-api.parcellab.com",
    "https://parcellab.com.evil.example",
    "https://evil.example/.parcellab.com",
    "https://user:pw@product-api.parcellab.com",
    "https://product-api.parcellab.com/v4",
    "https://product-api.parcellab.com?x=1",
    "https://product-api.parcellab.com#x",
    "http://169.254.169.254",
    "http://10.0.0.1",
    "http://0.0.0.0:80",
    "http://[::ffff:10.0.0.1]",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "https://[broken",
    "https://product-api.parcellab.com:port",
]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("http://me:geheim@store.example", "user, password and query"),
        ("https://store.example/?key=geheim", "user, password and query"),
        ("store.geheim.example:9000", "is not a URL such as"),
        ("https://geheim:port", "is not a URL such as"),
        ("ftp://geheim", "is not a URL such as"),
    ],
)
def test_the_url_of_a_store_holds_no_secret_and_a_bad_one_is_not_repeated(
    tmp_path: Path, value: str, says: str
) -> None:
    error = refused(tmp_path, toml=f's3_endpoint = "{value}"\n')
    assert (error.code, error.exit_code) == ("C101", 2)
    assert says in error.message
    assert "geheim" not in error.message + error.help


def test_the_url_of_a_store_comes_from_the_file_or_the_environment(tmp_path: Path) -> None:
    toml = 's3_endpoint = "http://127.0.0.1:9000/"\n'
    assert loaded(tmp_path, toml=toml).settings.s3_endpoint == "http://127.0.0.1:9000"
    told = {"PIPELINE_S3_ENDPOINT": "https://store.example/s3"}
    assert loaded(tmp_path, toml=toml, environ=told).settings.s3_endpoint == told.popitem()[1]


@pytest.mark.parametrize("url", HOSTS)
def test_hosts_that_may_not_get_the_token(tmp_path: Path, url: str) -> None:
    error = refused(tmp_path, profile="prod", environ={"PIPELINE_BASE_URL": url, "PIPELINE_ACCOUNT": "1"})  # fmt: skip
    assert error.code == "C106"
    assert "pw" not in error.message


@pytest.mark.parametrize(
    "url",
    ["product-api", "https://Product-API.parcelLab.com/", "HTTPS://product-api.parcellab.com:443"],
)
def test_one_api_has_one_name(tmp_path: Path, url: str) -> None:
    """The ledger keeps each one apart: under another name every order would be sent again."""
    environ = {"PIPELINE_BASE_URL": url, "PIPELINE_ACCOUNT": "1"}
    found = loaded(tmp_path, profile="prod", environ=environ).settings.endpoint
    assert found.base_url == "https://product-api.parcellab.com"


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.9:80", "https://[::1]:8443"])
def test_this_machine_is_allowed(tmp_path: Path, url: str) -> None:
    assert loaded(tmp_path, environ={"PIPELINE_BASE_URL": url}).settings.endpoint.base_url == url


def test_a_profile_may_call_a_local_api_production(tmp_path: Path) -> None:
    toml = '[profile.prod]\nbase_url = "http://127.0.0.1:1"\naccount = 1\nproduction = false\n'
    assert not loaded(tmp_path, toml=toml, profile="prod").settings.endpoint.production
    toml = toml.replace("production = false\n", "")
    assert loaded(tmp_path, toml=toml, profile="prod").settings.endpoint.production


# --- the token ---------------------------------------------------------------------------------


def prod(folder: Path, environ: Mapping[str, str], more: str = "") -> Loaded:
    return loaded(
        folder, toml=PROD + more, profile="prod", environ=environ, credentials=Credentials.REQUIRED
    )


def test_a_missing_token_stops_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        prod(tmp_path, {})
    assert (caught.value.code, caught.value.exit_code) == ("C108", 2)
    assert "PARCELLAB_TOKEN" in caught.value.help


def test_the_token_is_stripped(tmp_path: Path) -> None:
    found = prod(tmp_path, {"PARCELLAB_TOKEN": f" {TOKEN}\n"})
    assert found.settings.endpoint.token.reveal() == TOKEN
    assert str(found.origins["token"]) == "environment PARCELLAB_TOKEN"


def test_the_token_of_production_never_goes_to_the_sandbox(tmp_path: Path) -> None:
    found = loaded(tmp_path, environ={"PARCELLAB_TOKEN": TOKEN}, credentials=Credentials.REQUIRED)
    assert found.settings.endpoint.token.reveal() == "sandbox-token"


def test_a_token_file_that_others_can_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o640)
    found = prod(tmp_path, {"PARCELLAB_TOKEN_FILE": str(file)})
    assert found.settings.endpoint.token.reveal() == TOKEN
    assert "can be read by other users" in found.warnings[0]
    file.chmod(stat.S_IRUSR)
    assert prod(tmp_path, {"PARCELLAB_TOKEN_FILE": str(file)}).warnings == ()
    assert prod(tmp_path, {}, 'token_file = "token"\n').settings.endpoint.token.reveal() == TOKEN


def test_a_token_command_prints_the_token(tmp_path: Path) -> None:
    found = prod(tmp_path, {"PATH": "/usr/bin:/bin"}, f'token_command = "echo {TOKEN}"\n')
    assert found.settings.endpoint.token.reveal() == TOKEN


def test_a_token_command_runs_in_no_shell_and_its_words_stay_out(tmp_path: Path) -> None:
    command = """token_command = ["sh", "-c", "echo oops-secret >&2; exit 3"]\n"""
    with pytest.raises(BadConfig) as caught:
        prod(tmp_path, {"PATH": "/usr/bin:/bin"}, command)
    assert caught.value.message == "token_command sh failed: exit code 3"
    assert caught.value.place == "pipeline.toml:4"
    found = prod(tmp_path, {"PATH": "/usr/bin:/bin"}, 'token_command = "echo $HOME;x"\n')
    assert found.settings.endpoint.token.reveal() == "$HOME;x"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_both_forms_of_the_token_are_taken(tmp_path: Path) -> None:
    found = prod(tmp_path, {"PARCELLAB_TOKEN": encoded(f"1618:{TOKEN}")})
    assert found.settings.endpoint.token.reveal() == TOKEN


BAD_TOKENS = [
    ("", "C108", "there is no token"),
    (encoded(encoded(f"1618:{TOKEN}")), "C109", "looks like base64 twice"),
    (encoded(f"1618:{encoded(f'1618:{TOKEN}')}"), "C109", "looks like base64 twice"),
    (encoded(f"99:{TOKEN}"), "C109", "belongs to account 99"),
    ("abc def-secret", "C109", "characters that no token has"),
    ("abcdéf-secret", "C109", "characters that no token has"),
    ("abc\ndef-secret", "C109", "characters that no token has"),
    ("sandbox-token", "C109", "the token of the sandbox"),
]


@pytest.mark.parametrize(("token", "code", "words"), BAD_TOKENS)
def test_tokens_that_cannot_be_right(tmp_path: Path, token: str, code: str, words: str) -> None:
    with pytest.raises(BadConfig) as caught:
        prod(tmp_path, {"PARCELLAB_TOKEN": token})
    error = caught.value
    assert error.code == code
    assert words in error.message
    assert not token or token == "sandbox-token" or token not in f"{error.message}{error.help}"


def test_nothing_that_prints_settings_shows_the_token(tmp_path: Path) -> None:
    found = prod(tmp_path, {"PARCELLAB_TOKEN": TOKEN})
    assert TOKEN not in repr(found)
    assert TOKEN not in str(found)


def test_the_form_of_the_header_is_a_setting(tmp_path: Path) -> None:
    found = prod(tmp_path, {"PARCELLAB_TOKEN": TOKEN}, 'auth_scheme = "bearer"\n')
    assert found.settings.endpoint.auth is AuthScheme.BEARER


def test_the_sandbox_agrees_with_the_sandbox_package() -> None:
    from pipeline.sandbox.settings import DEFAULT_ACCOUNT, DEFAULT_TOKEN

    assert DEFAULT_TOKEN == config.SANDBOX_TOKEN
    assert DEFAULT_ACCOUNT == 1618


def test_the_page_names_every_key_and_variable() -> None:
    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    for key in KEYS.values():
        if key.where is not Where.COMMAND:
            assert f"`{key.name}`" in page, key.name
    for name in config.FOREIGN_VARIABLES:
        assert f"`{name}`" in page, name
