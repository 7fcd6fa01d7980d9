"""How JupyterLab and Voila are started: on a port of their own, asked with their token, and their end is told."""

import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from mrsnb.bench import server
from mrsnb.errors import MrsnbError

SERVER = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
one = http.server.HTTPServer(("127.0.0.1", {port}), Answer)
one.handle_request()
print("out of memory")
sys.exit(3)
"""


class Guarded(BaseHTTPRequestHandler):
    """Answers to the token, and to all who ask for what is no secret."""

    def do_GET(self):
        is_let_in = self.path == "/api" or self.headers["Authorization"] == "token right"
        self.send_response(200 if is_let_in else 403)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def guarded():
    with HTTPServer(("127.0.0.1", 0), Guarded) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}/api/status"
        made.shutdown()
        thread.join()


def test_a_port_that_is_taken_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(MrsnbError, match=f"--port {port}: cannot be used .Address already in use"):
            server.serve("lab", [], tmp_path, print, port)
    assert not list(tmp_path.iterdir())


def test_only_its_own_token_is_an_answer_and_no_proxy_is_asked(guarded, tmp_path, monkeypatch):
    monkeypatch.setattr(server, "_PATIENCE", 0.5)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    process, log = SimpleNamespace(poll=lambda: None), tmp_path / "log"
    log.write_text("started\nport in use\n")
    server._wait(guarded, "right", process, log)
    with pytest.raises(MrsnbError, match="does not start: port in use"):
        server._wait(guarded, "wrong", process, log)


def test_a_server_that_asks_for_no_token_is_refused(guarded, monkeypatch):
    server._refuse_open(guarded)
    monkeypatch.setattr(Guarded, "do_GET", lambda self: self.send_response(200) or self.end_headers())
    with pytest.raises(MrsnbError, match="asks for no token"):
        server._refuse_open(guarded)


def test_it_listens_here_only_and_runs_no_module_of_the_folder(tmp_path):
    for kind in ("lab", "app"):
        command = server._command(kind, tmp_path, 8901)
        assert command[1] == "-P"  # a file jupyterlab.py among somebody's data is not imported
        assert "--ip=127.0.0.1" in command
        assert not any("token" in word for word in command)  # all users of a machine see command lines
    assert "--ServerApp.terminals_enabled=False" in server._command("app", tmp_path, 8901)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_of_the_notebooks_name_is_not_followed(tmp_path, is_there):
    elsewhere = tmp_path / "elsewhere.txt"
    if is_there:
        elsewhere.write_text("precious")
    (tmp_path / "workbench.ipynb").symlink_to(elsewhere)
    assert server._written("{}", tmp_path).name == "workbench-2.ipynb"
    assert elsewhere.exists() == is_there
    assert not is_there or elsewhere.read_text() == "precious"


def test_a_server_that_ends_by_itself_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = lambda _kind, _root, port, **_: [sys.executable, "-c", SERVER.format(port=port)]  # noqa: E731
    monkeypatch.setattr(server, "_command", start)
    said = []
    with pytest.raises(MrsnbError, match="ended with status 3: out of memory"):
        server.serve("lab", [], tmp_path, said.append)
    assert said[0].startswith("http://127.0.0.1:")


def test_pages_reach_their_own_server_only():
    (headers,) = (word for word in server._command("app", server.Path(), 8901) if "Security-Policy" in word)
    assert "connect-src 'self' ws://127.0.0.1:8901;" in headers
    assert "ws: " not in headers
    assert "ws:;" not in headers
