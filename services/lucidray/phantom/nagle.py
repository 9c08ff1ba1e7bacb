"""Sockets of DICOM associations."""

import socket

from pynetdicom import evt


def no_delay(event: evt.Event) -> None:
    """Handler of EVT_CONN_OPEN that switches Nagle's algorithm off.

    With it, an object waits some 45 ms for a delayed acknowledgement, whatever its size.
    """
    connection = event.assoc.dul.socket
    if connection is not None and connection.socket is not None:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
