import traceback

import pytest

from pipeline.model.endpoint import AuthScheme, Endpoint, Secret
from pipeline.send import WrongEndpoint
from pipeline.send.hosts import authorization, checked_base_url


@pytest.mark.parametrize(
    "url",
    [
        "https://product-api.parcellab.com/",
        "http://127.0.0.1:80",
        "http://[::1]:1",
        "https://localhost",
    ],
)
def test_parcellab_and_this_machine_may_get_the_token(url: str) -> None:
    assert checked_base_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://product-api.parcellab.com",
        "https://parcellab.com.evil.example",
        "https://evilparcellab.com",
        "https://api.parcellab.com@evil.example",
        "https://user:pw@api.parcellab.com",
        "https://api.parcellab.com/v4",
        "https://api.parcellab.com?x=1",
        "http://169.254.169.254",
        "http://10.0.0.1",
        "ftp://localhost",
        "localhost:80",
        "",
    ],
)
def test_no_other_host_does(url: str) -> None:
    with pytest.raises(WrongEndpoint) as raised:
        checked_base_url(url)
    assert raised.value.exit_code == 2
    assert "pw" not in str(raised.value)


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (AuthScheme.PARCELLAB_RAW, "Parcellab-API-Token abc"),
        (AuthScheme.PARCELLAB_ENCODED, "Parcellab-API-Token MTYxODphYmM="),
        (AuthScheme.BEARER, "Bearer abc"),
    ],
)
def test_the_three_forms_of_the_header(auth: AuthScheme, header: str) -> None:
    endpoint = Endpoint(base_url="x", account=1618, token=Secret("abc\n"), auth=auth)
    assert authorization(endpoint)[0] == header


@pytest.mark.parametrize("token", ["", " \n", "tok\nX-Injected: 1", "tok en", "töken", "tok\x7fen"])
def test_a_token_that_cannot_be_one_is_refused_without_being_shown(token: str) -> None:
    endpoint = Endpoint(base_url="x", account=1, token=Secret(token))
    with pytest.raises(WrongEndpoint) as raised:
        authorization(endpoint)
    assert "ken" not in "".join(traceback.format_exception(raised.value)).replace("token", "")
