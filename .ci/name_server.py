"""A name server on 127.0.0.1:53 that fails the first two lookups of each record type.

Knows the name `localhost` alone. Prints `ready` when it is listening.
"""

import socket
import struct

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
failures_left = {1: 2, 28: 2}  # A and AAAA
while True:
    packet, client = server.recvfrom(512)
    end = packet.index(0, 12)
    (kind,) = struct.unpack(">H", packet[end + 1:end + 3])
    name = packet[12:end]
    code, answer = 0, b""
    if b"\tlocalhost" not in name:
        code = 3  # NXDOMAIN
    elif failures_left.get(kind, 0) > 0:
        failures_left[kind] -= 1
        code = 2  # SERVFAIL
    elif kind == 1:
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + bytes([127, 0, 0, 1])
    header = packet[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, 1 if answer else 0, 0, 0)
    server.sendto(header + packet[12:end + 5] + answer, client)
