"""What Kafka's errors mean for us, and why a cluster cannot be reached.

kafka-python reports an unknown host, a closed port, an untrusted certificate and a wrong
password alike, as a time-out while it bootstraps. `unreachable` looks for itself: it
connects to each server and shakes hands, so that the message names the one cause.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from kafka.errors import (
    AuthorizationError,
    FencedInstanceIdError,
    KafkaConfigurationError,
    KafkaError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from lucidray.bus.settings import BusSettings
from lucidray.core.errors import LucidrayError, Permanent, Transient

PROBE_SECONDS = 3.0
DEFAULT_PORT = 9092


@contextmanager
def failures(settings: BusSettings, thing: str) -> Iterator[None]:
    """Turn what kafka-python raises into errors of ours.

    Raises
    ------
    Permanent
        The cluster forbids it, or does not understand the configuration.
    Transient
        Anything else: brokers come back.
    """
    try:
        yield
    except KafkaError as error:
        raise explain(settings, thing, error) from error


def explain(settings: BusSettings, thing: str, error: Exception) -> LucidrayError:
    """The error of ours that says what `error` means."""
    servers = ", ".join(settings.bootstrap_servers)
    kind = type(error).__name__
    if isinstance(error, SaslAuthenticationFailedError | UnsupportedSaslMechanismError):
        return _login_refused(settings, servers)
    if isinstance(error, AuthorizationError):
        user = settings.sasl_username or "this client"
        return Permanent(f"{thing} at {servers}", f"{user} is not allowed to ({kind})", "add the missing ACL in Kafka")
    if isinstance(error, FencedInstanceIdError):
        return Permanent(
            f"{thing} at {servers}",
            "another process has joined under the same name",
            "give each process a name of its own",
        )
    if isinstance(error, KafkaConfigurationError):
        return Permanent(f"{thing} at {servers}", f"kafka-python refuses its configuration ({error})", "correct it")
    return Transient(
        f"{thing} at {servers}", f"Kafka did not carry it out ({kind})", "see that its brokers are healthy"
    )


def unreachable(settings: BusSettings) -> LucidrayError:
    """Why no client could be set up, by a look at each server."""
    servers = ", ".join(settings.bootstrap_servers)
    findings = [_look(server, settings) for server in settings.bootstrap_servers]
    if any(finding is None for finding in findings):  # connected, and TLS was agreed on if asked for
        if settings.logs_in:
            return _login_refused(settings, servers)
        return Transient(
            f"Kafka at {servers}",
            f"something answers, but not a broker that speaks {settings.security_protocol}",
            "compare bus.security_protocol and the port with the broker's listeners",
        )
    return Transient(
        f"Kafka at {servers}",
        "; ".join(f"{server} {finding}" for server, finding in zip(settings.bootstrap_servers, findings, strict=True)),
        "start it, or correct bus.bootstrap_servers, bus.security_protocol or bus.ssl_cafile",
    )


def _login_refused(settings: BusSettings, servers: str) -> Transient:
    # Transient: the password may be on its way, and a service must not give up its work for it.
    return Transient(
        f"Kafka at {servers}",
        f"it answers, but does not let {settings.sasl_username} log in by {settings.sasl_mechanism}",
        "compare bus.sasl_username, bus.sasl_password_file and bus.sasl_mechanism with the user in Kafka",
    )


def _look(server: str, settings: BusSettings) -> str | None:
    """What keeps us from `server`; None: nothing below the Kafka protocol."""
    host, _, port = server.rpartition(":") if ":" in server else (server, "", str(DEFAULT_PORT))
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=PROBE_SECONDS) as connection:
            if settings.encrypts:
                context = ssl.create_default_context(cafile=settings.ssl_cafile)
                context.wrap_socket(connection, server_hostname=host).close()
    except socket.gaierror:
        return "is no host name that can be resolved"
    except ssl.SSLCertVerificationError as error:
        return f"has a certificate that is not trusted ({error.verify_message})"
    except (ssl.SSLError, ConnectionResetError):
        return "does not speak TLS"
    except (OSError, ValueError) as error:
        return f"does not answer ({getattr(error, 'strerror', None) or error})"
    return None
