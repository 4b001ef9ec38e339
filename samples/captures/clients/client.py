# client.py NAME ADDRESS [NAME ADDRESS]...: one HTTPS request to each with Python's ssl (NAME "-": no server name), then
# one more to the first that resumes its session. Writes secrets to $SSLKEYLOGFILE, as Python does by itself.
import socket
import ssl
import sys

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def get(name, address, session=None):
    with socket.create_connection((address, 8443), timeout=5) as raw:
        with context.wrap_socket(raw, server_hostname=None if name == "-" else name, session=session) as tls:
            tls.sendall(b"GET / HTTP/1.0\r\nHost: lab.test\r\n\r\n")
            while tls.recv(4096):
                pass
            return tls.session


pairs = list(zip(sys.argv[1::2], sys.argv[2::2]))
sessions = [get(name, address) for name, address in pairs]
get(*pairs[0], session=sessions[0])
