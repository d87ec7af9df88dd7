"""Codes of pieces: the same pieces and counts as the strings they stand for."""

from collections import Counter

import pytest

from grading import piece_codes
from grading.features import MAX_CHARS, pieces
from grading.piece_codes import Book
from knowledge.text import plain
from tests.grading.test_triggers import texts

ODD = [
    "",
    "好",
    "您好",
    " 您好 ",
    "好好好好好好",
    "a~b",
    "！？。",
    "您好" * MAX_CHARS,
    "\uffff\uffff好",
    "好😀的",
]


def found(book, norm):
    places, counts = book.look_up(norm)
    return dict(zip(places.tolist(), counts.tolist(), strict=True))


@pytest.mark.parametrize("norm", ODD)
def test_codes_are_the_pieces_with_their_counts(norm):
    counted = Counter(pieces(norm))
    book = Book.of({piece: at for at, piece in enumerate(counted)})
    assert found(book, norm) == dict(enumerate(counted.values()))


def test_pieces_that_stand_nowhere_are_not_found():
    book = Book.of({"猫": 0, "很长的一个词": 1, "😀": 2, "好": 3})
    assert found(book, "好的好") == {3: 2}


@pytest.mark.parametrize("norm, coded", [("", True), ("您好", True), ("您好😀", False)])
def test_only_what_fits_in_16_bits_is_coded(norm, coded):
    assert piece_codes.is_coded(norm) is coded


def test_real_texts_are_looked_up_as_their_strings_would_be():
    norms = [plain(text) for at, text in enumerate(texts()) if at % 7 == 0]
    vocabulary = {p: at for at, p in enumerate({p for norm in norms[::2] for p in pieces(norm)})}
    book = Book.of(vocabulary)
    for norm in norms:
        expected = {vocabulary[p]: n for p, n in Counter(pieces(norm)).items() if p in vocabulary}
        assert found(book, norm) == expected
