"""What a flaky API server does wrong: the tables, and who draws from them."""

import json
import random
from collections import Counter

# How many of a hundred requests, over HTTP/1.1 and over HTTP/2. Over HTTP/2 one connection carries
# everything: what breaks one breaks all.
REQUESTS = {
    "none": (55, 50),
    "429": (5, 5),
    "500": (5, 5),
    "503": (5, 5),
    "delay": (15, 13),
    "lose the answer": (10, 10),
    "refuse the stream": (0, 10),
    "go away": (0, 1),
    "close": (5, 1),
}
# A watch that events come on ends in the middle of one ("cut", and "break": the connection with
# it), after it ("end"), after it came twice, or with an error that says that it is too old.
WATCHES = {"end": (1, 1), "cut": (1, 1), "gone": (1, 1), "repeat": (1, 1), "break": (0, 1)}
SILENT_WATCHES = {"end": (1, 1), "cut": (1, 1), "gone": (1, 1)}
REASONS = {429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 410: "Expired"}


def status(code: int) -> bytes:
    made = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    reason = REASONS[code]
    return json.dumps({**made, "reason": reason, "message": f"{reason} by the test"}).encode()


def gone() -> bytes:
    return b'{"type":"ERROR","object":%s}\n' % status(410)


class Deck:
    """Cards in an order by chance; all of them come before one comes again."""

    def __init__(self, table: dict[str, tuple[int, int]], column: int, choice: random.Random):
        self.cards = [name for name, counts in table.items() for _ in range(counts[column])]
        self.choice = choice
        self.left: list[str] = []

    def draw(self) -> str:
        if not self.left:
            self.left = self.choice.sample(self.cards, len(self.cards))
        return self.left.pop()


class Faults:
    """None, until `on` is set. `drawn`: how often each was drawn."""

    def __init__(self, protocol: str, seed: int):
        self.on = False
        self.random = random.Random(seed)
        self.drawn: Counter[str] = Counter()
        column = ("http/1.1", "h2").index(protocol)
        tables = (REQUESTS, WATCHES, SILENT_WATCHES)
        self._decks = [Deck(table, column, self.random) for table in tables]

    def all_drawn(self) -> bool:
        return all(card in self.drawn for deck in self._decks for card in deck.cards)

    def of_request(self) -> str:
        return self._draw(self._decks[0]) if self.on else "none"

    def of_watch(self, silent: bool) -> str:
        return self._draw(self._decks[2 if silent else 1])

    def _draw(self, deck: Deck) -> str:
        card = deck.draw()
        self.drawn[card] += 1
        return card
