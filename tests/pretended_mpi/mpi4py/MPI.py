"""COMM_WORLD of two processes."""

import os
import pickle
import time
from multiprocessing.connection import Client, Listener

BYTE, COMM_TYPE_SHARED = "byte", "shared"
PLACE = os.path.join(os.environ["MPI_FOLDER"], "socket")


class World:
    def __init__(self):
        self.rank, self.link = int(os.environ["MPI_RANK"]), None

    def Get_rank(self):
        return self.rank

    def Get_size(self):
        return int(os.environ["MPI_SIZE"])

    def partner(self):
        """The connection to the other process, made when it is first needed."""
        if self.link is None:
            if self.rank == 0:
                with Listener(PLACE) as listener:
                    self.link = listener.accept()
            else:
                self.link = connected()
        return self.link

    def send(self, value, other):
        assert other == 1 - self.rank
        self.partner().send_bytes(pickle.dumps(value))

    def recv(self, source):
        assert source == 1 - self.rank
        return pickle.loads(self.partner().recv_bytes())

    def Send(self, content, other):
        assert content[0].dtype.itemsize == 1 and content[1] == BYTE
        self.partner().send_bytes(content[0])

    def Recv(self, content, other):
        assert content[0].dtype.itemsize == 1 and content[1] == BYTE
        assert self.partner().recv_bytes_into(content[0]) == content[0].size

    def bcast(self, value):
        if self.rank:
            return self.recv(0)
        self.send(value, 1)
        return value

    def Abort(self, status):
        with open(os.path.join(os.environ["MPI_FOLDER"], "aborted"), "a") as file:
            file.write(f"{self.rank}\n")
        os._exit(status)


def connected():
    until = time.monotonic() + 30
    while True:
        try:
            return Client(PLACE)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


COMM_WORLD = World()
