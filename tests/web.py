"""A web server of our own that can be busy or secretive, or break off."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(range(256)) * 4000


class Archive(ThreadingHTTPServer):
    """Serves `files` by name and `content` at every other path; what it does to them is set from outside."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.breaks_after = []
        self.refusals = []
        self.ranges = True
        self.content = CONTENT
        self.files = {}

    def url(self, name="x_cal.fits"):
        host, port = self.server_address
        return f"http://{host}:{port}/{name}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        archive = self.server
        archive.asked.append(dict(self.headers))
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            return
        if archive.refusals:
            self.send_error(archive.refusals.pop(0))
            return
        content, start = archive.files.get(self.path.lstrip("/").split("?")[0], archive.content), 0
        asked = self.headers.get("Range")
        if asked and archive.ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = start + archive.breaks_after.pop(0) if archive.breaks_after else len(content)
        self.wfile.write(content[start:end])
        self.close_connection = True

    def log_message(self, *_):
        pass


@contextmanager
def serving():
    """Yield a server that runs meanwhile."""
    server = Archive()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
