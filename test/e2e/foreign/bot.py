"""A player written from the table of API v1 alone, with the standard library of Python.

Usage: python3 bot.py ws://HOST:PORT NAME PARTICIPANTS   Prints one line of JSON at the end.
"""
import base64
import json
import os
import socket
import struct
import sys
from urllib.parse import urlparse

address = urlparse(sys.argv[1])
name, participants = sys.argv[2], int(sys.argv[3])


class Line:
    """A WebSocket connection to one route (RFC 6455)."""

    def __init__(self, route):
        self.socket = socket.create_connection((address.hostname, address.port), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (
                f"GET {route} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        self.file = self.socket.makefile("rb")
        status = self.file.readline()
        if b" 101 " not in status:
            raise RuntimeError(f"{route}: {status!r}")
        while self.file.readline() not in (b"\r\n", b""):
            pass

    def frame(self, opcode, data):
        head = bytes([0x80 | opcode])
        if len(data) < 126:
            head += bytes([0x80 | len(data)])
        else:
            head += bytes([0x80 | 126]) + struct.pack("!H", len(data))
        mask = os.urandom(4)
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def send(self, payload):
        self.frame(1, json.dumps({"PAYLOAD": payload}).encode())

    def receive(self):
        while True:
            opcode, length = self.file.read(2)
            if length == 126:
                (length,) = struct.unpack("!H", self.file.read(2))
            data = self.file.read(length)
            if opcode & 15 == 8:
                raise RuntimeError(f"closed: {data!r}")
            if opcode & 15 == 1:
                return json.loads(data)

    def close(self):
        self.frame(8, struct.pack("!H", 1000))
        self.socket.close()


def ask(route, payload):
    line = Line(route)
    line.send(payload)
    answer = line.receive()
    line.close()
    return answer


login = Line("/api/v1/login")
login.send({"USER": name})
answer = login.receive()
if answer.get("STATUS") == "USER CREATED":
    answer = login.receive()
me = answer["PAYLOAD"]["USER_TOKEN"]
login.close()

found = ask("/api/v1/game/find", {"USER_TOKEN": me, "PARTICIPANTS": participants})
assert found["STATUS"]["JOINED"] == "SUCCESS", found
game = found["PAYLOAD"]["GAME_TOKEN"]


def health_of(user):
    spec = ask("/api/v1/game/hero", {"GAME_TOKEN": game, "USER_TOKEN": user})
    assert spec["STATUS"]["GAME"] == "HERO SPEC", spec
    return spec["PAYLOAD"]["HERO"]["health"]


lobby = Line("/api/v1/game/lobby")
lobby.send({"GAME_TOKEN": game, "USER_TOKEN": me})
players, hits, status = [], 0, ""
while status not in ("COMPLETE", "TIMED OUT"):
    frame = lobby.receive()
    status = frame["STATUS"]["GAME"]
    if status == "START":
        players = frame["PAYLOAD"]["PARTICIPANTS"]
        assert frame["PAYLOAD"]["PARTICIPANTS_HEROS"][me]["id"] == found["PAYLOAD"]["HERO_ID"]
    elif status == "USER'S TURN":
        enemy = next(user for user in players if user != me and health_of(user) > 0)
        action = {"GAME_TOKEN": game, "USER_TOKEN": me, "ENEMY_TOKEN": enemy, "ACTION": "ATTACK"}
        made = ask("/api/v1/game/action", action)["STATUS"]
        details = made["DETAILS"]
        assert made["ACTION"] == "ATTACK", made
        assert details["ENEMY_HEALTH_PRIOR"] - details["ENEMY_DAMAGE"] == details["ENEMY_HEALTH_POST"]
        hits += 1
is_winner = status == "COMPLETE" and health_of(me) > 0
lobby.close()
print(json.dumps({"me": me, "game": game, "status": status, "hits": hits, "isWinner": is_winner}))
