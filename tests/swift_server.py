"""OpenStack Swift with its S3 API, all of it in one process on loopback.

Run by the system's Python, which has Debian's `python3-swift`: `python3 -I swift_server.py FOLDER`.
Prints its port when it answers, and ends when its standard input does. FOLDER must be on a file
system with extended attributes. Access keys are the users below; with `s3_acl` each bucket and each
object has its own access list, as in Amazon's S3.
"""

import os
import sys
import threading
from pathlib import Path

REGION = "eu-central-1"
OWNER = ("shop:owner", "owner-geheim-4711")
READER = ("shop:reader", "reader-geheim-0815")  # may what access lists say

_DEFAULTS = """\
[DEFAULT]
swift_dir = {base}
devices = {base}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_name = {name}
# to nobody: the machine's own log is not ours
log_udp_host = 127.0.0.1
log_udp_port = 9
"""
_STORAGE = """\
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""
_PROXY = f"""\
[pipeline:main]
pipeline = catch_errors gatekeeper proxy-logging cache listing_formats s3api tempauth copy slo proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
use = egg:swift#memcache
# none there: Swift then asks its servers
memcache_servers = 127.0.0.1:9
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
s3_acl = true
location = {REGION}
[filter:tempauth]
use = egg:swift#tempauth
user_{OWNER[0].replace(":", "_")} = {OWNER[1]} .admin
user_{READER[0].replace(":", "_")} = {READER[1]}
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
"""


def main() -> None:
    """Serve until standard input ends."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    base = Path(sys.argv[1])
    import eventlet

    eventlet.monkey_patch()
    import eventlet.wsgi
    from paste.deploy import loadapp
    from swift.common import utils
    from swift.common.ring.builder import RingBuilder
    from swift.common.wsgi import SwiftHttpProtocol

    conf = base / "swift.conf"
    conf.write_text("[swift-hash]\nswift_hash_path_suffix = tests\n")
    utils.SWIFT_CONF_FILE, utils.HASH_PATH_SUFFIX = str(conf), b"tests"
    (base / "devices" / "one").mkdir(parents=True)

    def application(name: str, text: str) -> object:
        path = base / f"{name}.conf"
        path.write_text(_DEFAULTS.format(base=base, name=name) + text)
        return loadapp(f"config:{path}")

    def serve(listening: object, app: object) -> None:
        eventlet.wsgi.server(
            listening, app, log=utils.NullLogger(), log_output=False, protocol=SwiftHttpProtocol
        )

    storage = {
        name: eventlet.listen(("127.0.0.1", 0)) for name in ("account", "container", "object")
    }
    for name, listening in storage.items():
        builder = RingBuilder(1, 1, 0)
        place = {"ip": "127.0.0.1", "port": listening.getsockname()[1], "device": "one"}
        builder.add_dev({"region": 1, "zone": 1, "weight": 1.0, "meta": "",
                         "replication_ip": place["ip"], "replication_port": place["port"], **place})  # fmt: skip
        builder.rebalance()
        builder.get_ring().save(str(base / f"{name}.ring.gz"))
    for name, listening in storage.items():
        eventlet.spawn(serve, listening, application(name, _STORAGE.format(name=name)))
    front = eventlet.listen(("127.0.0.1", 0))
    proxy = application("proxy", _PROXY)
    sys.stdout.write(f"{front.getsockname()[1]}\n")
    sys.stdout.flush()
    serve(front, proxy)


def _end_with_input() -> None:
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    main()
