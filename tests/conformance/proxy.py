# SPDX-License-Identifier: Apache-2.0
"""A recording proxy: passes HTTP requests on to one server and keeps their bytes."""
import http.client
import http.server
import threading


class Proxy:
    """Listens on a free loopback port. `requests` has method, path, headers (in order) and body of each request."""

    def __init__(self, host, port):
        self.requests = []
        lock = threading.Lock()
        kept = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with lock:
                    kept.append({"method": self.command, "path": self.path, "headers": list(self.headers.items()),
                                 "body": body})
                server = http.client.HTTPConnection(host, port, timeout=120)
                server.request(self.command, self.path, body,
                               {k: v for k, v in self.headers.items() if k.lower() != "connection"})
                answer = server.getresponse()
                content = answer.read()
                self.send_response_only(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                server.close()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
