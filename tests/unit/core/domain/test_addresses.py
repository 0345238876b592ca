"""Where a webhook may go: forms that must be refused, addresses that are not public unicast."""

from __future__ import annotations

import ipaddress

import pytest

from core.domain.addresses import Reach, check_url, is_public_unicast
from core.domain.errors import Refused

INVALID = (
    "http://h.example.com/",
    "ftp://h.example.com/",
    "//h.example.com/",
    "https:h.example.com",
    "https:/h.example.com",
    "https:///path",
    "https://",
    "https://user@h.example.com/",
    "https://user:word@h.example.com/",
    "https://@h.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://h.example.com/#part",
    "https://h.example.com#",
    "https://h.example.com\\@127.0.0.1/",
    "https://h%2eexample.com/",
    "https://h.example.com/a b",
    "https://h.example.com/\ta",
    "https://h.example.com/\r\nX: y",
    " https://h.example.com/",
    "https://h.example.com/\u00a0",
    "https://h.example.com:80/",
    "https://h.example.com:0/",
    "https://h.example.com:65536/",
    "https://h.example.com:443:443/",
    "https://h.example.com:4_43/",
    "https://h.example.com:\u0664\u0664\u0663/",
    "https://intranet/",
    "https://intranet./",
    "https://.example.com/",
    "https://h..example.com/",
    "https://-h.example.com/",
    "https://h.example.com/" + "a" * 2048,
)
FORBIDDEN = (
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://017700000001/",
    "https://2130706433/",
    "https://8.8.8.8/",
    "https://1.2.3.999/",
    "https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "https://127\u30020\u30020\u30021/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2606:4700::1]/",
    "https://[fe80::1%25eth0]/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/",
    "https://a.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://metadata.google.internal./",
)
NOT_PUBLIC = (
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1"),
    *("192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1"),
    *("2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fe80::1"),
    *("fec0::1", "ff02::1"),
)


def _code(url: str, reach: Reach) -> str:
    with pytest.raises(Refused) as refusal:
        check_url(url, reach)
    return refusal.value.code


@pytest.mark.parametrize("url", INVALID)
def test_a_url_of_the_wrong_form_is_invalid(url: str) -> None:
    assert _code(url, Reach()) == "webhook-url-invalid"


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_in_any_notation_and_a_local_name_are_forbidden(url: str) -> None:
    assert _code(url, Reach()) == "webhook-url-forbidden"


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_public_unicast_is_not_reached(text: str) -> None:
    assert not is_public_unicast(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450::1"])
def test_a_public_address_is_reached(text: str) -> None:
    assert is_public_unicast(ipaddress.ip_address(text))


def test_a_good_url_is_taken_apart_as_it_will_be_called() -> None:
    target = check_url("HTTPS://B\u00fccher.Example.com:8443/in?a=%20", Reach())

    assert (target.host, target.port) == ("xn--bcher-kva.example.com", 8443)
    assert target.path == "/in?a=%20"
    assert target.authority == "xn--bcher-kva.example.com:8443"
    assert check_url("https://h.example.com?a=1", Reach()).path == "/?a=1"
    assert check_url("https://h.example.com", Reach()).authority == "h.example.com"


def test_own_networks_and_ports_add_to_the_public_and_open_nothing_else() -> None:
    reach = Reach((ipaddress.ip_network("10.1.0.0/16"),), frozenset({9443}))

    assert str(check_url("https://10.1.2.3:9443/", reach).literal) == "10.1.2.3"
    assert _code("https://10.2.0.1:9443/", reach) == "webhook-url-forbidden"
    assert _code("https://0x0a010203/", reach) == "webhook-url-forbidden"
    assert _code("https://localhost:9443/", reach) == "webhook-url-forbidden"
    assert reach.allows(ipaddress.ip_address("10.1.0.1"))
    assert not reach.allows(ipaddress.ip_address("10.2.0.1"))
    assert not reach.allows(ipaddress.ip_address("::ffff:10.1.0.1"))
