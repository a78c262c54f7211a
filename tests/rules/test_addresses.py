"""Addresses that users name: none leads into our own network."""

from __future__ import annotations

import pytest

from outwait.rules.addresses import Addresses, AddressRefused

STRICT = Addresses(loopback=False, private=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https://",
        "https://user:word@example.com/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/\r\nX: y",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.1.2.3/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[broken/",
        "https://example.com/" + "x" * 2000,
    ],
)
def test_it_is_refused_by_its_words(url: str) -> None:
    with pytest.raises(AddressRefused):
        STRICT.check(url)


@pytest.mark.parametrize("url", ["https://example.com/hook?a=b", "https://example.com:8443", "https://[2606:4700::1]/"])
def test_it_is_allowed(url: str) -> None:
    STRICT.check(url)


async def resolved(rule: Addresses, url: str, *addresses: str, **more: bool) -> str:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    rule._resolve = resolve
    return (await rule.target(url)).url


@pytest.mark.parametrize("inner", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"])
async def test_a_name_is_judged_by_what_it_resolves_to(inner: str) -> None:
    rule = Addresses(loopback=False, private=False)
    with pytest.raises(AddressRefused):
        await resolved(rule, "https://example.com/", "93.184.216.34", inner)


async def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        assert (host, port) == ("example.com", 8443)
        return ["93.184.216.34", "2606:4700::1"]

    target = await Addresses(loopback=False, private=False, resolve=resolve).target("https://example.com:8443/a?b=c#d")
    assert target == ("https://93.184.216.34:8443/a?b=c", "example.com:8443", "example.com")


async def test_an_address_of_the_new_kind_keeps_its_brackets() -> None:
    rule = Addresses(loopback=False, private=False)
    assert await resolved(rule, "https://example.com", "2606:4700::1") == "https://[2606:4700::1]:443/"


async def test_what_has_no_address() -> None:
    with pytest.raises(OSError, match="no address"):
        await resolved(Addresses(loopback=False, private=False), "https://example.com")


async def test_a_server_on_loopback_may_tell_its_own_machine_and_no_other() -> None:
    rule = Addresses(loopback=True, private=False)
    rule.check("http://127.0.0.1:9/x")
    rule.check("http://localhost/")
    for url in ("http://10.0.0.1/", "https://10.0.0.1/", "http://93.184.216.34/"):
        with pytest.raises(AddressRefused):
            rule.check(url)
    with pytest.raises(AddressRefused):
        await resolved(rule, "http://example.com/", "93.184.216.34")


def test_private_networks_when_allowed_but_not_where_clouds_keep_their_keys() -> None:
    rule = Addresses(loopback=False, private=True)
    rule.check("http://10.0.0.1/")
    rule.check("https://[fd00::1]/")
    for url in ("http://169.254.169.254/", "http://0.0.0.0/", "http://93.184.216.34/"):
        with pytest.raises(AddressRefused):
            rule.check(url)
