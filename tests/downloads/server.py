"""A web server on this machine that does what servers do: `Server(behaviour)`; a behaviour is called with each request."""

import contextlib
import hashlib
import http.server
import threading
import time

CONTENT = bytes(range(256)) * 4096  # 1 MiB


class Server:
    """`answers`: what to do with the first request, the second, …; the last one stays. `asked`: the Range of each request."""

    def __init__(self, *answers, content=CONTENT):
        self.answers, self.content, self.asked = list(answers), content, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.asked.append(self.headers.get("Range"))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                with contextlib.suppress(ConnectionError):
                    answer(outer, self)
                self.close_connection = True

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_port}/file.bin"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


def start_of(handler):
    asked = handler.headers.get("Range")
    return int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0


def send(server, handler, body, length=None, status=None, ranges=True, **headers):
    start = start_of(handler) if ranges else 0
    handler.send_response(status or (206 if start else 200))
    handler.send_header("Content-Length", str(len(body) - start if length is None else length))
    if start:
        handler.send_header("Content-Range", headers.pop("content_range", f"bytes {start}-{len(body) - 1}/{len(body)}"))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    return start


def good(server, handler):
    start = send(server, handler, server.content, ETag='"1"')
    handler.wfile.write(server.content[start:])


def without_ranges(server, handler):
    send(server, handler, server.content, ranges=False)
    handler.wfile.write(server.content)


def drops(server, handler):
    """Promises everything and breaks off after 300,000 bytes more."""
    start = send(server, handler, server.content, ETag='"1"')
    handler.wfile.write(server.content[start : start + 300_000])


def stalls(server, handler):
    start = send(server, handler, server.content, ETag='"1"')
    handler.wfile.write(server.content[start : start + 100_000])
    handler.wfile.flush()
    time.sleep(1.5)


def web_page(server, handler):
    body = b"<html>moved</html>"
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html; charset=utf-8")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def endless(server, handler):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(1 << 16))


def too_long(server, handler):
    """Says that half of it is all."""
    send(server, handler, server.content, length=len(server.content) // 2)
    handler.wfile.write(server.content[: len(server.content) // 2])


def other_range(server, handler):
    """Sends a part that nobody asked for."""
    start = send(server, handler, server.content, content_range="bytes 5-99/1048576")
    handler.wfile.write(server.content[start:])


def status(code):
    def answer(server, handler):
        handler.send_error(code)

    return answer


def redirect(to, code=302):
    def answer(server, handler):
        handler.send_response(code)
        handler.send_header("Location", to() if callable(to) else to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def sha256(content):
    return hashlib.sha256(content).hexdigest()
