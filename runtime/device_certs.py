"""Client certificates of devices, signed by the site's CA with openssl; the CN is the user name."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from runtime.children import write_private

_PATIENCE_S = 30


class CertificateError(Exception):
    """openssl is missing or refused; the text says what it said."""


def _openssl(*arguments: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise CertificateError("openssl is needed for client certificates")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
    )
    if done.returncode:
        raise CertificateError((done.stderr.strip().splitlines() or ["openssl failed"])[0])


def issue(device: str, *, ca: Path, ca_key: Path, key: Path, days: int, serial: int) -> Path:
    """Write a new P-256 key and, beside it, `<key>.crt`; return the certificate's path."""
    with tempfile.TemporaryDirectory(prefix="dockledger-cert-") as place:
        made, request, extension, certificate = (
            Path(place) / name for name in ("key", "csr", "ext", "crt")
        )
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        _openssl("req", *curve, "-subj", f"/CN={device}", "-keyout", str(made), "-out",
                 str(request))  # fmt: skip
        extension.write_text("basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n")
        _openssl("x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key),
                 "-set_serial", hex(serial), "-days", str(days),
                 "-extfile", str(extension), "-out", str(certificate))  # fmt: skip
        out = key.with_name(key.name + ".crt")
        write_private(key, made.read_text())
        write_private(out, certificate.read_text())
    return out
