"""The conversation under test, with the emulator in hand: python3 -m unittest"""
import json
import threading
import unittest
from http.server import ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import call

CALLEE = "15550170001"


def emulator(method, path, body=None):
    """Asks the emulator. What it refuses is refused with the reason."""
    headers = {"Content-Type": "application/json"}
    payload = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(f"{call.TELESIGN}/emulator/{path}", payload, headers, method=method)) as response:
            return json.loads(response.read() or "null")
    except HTTPError as error:
        raise AssertionError(f"{method} {path}: {error.read().decode()}") from None


def record(call_id, **asked):
    query = "".join(f"&{name}={value}" for name, value in asked.items())
    return emulator("GET", f"record?reference_id={call_id}{query}")["entries"]


def is_over(call_id):
    """Waits until the end was told and replied to: at most a minute."""
    return record(call_id, kind="replied", event="call_completed", wait=60) != []


class Quiet(call.Webhook):
    def log_message(self, *_):
        pass


class CallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)

    def setUp(self):
        self.url = f"http://127.0.0.1:{self.server.server_port}/telesign/events"
        emulator("POST", "reset")
        emulator("PUT", "events-url", {"url": self.url})
        emulator("PATCH", "settings", {"speed": 1000})

    def test_a_guest_who_is_coming(self):
        script = 'answers 2s; hears "Press 1"; presses 1; hears "See you in a minute"'
        emulator("PUT", f"callees/{CALLEE}", {"callees": [script]})
        self.assertTrue(is_over(call.dial(CALLEE)["reference_id"]))
        self.assertEqual(emulator("GET", "callees/leftover"), [])  # nothing of the script remains: all was heard
        self.assertEqual([ring["number"] for ring in emulator("GET", "rings")], [CALLEE])

    def test_a_guest_who_calls(self):
        caller = {"from": "15550170044", "to": call.CALLER_ID, "callee": 'answers; hears "table"; presses 3'}
        call_id = emulator("POST", "calls", caller)["reference_id"]
        self.assertTrue(is_over(call_id))
        self.assertEqual(len(record(call_id, kind="posted", event="play_completed")), 1)

    def test_a_number_that_is_busy(self):
        emulator("PUT", f"callees/{CALLEE}", {"callees": ["busy"]})
        call_id = call.dial(CALLEE)["reference_id"]
        self.assertTrue(is_over(call_id))
        self.assertEqual(record(call_id, event="dial_completed", kind="replied")[0]["action"], None)

    def test_nobody_answers_and_nobody_waits_for_it(self):
        emulator("PATCH", "settings", {"speed": 1})
        emulator("PUT", f"callees/{CALLEE}", {"callees": ["no answer"]})
        call_id = call.dial(CALLEE)["reference_id"]
        self.assertGreater(emulator("POST", "skip")["skipped"], 10)
        event = record(call_id, kind="posted", event="dial_completed", wait=60)[0]["event"]
        self.assertEqual(event["data"]["status"], "no_answer")

    def test_events_that_come_twice(self):
        emulator("PATCH", "settings", {"copies": 2})
        emulator("PUT", f"callees/{CALLEE}", {"callees": ["answers; presses 1"]})
        call_id = call.dial(CALLEE)["reference_id"]
        self.assertTrue(record(call_id, kind="copied", event="call_completed", wait=60))
        actions = {"replied": [], "copied": []}
        for entry in record(call_id):
            actions.get(entry["kind"], []).append(entry.get("action"))
        self.assertEqual(actions["copied"], actions["replied"])  # the first reply counts, so they had better agree

    def test_an_event_that_is_lost_and_posted_again(self):
        emulator("PATCH", "settings", {"lose_events": 1, "ask_again": [0.1]})
        emulator("PUT", f"callees/{CALLEE}", {"callees": ["answers; presses 2"]})
        self.assertTrue(is_over(call.dial(CALLEE)["reference_id"]))
        self.assertEqual(emulator("GET", "settings")["lose_events"], 0)  # it counts down
        self.assertEqual(emulator("GET", "callees/leftover"), [])

    def test_a_dial_that_is_refused(self):
        emulator("PUT", f"refusals/{CALLEE}", {"status": "to_number_blocked_by_country"})
        self.assertEqual(call.dial(CALLEE)["status"], "to_number_blocked_by_country")  # with HTTP 200
        self.assertEqual(emulator("GET", "rings"), [])

    def test_an_event_of_a_stranger(self):
        event = {"event": "incoming_call", "reference_id": "A", "data": {"to": call.CALLER_ID, "from": CALLEE}}
        with self.assertRaises(HTTPError) as refused:
            urlopen(Request(self.url, json.dumps(event).encode(), {"Authorization": "TSA a:b"}))
        refused.exception.close()
        self.assertEqual(refused.exception.code, 401)


if __name__ == "__main__":
    unittest.main()
