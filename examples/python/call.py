"""A conversation over Telesign Voice with Python alone: python3 call.py 15550170001"""
import base64
import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

# The emulator's own, which it prints at its start. They are public: for one machine only.
TELESIGN = os.environ.get("TELESIGN_BASE_URL", "http://127.0.0.1:4010")
CUSTOMER_ID = os.environ.get("TELESIGN_CUSTOMER_ID", "00000000-0000-4000-8000-000000000000")
API_KEY = os.environ.get("TELESIGN_API_KEY", "QW4gQVBJIGtleSBmb3IgdGhlIGVtdWxhdG9yIG9ubHk=")
CALLER_ID = os.environ.get("TELESIGN_CALLER_ID", "15550170009")


def dial(to):
    """Rings a number: digits, country code first. What follows is told to the webhook."""
    body = {"method": "dial", "params": {"to": to, "caller_id_number": CALLER_ID}}
    basic = base64.b64encode(f"{CUSTOMER_ID}:{API_KEY}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {basic}"}
    with urlopen(Request(f"{TELESIGN}/v2/voice", json.dumps(body).encode(), headers)) as response:
        return json.load(response)  # {"reference_id": "...", "status": "dial_accepted"}


def speak(message, digits=0):
    collect = {"collect_digits": {"max": digits}} if digits > 0 else {}
    return {"method": "speak", "params": {"tts": {"message": message, "language": "en-US"}, **collect}}


ASK = speak("Your table is ready. Press 1 if you are coming, 2 if you are not, 3 for music.", digits=1)
ANSWERS = {
    "1": speak("See you in a minute."),
    "2": speak("Another time, then."),
    "3": {"method": "play", "params": {"url": "https://example.com/music.wav"}},
}
HANG_UP = {"method": "hangup", "params": {}}


def reply(event):
    """The one action that answers an event. It reads nothing else, so an event that comes twice gets the same reply twice."""
    match event["event"], event["data"]:
        case ("incoming_call", _) | ("dial_completed", {"status": "answered"}):
            return ASK
        case "speak_completed", {"collected_digits": keys}:  # "" if nobody pressed one
            return ANSWERS.get(keys, HANG_UP)
        case ("speak_completed" | "play_completed"), _:
            return HANG_UP
        case _:  # a dial that failed, or the end: there is nothing to do
            return {}


def is_signed(headers, body):
    """Telesign signs the body of each event with the API key."""
    digest = hmac.new(base64.b64decode(API_KEY), body, hashlib.sha256).digest()
    expected = f"TSA {CUSTOMER_ID}:{base64.b64encode(digest).decode()}"
    return hmac.compare_digest(expected.encode(), headers.get("Authorization", "").encode())


class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_signed(self.headers, body):
            return self.send_error(401)
        answer = json.dumps(reply(json.loads(body))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def main():
    port = int(os.environ.get("PORT", "8000"))
    server = ThreadingHTTPServer(("127.0.0.1", port), Webhook)  # it listens before anything rings
    if len(sys.argv) > 1:
        print(dial(sys.argv[1]), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
