import pytest

from knowledge.retrieval import Retriever


@pytest.fixture(scope="session")
def retriever(tmp_path_factory):
    """The product's own search, built once, its cache in a folder of its own."""
    return Retriever(folder=tmp_path_factory.mktemp("cache"))
