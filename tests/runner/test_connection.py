"""The way to Muster: certificates are verified, and a server that answers nonsense does no harm."""

from __future__ import annotations

import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.live import wait_until

pytestmark = pytest.mark.enable_socket


def certificate(place):
    """A certificate for 127.0.0.1 that only itself vouches for, and its key, both in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "muster")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return place.write("ca.pem", public), place.write("server.pem", public + private)


def test_only_a_certificate_that_the_file_vouches_for_is_trusted(muster, place):
    ca_file, server_file = certificate(place)
    muster.speak_tls(str(server_file))
    place.settings["server"] = muster.url
    process = place.start()
    wait_until(lambda: "certificate verify failed" in place.said, "it trusts anybody")
    assert muster.offers == []
    place.kill(process)
    place.settings["ca_file"] = str(ca_file)
    told = muster.ask(1)
    place.start()
    muster.wait_for_end(1)
    assert told.outcome == "done"


@pytest.mark.parametrize(
    "claim",
    [
        {},
        {"execution": "1", "token": "x"},
        {"execution": True, "token": "6f4d1f0c-5a4e-4a0e-9b39-3d6f2b9f4d11"},
        {"execution": 1, "token": "../../../etc/cron.d/x"},
        {"execution": -1, "token": "6f4d1f0c-5a4e-4a0e-9b39-3d6f2b9f4d11"},
    ],
)
def test_a_claim_without_a_sound_id_and_token_is_nothing(runner, claim):
    with pytest.raises(ValueError, match="without execution and token|hexadecimal UUID"):
        runner.Entry.of(claim)


def test_answers_that_make_no_sense_are_survived(muster, place):
    muster.queue += [{"execution": 1, "token": "../../x"}, {"nonsense": True}]
    told = muster.ask(2)
    place.start()
    muster.wait_for_end(2)
    assert (told.outcome, place.times_run) == ("done", 1)
    assert "no work from Muster: a claim without execution and token" in place.said
