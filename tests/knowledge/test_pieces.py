from knowledge.pieces import pieces


def test_pieces_are_ngrams_and_marked_words():
    assert pieces("倾听") == ["倾", "听", "倾听", "词:倾听"]
    assert pieces("倾听", (1,)) == ["倾", "听", "词:倾听"]


def test_wide_and_traditional_text_is_cut_alike():
    assert pieces("客戶，ＡＨＴ") == pieces("客户,aht")
