"""What the pages say and do, on tiny pipelines, without a browser."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
import streamlit as st
from spacy.tokens import DocBin
from streamlit.testing.v1 import AppTest
from test_assemble import config_for
from test_compare import scores_of

from assemble import assemble
from charts import CHARTS, MAIN, TABLES, legend, table
from compare import compare
from differences import entities
from doubles import TEXTS, make_core, make_drugs
from page_policy import decide, offered
from serving import TURN, Served, load, restore, turns

SECONDS = 30
ORDERS = ["drug_first", "drug_last", "resolved"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pipelines, a split and nothing measured."""
    folder = tmp_path_factory.mktemp("house")
    core = make_core(pipes=["ner"])
    core.to_disk(folder / "core")
    make_drugs(core, seed=3).to_disk(folder / "drugs")
    for name in ORDERS:
        config = config_for(name, folder, folder / "core", folder / "drugs")
        nlp = assemble(config, folder / "pipelines" / name)
    gold = DocBin(store_user_data=True)
    for text in TEXTS * 4:
        doc = nlp(text)
        doc.user_data = {"conflict": text == TEXTS[0]}
        doc.spans.clear()
        gold.add(doc)
    (folder / "corpus" / "some").mkdir(parents=True)
    gold.to_disk(folder / "corpus" / "test.spacy")
    gold.to_disk(folder / "corpus" / "some" / "train.spacy")
    return folder


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Keep no answers for the next test."""
    yield
    st.cache_data.clear()


def draw(house: str, page: str) -> None:
    """Draw one page, as the app does."""
    from pathlib import Path

    import page_compare
    import page_data
    import page_results
    import visualize_model
    from serving import load

    folder = Path(house)
    if page == "app":
        visualize_model.visualize(
            folder / "pipelines", folder / "corpus", folder / "metrics"
        )
    elif page == "compare":
        page_compare.show(load(folder / "pipelines"), visualize_model.EXAMPLES)
    elif page == "results":
        page_results.show(folder / "metrics" / "comparison.json")
    else:
        page_data.show(load(folder / "pipelines"), folder / "corpus")


def run(house: Path, page: str, **query: str) -> AppTest:
    app = AppTest.from_function(
        draw, kwargs={"house": str(house), "page": page}, default_timeout=SECONDS
    )
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def drawn(app: AppTest) -> list[str]:
    """All HTML on the page."""
    return [element.proto.body for element in app.get("html")]


def submit(app: AppTest, text: str) -> AppTest:
    app.text_area(key="text").set_value(text)
    app.button[0].click().run()
    assert not app.exception
    return app


def test_first_page_compares_the_sample(house: Path) -> None:
    app = run(house, "app")
    assert "John Benz" in app.text_area(key="text").value
    headings = [heading.value for heading in app.subheader]
    assert headings[:3] == [f"`{name}`" for name in ORDERS]
    # a sentence, three pipelines, the candidates of two NERs
    assert len(drawn(app)) == 6


def test_every_example_can_be_taken(house: Path) -> None:
    app = run(house, "compare")
    titles = app.selectbox(key="example").options
    assert len(titles) == 11
    for title in titles[1:]:
        before = app.text_area(key="text").value
        app.selectbox(key="example").select(title).run()
        assert not app.exception
        assert app.text_area(key="text").value != before


def test_link_brings_a_text_and_keeps_in_step(house: Path) -> None:
    app = run(house, "compare", text="Anna moved.")
    assert app.text_area(key="text").value == "Anna moved."
    submit(app, "Anna stayed.")
    assert app.query_params["text"] in ("Anna stayed.", ["Anna stayed."])
    submit(app, "Anna stayed. " * 500)
    assert "text" not in app.query_params
    assert "too long to be shared" in app.caption[0].value


def test_differences_are_listed_with_what_each_said(house: Path) -> None:
    app = submit(run(house, "compare"), " ".join(TEXTS))
    table = app.dataframe[0].value
    assert list(table.columns) == ["text", *ORDERS]
    assert len(table) > 1
    assert "ner_drug" in " ".join(table["drug_first"])


@pytest.mark.parametrize(
    ("text", "message"),
    [("a " * 10_001, "20,002 characters are too many"), (" \n", "Type a text")],
)
def test_unsound_text_gets_a_message(house: Path, text: str, message: str) -> None:
    app = submit(run(house, "compare"), text)
    assert message in (app.error or app.info)[0].value
    assert not drawn(app)
    assert drawn(submit(app, "Anna moved."))


def test_policy_changes_the_answer_live(house: Path) -> None:
    app = submit(run(house, "compare"), " ".join(TEXTS))
    app.selectbox(key="policy resolved").select("ner_policy.priority.v1").run()
    key = "components ner_policy.priority.v1 resolved"
    answers = {}
    for order in [["ner", "ner_drug"], ["ner_drug", "ner"]]:
        app.multiselect(key=key).set_value(order).run()
        assert not app.exception
        answers[order[0]] = drawn(app)[3]
        decisions = app.dataframe[1].value
        assert set(decisions["reason"]) == {f"{order[0]} goes before {order[1]}"}
    assert answers["ner"] != answers["ner_drug"]


@pytest.mark.parametrize("name", offered())
def test_every_policy_can_be_chosen(house: Path, name: str) -> None:
    app = submit(run(house, "compare"), " ".join(TEXTS))
    app.selectbox(key="policy resolved").select(name).run()
    assert not app.exception
    assert len(app.dataframe) == 2


def test_order_of_labels_changes_the_answer(house: Path) -> None:
    app = submit(run(house, "compare"), " ".join(TEXTS))
    app.selectbox(key="policy resolved").select("ner_policy.label_priority.v1").run()
    key = "labels ner_policy.label_priority.v1 resolved"
    app.multiselect(key=key).set_value(["DRUG"]).run()
    reasons = app.dataframe[1].value["reason"]
    assert all(reason.startswith("DRUG goes before") for reason in reasons)


def test_chosen_policy_leaves_the_shared_pipeline_alone(house: Path) -> None:
    (served,) = [served for served in load(house / "pipelines") if served.resolve]
    own = served.resolve.policy
    text = " ".join(TEXTS)
    (data,) = served.read([text], bytes_of)
    policy = {"@misc": "ner_policy.priority.v1", "components": ["ner_drug"]}
    other = decide(restore(data), served.resolve, policy)
    assert served.resolve.policy is own
    assert {one["policy"] for one in other._.conflicts} == {"priority"}
    assert {one["policy"] for one in restore(data)._.conflicts} == {own.__name__}


def bytes_of(doc: Any) -> bytes:
    return doc.to_bytes(exclude=["tensor"])


def test_threads_get_their_own_answers(house: Path) -> None:
    """What many threads read at once is what each text gives alone."""
    folder = house / "pipelines" / "resolved"
    texts = [f"{text} Mr. Smith{i} saw Benz{i}." for i in range(30) for text in TEXTS]
    nlp = spacy.load(folder)
    alone = [
        [(ent.start_char, ent.end_char, ent.label_) for ent in nlp(text).ents]
        for text in texts
    ]
    served = Served(folder)
    strings = len(served.nlp.vocab.strings)

    def find(text: str) -> list[Any]:
        return [ent.key for ents in served.find([text]) for ent in ents]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(find, texts)) == alone
    assert len(served.nlp.vocab.strings) == strings


def test_long_and_many_texts_are_read_in_turns() -> None:
    assert [*turns(["a", "b" * TURN, "c", "d"])] == [["a", "b" * TURN], ["c", "d"]]
    assert max(map(len, turns([""] * 3 * TURN))) <= TURN
    assert not [*turns([])]


def test_words_are_forgotten_by_an_isolated_ner_too(
    tmp_path: Path, core_folder: Path, old_drugs_folder: Path
) -> None:
    config = config_for("resolved", tmp_path, core_folder, old_drugs_folder)
    assemble(config, tmp_path / "resolved")
    served = Served(tmp_path / "resolved")
    inside = served.nlp.get_pipe("ner_drug").nlp.vocab.strings
    list(served.find(TEXTS))
    before = len(inside)
    (found,) = served.find([f"{TEXTS[1]} Unheard{'of' * 20} words"])
    assert len(inside) == before
    assert "ner_drug" in {ent.component for ent in found}


@pytest.mark.parametrize(
    "names",
    [["resolved"], ["drug_last"], ["drug_first", "drug_last", "one", "two", "three"]],
)
def test_any_pipelines_will_do(house: Path, tmp_path: Path, names: list[str]) -> None:
    for name in names:
        source = name if name in ORDERS else "drug_first"
        shutil.copytree(house / "pipelines" / source, tmp_path / "pipelines" / name)
    app = submit(run(tmp_path, "compare"), " ".join(TEXTS))
    headings = [heading.value for heading in app.subheader]
    assert [h for h in headings if h.strip("`") in names] == [
        f"`{name}`" for name in sorted(names)
    ]
    assert ("How `resolved` decides" in headings) == ("resolved" in names)


def test_doc_keeps_all_that_the_page_shows(house: Path) -> None:
    (served,) = [served for served in load(house / "pipelines") if served.resolve]
    (found,) = served.find(TEXTS[:1])
    (data,) = served.read(TEXTS[:1], bytes_of)
    assert entities(restore(data).ents, served.owners) == found
    assert all(ent.component in ("ner", "ner_drug") for ent in found)


def test_missing_results_name_the_command(house: Path) -> None:
    app = run(house, "results")
    assert app.code[0].value == "python -m spacy project run tradeoffs"


def test_unreadable_results_name_the_command(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "comparison.json").write_text("{")
    app = run(tmp_path, "results")
    assert "no JSON" in app.error[0].value
    assert app.code[0].value == "python -m spacy project run tradeoffs"


def test_results_are_shown_as_they_were_measured(tmp_path: Path) -> None:
    comparison = compare(scores_of(a=(0.8, 1.0), b=(0.79, 1.5)))
    (tmp_path / "metrics").mkdir()
    srsly.write_json(tmp_path / "metrics" / "comparison.json", comparison)
    app = run(tmp_path, "results")
    assert app.markdown[0].value == comparison["advice"]
    assert app.dataframe[0].value.equals(table(comparison))
    assert app.caption[0].value == legend(comparison)
    assert {heading.value for heading in app.subheader} == {MAIN, *CHARTS, *TABLES}


def test_data_stands_next_to_predictions(house: Path) -> None:
    app = run(house, "data")
    assert app.selectbox[0].options == ["some/train", "test"]
    assert app.selectbox[0].value == "test"
    assert "16 of 16 texts" in app.caption[0].value
    # gold and prediction, ten texts a page
    assert len(drawn(app)) == 20
    app.number_input[0].set_value(2).run()
    assert len(drawn(app)) == 12


def test_data_can_be_filtered(house: Path) -> None:
    app = run(house, "data")
    app.checkbox[0].check().run()
    assert "4 of 16 texts" in app.caption[0].value
    app.selectbox[1].select("resolved").run()
    app.checkbox[1].check().run()
    assert "0 of 16 texts" in app.caption[0].value
    app.checkbox[0].uncheck().run()
    app.checkbox[1].uncheck().run()
    app.selectbox[2].select("DRUG").run()
    assert all("DRUG" in html for html in drawn(app)[::2])


def test_nothing_built_names_the_command(tmp_path: Path) -> None:
    app = run(tmp_path, "app")
    assert app.code[0].value == "python -m spacy project run all"


def test_what_is_built_meanwhile_is_shown(house: Path, tmp_path: Path) -> None:
    app = run(tmp_path, "app")
    assert not app.text_area
    target = tmp_path / "pipelines" / "drug_first"
    shutil.copytree(house / "pipelines" / "drug_first", target)
    assert app.run().text_area
    (before,) = load(tmp_path / "pipelines")
    (same,) = load(tmp_path / "pipelines")
    shutil.rmtree(target)
    shutil.copytree(house / "pipelines" / "drug_last", target)
    (after,) = load(tmp_path / "pipelines")
    assert before is same is not after
    assert before.key != after.key
    assert after.order == ["ner", "ner_drug"]


def test_no_data_names_the_command(tmp_path: Path) -> None:
    app = run(tmp_path, "data")
    assert app.code[0].value == "python -m spacy project run convert"
