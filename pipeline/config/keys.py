"""Every key that can be set: options, variables, the file and their pages are made from it."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.config.nouns import SANDBOX, Key, Where
from pipeline.config.readers import (
    as_choice,
    as_command,
    as_ending,
    as_endpoint,
    as_folder_name,
    as_ledger,
    as_moment,
    as_number,
    as_path,
    as_paths,
    as_rate,
    as_seconds,
    as_share,
    as_text,
    as_url,
    as_whole,
    as_words,
    as_yes_no,
    as_zone,
)
from pipeline.model.endpoint import AuthScheme, Pace
from pipeline.model.notice import When

# The secrets and the ways of the terminal that other programs share with us.
FOREIGN_VARIABLES: Mapping[str, str] = {
    "PARCELLAB_TOKEN": "the token of the account; only used for production",
    "PARCELLAB_TOKEN_FILE": "a file that holds the token, such as a systemd or Docker secret",
    "PIPELINE_SMTP_PASSWORD": "the password of the mail server in [notify.mail]",
    "PIPELINE_SMTP_PASSWORD_FILE": "a file that holds that password",
    "PIPELINE_WEBHOOK_URL": "the address of [notify.webhook]; all of it is a secret",
    "PIPELINE_WEBHOOK_URL_FILE": "a file that holds that address",
    "NO_COLOR": "no colours when set",
    "FORCE_COLOR": "colours also when piped, when set",
    "TERM": "`dumb` means plain lines instead of progress bars",
}


_ANY, _PROFILE, _COMMAND = Where.ANYWHERE, Where.PROFILE, Where.COMMAND


_PACE = Pace()


def _by_name(*keys: Key) -> Mapping[str, Key]:
    named = {key.name: key for key in keys}
    if len(named) < len(keys):
        raise ValueError("two keys have the same name")
    return named


KEYS: Mapping[str, Key] = _by_name(
    Key("base_url", as_url, _PROFILE,
        "where orders go: product-api, api, eu, us, or a URL on this machine"),
    Key("account", as_whole(1), _PROFILE, "number of the parcelLab account"),
    Key("auth_scheme", as_choice(*AuthScheme), _PROFILE,
        "form of the Authorization header: parcellab-raw, parcellab-encoded or bearer",
        default=AuthScheme.PARCELLAB_RAW.value),
    Key("production", as_yes_no, _PROFILE,
        "ask before sending; only a URL on this machine may say false"),
    Key("token_file", as_path, _PROFILE, "file that holds the token"),
    Key("token_command", as_command, _PROFILE, "command that prints the token"),
    Key("auto_approve", as_yes_no, _PROFILE, "send without asking", default=False, option="yes"),
    Key("acks_dir", as_path, _PROFILE,
        "folder under which partners find their EDI acknowledgements; without it they stay in "
        "the run's folder"),
    Key("couriers", as_words, _ANY,
        "courier codes of the account; `mapping check` warns of others", default=()),
    Key("home", as_path, _ANY, "folder for plans, logs and the ledger", default=Path(".pipeline")),
    Key("report_dir", as_path, _ANY, "folder for reports", default=Path("reports")),
    Key("ledger", as_ledger, _ANY, "path of the ledger, or a postgresql:// URL"),
    Key("timezone", as_zone, _ANY, "time zone of all that people read, and of --until"),
    Key("rate", as_rate, _ANY, "at most so many requests per second; off for no limit"),
    Key("concurrency", as_whole(1, 256), _ANY, "most requests in flight", default=_PACE.concurrency),
    Key("connect_s", as_number, _ANY, "seconds to wait for a connection",
        default=_PACE.connect_s),
    Key("read_s", as_number, _ANY, "seconds to wait for more of an answer", default=_PACE.read_s),
    Key("deadline_s", as_number, _ANY, "seconds for one request in total",
        default=_PACE.deadline_s),
    Key("lease_s", as_number, _ANY,
        "seconds after which the orders of a process that died go to another one (a ledger in "
        "PostgreSQL only); at least twice deadline_s", default=_PACE.lease_s),
    Key("late_s", as_number, _ANY,
        "seconds that the newer version of an order waits when an earlier run got no answer for "
        "an older one: it may be stored late", default=_PACE.late_s),
    Key("attempts", as_whole(1, 100), _ANY, "attempts per order", default=_PACE.attempts),
    Key("order_s", as_number, _ANY, "seconds for all attempts of one order",
        default=_PACE.order_s),
    Key("outage_failures", as_whole(1), _ANY, "straight failures after which sending pauses",
        default=_PACE.outage_failures),
    Key("outage_probe_s", as_number, _ANY, "seconds between two tries during a pause",
        default=_PACE.outage_probe_s),
    Key("outage_stop_s", as_number, _ANY, "seconds of pause after which the run stops",
        default=_PACE.outage_stop_s),
    Key("wait_max_s", as_number, _ANY, "longest wait the API may ask for before the run stops",
        default=_PACE.wait_max_s),
    Key("max_reject_rate", as_share, _ANY,
        "stop before sending when more than this share of the orders is held back; off for "
        "never. The default of 20% counts from 20 orders on, a share that is set always",
        default=0.2),
    Key("max_row_drop", as_share, _ANY,
        "stop before sending when a source has fewer rows than usual by more than this share; "
        "off for never. The default of 80% counts from 100 usual rows on, a share that is set "
        "always", default=0.8),
    Key("drift", as_choice("warn", "stop", "off"), _ANY,
        "what to do when files are unlike those of the nights before: warn, stop or off",
        default="warn"),
    Key("old_orders", as_choice("warn", "stop", "off"), _ANY,
        "what to do about many new orders older than 30 days with e-mail addresses: warn, stop "
        "or off; stop for production, off elsewhere, unless it is set"),
    Key("expectations", as_choice("stop", "warn", "off"), _ANY,
        "what to do when a file is not what its mapping expects (`source.expect`): stop, warn or "
        "off; as the mapping says, unless it is set"),
    Key("max_orders", as_whole(1), _ANY, "stop when there are more orders than this"),
    Key("min_rows", as_whole(1), _ANY, "stop when there are fewer rows than this"),
    Key("stable_s", as_seconds, _ANY,
        "seconds for which a file must have been left alone before it is read; 0 for no wait",
        default=0.0),
    Key("marker", as_ending, _ANY,
        "read a file only when its sender has put one with this ending beside it, such as .done: "
        "orders.csv.done or orders.done"),
    Key("archive_dir", as_path, _ANY,
        "move the files of a run that is over to a folder of its date below this one; without it they stay"),
    Key("remote_archive", as_folder_name, _ANY,
        "the same for files on an SFTP server or in an S3-compatible store: a folder beside them, such as done"),
    Key("s3_endpoint", as_endpoint, _ANY,
        "URL of the S3-compatible store that s3:// means; without it AWS_ENDPOINT_URL_S3, else Amazon's"),
    Key("imported", as_choice("say", "skip"), _ANY,
        "files whose bytes a finished run has imported: say so and read them, or skip them",
        default="say"),
    Key("accept_duplicates", as_yes_no, _ANY,
        "import EDI interchanges whose control reference was used before", default=False),
    Key("partial_ok", as_yes_no, _ANY, "exit 0 instead of 3", default=False),
    Key("fail_on_empty", as_yes_no, _ANY, "exit 9 when there is nothing to import",
        default=False),
    Key("pii", as_choice("mask", "show", "none"), _ANY,
        "personal data in the report: mask, show or none", default="mask"),
    Key("notify", as_choice(*When), _COMMAND,
        "who is told of the end: problems, always or never, over `when` in [notify]"),
    Key("metrics", as_path, _ANY,
        "write the numbers of the last run to this file, such as import.prom, for the textfile "
        "collector of Prometheus' node exporter"),
    Key("xlsx", as_yes_no, _ANY,
        "write the rows to correct as .xlsx too, all cells text; needs the extra pipeline[xlsx]",
        default=False),
    Key("mapping", as_paths, _COMMAND, "mapping file; give it again for several exports",
        default=()),
    Key("limit", as_whole(1), _COMMAND, "only the first N orders"),
    Key("only_orders", as_words, _COMMAND, "only this order number; may be given again",
        default=(), option="only_order"),
    Key("backfill", as_yes_no, _COMMAND,
        "old orders: trackings get notifications_inactive=true", default=False),
    Key("create_only", as_yes_no, _ANY,
        "create orders and never update one: what parcelLab has already is left alone (POST)",
        default=False),
    Key("until", as_moment, _COMMAND, "stop at this time; `resume` goes on"),
    Key("out", as_path, _COMMAND, "folder of the plan"),
    Key("sample", as_share, _COMMAND,
        "read back this share of the orders, the same ones every time", default=1.0),
    Key("new_ledger", as_yes_no, _COMMAND,
        "move a damaged ledger aside and begin a new one: every order is sent again",
        default=False),
)  # fmt: skip


# Read by `look` and by the search for the file, before the keys above.
LOOKS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("config", as_path, _COMMAND, "configuration file"),
        Key("profile", as_text, _COMMAND, "section [profile.NAME] to use", default=SANDBOX),
        Key("json", as_yes_no, _COMMAND, "one JSON object on stdout", default=False),
        Key("log_format", as_choice("text", "json"), _COMMAND, "form of the log on stderr",
            default="text"),
        Key("color", as_choice("auto", "always", "never"), _COMMAND, "colours", default="auto"),
        Key("quiet", as_yes_no, _COMMAND, "result and errors only", default=False),
        Key("verbose", as_whole(0, 3), _COMMAND, "more log; twice for tracebacks", default=0),
    )
}  # fmt: skip
