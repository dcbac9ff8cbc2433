"""RSA: the one module with a library that takes ten megabytes, imported when something is signed or checked."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_BITS = 2048


class Signer:
    """Both halves of a key, from its PEM."""

    def __init__(self, pem: bytes) -> None:
        loaded = serialization.load_pem_private_key(pem, None)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        self._private = loaded
        self._public = loaded.public_key()

    def sign(self, data: bytes) -> bytes:
        """Sign with RSASSA-PKCS1-v1_5 and SHA-256."""
        return self._private.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether `sign` made this signature of the data."""
        try:
            self._public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def certificate(self, serial_number: int) -> str:
        """Write the public half as a certificate, signed with the private one."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "federated-signon.local")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._public)
            .serial_number(serial_number)
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
            .sign(self._private, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def numbers(self) -> dict[str, int]:
        """The public half as its modulus and its exponent."""
        numbers = self._public.public_numbers()
        return {"n": numbers.n, "e": numbers.e}


def make_key() -> bytes:
    """Make a key, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
