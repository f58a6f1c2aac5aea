"""What the pages say and do, on tiny pipelines, without a browser."""

import gc
import re
import shutil
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import sleep
from types import SimpleNamespace
from typing import Any

import pytest
import spacy
import srsly
import streamlit as st
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.util import registry
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.util import patch_config_options

from common.files import write_json, write_text
from compare import compare
from helpers import TEXTS, make_core, make_drugs, scores_of
from ner_components import policy_name
from page.differences import to_entities
from page.policy import decide, offered
from page.serving import LINE, TURN, Served, analyse, load, pack, restore, turns
from report.charts import CHARTS
from report.tables import MAIN, TABLES, Comparison, legend, table

SECONDS = 60
ALL_TEXTS = " ".join(TEXTS)
THREE = ["ner", "first_gene", "second_gene"]


@pytest.fixture(scope="module")
def ners() -> dict[str, Language]:
    """Three NERs that often collide, by the name they get in a combination."""
    core = make_core(pipes=["ner"])
    genes = make_drugs(core, seed=3, listener=False, labels=["GENE"])
    cells = make_drugs(core, seed=6, listener=False, labels=["CELL", "GENE"])
    return dict(zip(THREE, [core, genes, cells], strict=True))


def combine(
    ners: dict[str, Language], names: list[str], folder: Path, policy: str = ""
) -> Language:
    """Save a pipeline of some NERs, in this order or with a policy that decides."""
    nlp = spacy.blank("en")
    nlp.vocab.from_bytes(ners["ner"].vocab.to_bytes())
    for name in names:
        nlp.add_pipe("ner", name, source=ners[name])
        if policy:
            config = {"component": name}
            nlp.add_pipe("ner_candidates_v2", f"{name}_candidates", config=config)
    if policy:
        decision = {"components": names, "policy": {"@misc": policy}}
        nlp.add_pipe("resolve_entities_v2", "resolve", config=decision)
    folder.parent.mkdir(exist_ok=True)
    nlp.to_disk(folder)
    return nlp


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, ners: Any) -> Path:
    """A folder with pipelines, two splits and nothing measured."""
    folder = tmp_path_factory.mktemp("house")
    two = THREE[:2]
    combine(ners, two[::-1], folder / "pipelines" / "first")
    combine(ners, two, folder / "pipelines" / "last")
    policy = "ner_policy.longest.v1"
    nlp = combine(ners, two, folder / "pipelines" / "resolved", policy)
    gold = DocBin(store_user_data=True)
    for text in TEXTS * 4:
        doc = nlp(text)
        doc.user_data = {"conflict": text == TEXTS[0]}
        gold.add(doc)
    (folder / "corpus" / "some").mkdir(parents=True)
    gold.to_disk(folder / "corpus" / "test.spacy")
    gold.to_disk(folder / "corpus" / "some" / "train.spacy")
    return folder


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, ners: Any) -> Path:
    """A folder with a pipeline of three NERs."""
    folder = tmp_path_factory.mktemp("three")
    combine(ners, THREE, folder / "pipelines" / "all", "ner_policy.longest.v1")
    return folder


@pytest.fixture(scope="module", autouse=True)
def light() -> Iterator[None]:
    """Look through no packages for components, and collect no garbage as served."""
    with pytest.MonkeyPatch.context() as patch:
        # the lowest release that is tested looks for none
        with suppress(ImportError):
            from streamlit.components.v2 import manifest_scanner

            patch.setattr(manifest_scanner, "scan_component_manifests", list)
        with patch_config_options({"runner.postScriptGC": False}):
            yield


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Keep no answers for the next test."""
    yield
    st.cache_data.clear()


def draw(folder: str, page: str) -> None:
    """Draw one page, as the app does."""
    from pathlib import Path

    import visualize_model
    from page import compare, data, files, results, serving

    corpus, metrics = Path(folder, "corpus"), Path(folder, "metrics")
    if page == "app":
        visualize_model.visualize_model(Path(folder, "pipelines"), corpus, metrics)
        return
    served, _ = serving.load(Path(folder, "pipelines"))
    if page == "compare":
        compare.show(served, visualize_model.EXAMPLES, corpus)
    elif page == "files":
        files.show(served)
    elif page == "results":
        results.show(metrics / "comparison.json", metrics / "disagreements.jsonl")
    else:
        data.show(served, corpus)


def run(folder: Path, page: str, **query: str) -> AppTest:
    app = AppTest.from_function(
        draw, kwargs={"folder": str(folder), "page": page}, default_timeout=SECONDS
    )
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def drawn(app: AppTest) -> list[str]:
    """All HTML on the page."""
    return [element.proto.body for element in app.get("html")]


def headings(app: AppTest) -> list[str]:
    return [heading.value for heading in app.subheader]


def submit(app: AppTest, text: str) -> AppTest:
    app.text_area(key="text").set_value(text)
    app.button[0].click().run()
    assert not app.exception
    return app


def served_of(folder: Path, name: str) -> Served:
    """One of the pipelines that a page shows."""
    pipelines, _ = load(folder / "pipelines")
    return {served.name: served for served in pipelines}[name]


# ---------------------------------------------------------------- one text


def test_first_page_compares_the_sample(house: Path) -> None:
    app = run(house, "app")
    assert app.text_area(key="text").value
    assert headings(app)[:3] == ["`first`", "`last`", "`resolved`"]
    # a sentence, three pipelines, the candidates of two NERs
    assert len(drawn(app)) == 6


def test_texts_of_a_persons_test_set_are_offered(house: Path) -> None:
    app = run(house, "compare")
    assert app.selectbox(key="example").options == TEXTS
    assert app.text_area(key="text").value == TEXTS[0]


def test_every_example_can_be_taken(three: Path) -> None:
    app = run(three, "compare")
    titles = app.selectbox(key="example").options
    assert len(titles) > 5
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


def test_differences_are_listed_with_what_each_predicts(house: Path) -> None:
    app = submit(run(house, "compare"), ALL_TEXTS)
    table = app.dataframe[0].value
    assert list(table.columns) == ["text", "first", "last", "resolved"]
    assert len(table) > 1
    assert "first_gene" in " ".join(table["first"])


@pytest.mark.parametrize(
    ("text", "message"),
    [("a " * 10_001, "20,002 characters are too many"), (" \n", "Type a text")],
    ids=["too long", "empty"],
)
def test_unsound_text_gets_a_message(house: Path, text: str, message: str) -> None:
    app = submit(run(house, "compare"), text)
    assert message in (app.error or app.info)[0].value
    assert not drawn(app)
    assert drawn(submit(app, "Anna moved."))


@pytest.mark.parametrize(
    "names", [["resolved"], ["last"], ["first", "last", "one", "two", "zero"]]
)
def test_any_pipelines_will_do(house: Path, tmp_path: Path, names: list[str]) -> None:
    for name in names:
        source = name if name in ("last", "resolved") else "first"
        shutil.copytree(house / "pipelines" / source, tmp_path / "pipelines" / name)
    app = submit(run(tmp_path, "compare"), ALL_TEXTS)
    shown = headings(app)
    assert [h for h in shown if h.strip("`") in names] == [f"`{n}`" for n in names]
    assert ("How `resolved` decides" in shown) == ("resolved" in names)


def test_visitors_wait_for_nothing_that_no_entity_depends_on(core_folder: Path) -> None:
    served, whole = Served(core_folder), spacy.load(core_folder)
    assert {"tagger", "lemmatizer"} <= {*whole.pipe_names} - {*served.nlp.pipe_names}
    for text, found in zip(TEXTS, served.find(TEXTS), strict=True):
        ents = [(ent.start_char, ent.end_char, ent.label_) for ent in whole(text).ents]
        assert [ent.key for ent in found] == ents


@pytest.mark.slow
def test_isolated_pipelines_are_shown(isolated_pipelines: Path) -> None:
    app = submit(run(isolated_pipelines.parent, "app"), ALL_TEXTS)
    assert not app.warning
    names = [path.name for path in sorted(isolated_pipelines.iterdir())]
    assert headings(app)[: len(names)] == [f"`{name}`" for name in names]
    for name in names:
        served = served_of(isolated_pipelines.parent, name)
        assert "isolated_ner_v2" in served.nlp.pipe_factories.values()


# ---------------------------------------------------------------- policies


def test_policy_changes_the_answer_live(house: Path) -> None:
    app = submit(run(house, "compare"), ALL_TEXTS)
    app.selectbox(key="policy resolved").select("ner_policy.priority.v1").run()
    key = "components ner_policy.priority.v1 resolved"
    answers = {}
    for order in [["ner", "first_gene"], ["first_gene", "ner"]]:
        app.multiselect(key=key).set_value(order).run()
        assert not app.exception
        answers[order[0]] = drawn(app)[3]
        reasons = app.dataframe[1].value["reason"]
        assert set(reasons) == {f"{order[0]} goes before {order[1]}"}
    assert answers["ner"] != answers["first_gene"]


@pytest.mark.parametrize("name", offered(scores=True))
def test_every_policy_can_be_chosen(house: Path, name: str) -> None:
    app = submit(run(house, "compare"), ALL_TEXTS)
    app.selectbox(key="policy resolved").select(name).run()
    assert not app.exception
    assert len(app.dataframe) == 2


def test_order_of_labels_changes_the_answer(house: Path) -> None:
    app = submit(run(house, "compare"), ALL_TEXTS)
    app.selectbox(key="policy resolved").select("ner_policy.label_priority.v1").run()
    key = "labels ner_policy.label_priority.v1 resolved"
    app.multiselect(key=key).set_value(["GENE"]).run()
    reasons = list(app.dataframe[1].value["reason"])
    assert reasons
    assert all(reason.startswith("GENE goes before") for reason in reasons)


def test_chosen_policy_leaves_the_shared_pipeline_alone(house: Path) -> None:
    served = served_of(house, "resolved")
    own = served.resolve.policy
    (data,) = served.read([ALL_TEXTS], pack)
    policy = {"@misc": "ner_policy.priority.v1", "components": ["first_gene"]}
    other = decide(restore(data), served, policy)
    assert served.resolve.policy is own
    assert {one["policy"] for one in other._.ner_conflicts} == {"priority"}
    untouched = restore(data)._.ner_conflicts
    assert {one["policy"] for one in untouched} == {policy_name(own)}


def test_policies_are_offered_by_their_arguments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def askable(components: list[str], labels: list[str]) -> None: ...

    def other(threshold: float) -> None: ...

    made = {"ner_policy.own": askable, "ner_policy.x": other, "elsewhere": askable}
    monkeypatch.setattr(registry, "misc", FakeRegistry(made))
    assert offered(scores=True) == ["ner_policy.own"]


def test_scores_are_no_policy_where_a_ner_tells_none() -> None:
    assert [*{*offered(scores=True)} - {*offered(scores=False)}] == [
        "ner_policy.score.v1"
    ]


class FakeRegistry(dict[str, Any]):
    """Functions by their names, as catalogue's registries give them."""

    def get_all(self) -> dict[str, Any]:
        return self


def test_dropped_and_overlapping_candidates_are_shown(
    house: Path, ners: Any, tmp_path: Path
) -> None:
    names = THREE[:2]
    nlp = combine(ners, names, tmp_path / "pipelines" / "all", "ner_policy.score.v1")
    changes: dict[str, dict[str, Any]] = {
        "resolve": {"spans_key": "every"},
        "ner_candidates": {"labels": {"PERSON": None}},
    }
    for name, settings in changes.items():
        config = {**nlp.get_pipe_config(name), **settings}
        nlp.replace_pipe(name, config.pop("factory"), config=config)
    nlp.to_disk(tmp_path / "pipelines" / "all")
    app = submit(run(tmp_path, "compare"), ALL_TEXTS)
    assert 'All of them, as `doc.spans["every"]` has them' in [
        caption.value for caption in app.caption
    ]
    # a sentence, one pipeline, two NERs, and all of them
    assert len(drawn(app)) == 5
    assert "label PERSON is dropped" in set(app.dataframe[0].value["reason"])


def test_overlapping_candidates_of_one_component_repeat_no_text(
    tmp_path: Path,
) -> None:
    rules: Any = (inside := spacy.blank("en")).add_pipe("span_ruler", name="ner")
    words = ["dope", "dope and oxy"]
    rules.add_patterns([{"label": "DRUG", "pattern": word} for word in words])
    inside.to_disk(tmp_path / "inside")
    nlp = spacy.blank("en")
    isolated: Any = nlp.add_pipe("isolated_ner_v2", "ner")
    isolated.load(tmp_path / "inside")
    nlp.add_pipe("ner_candidates_v2", "collector", config={"component": "ner"})
    policy = {"@misc": "ner_policy.longest.v1"}
    config = {"components": ["ner"], "policy": policy}
    nlp.add_pipe("resolve_entities_v2", "resolve", config=config)
    (tmp_path / "pipelines").mkdir()
    nlp.to_disk(tmp_path / "pipelines" / "all")
    app = submit(run(tmp_path, "compare"), "dope and oxy")
    *_, candidates = drawn(app)
    assert re.sub("<[^>]*>", "", candidates).count("dope") == 1


def test_annotation_is_shown_by_the_names_that_labels_have(
    house: Path, ners: Any, tmp_path: Path
) -> None:
    nlp = combine(
        ners, THREE[:2], tmp_path / "pipelines" / "all", "ner_policy.longest.v1"
    )
    for name, labels in [("ner", {"DATE": "DAY"}), ("first_gene", {"GENE": None})]:
        config = {"component": name, "labels": labels}
        nlp.replace_pipe(f"{name}_candidates", "ner_candidates_v2", config=config)
    nlp.to_disk(tmp_path / "pipelines" / "all")
    shutil.copytree(house / "corpus", tmp_path / "corpus")
    plain = run(house, "data").selectbox[2].options
    shown = run(tmp_path, "data").selectbox[2].options
    assert {"DATE", "GENE"} <= {*plain}
    assert {*shown} == {*plain} - {"DATE", "GENE"} | {"DAY"}


# ---------------------------------------------------------------- three NERs


def test_candidates_of_three_ners_have_a_column_each(three: Path) -> None:
    app = submit(run(three, "compare"), ALL_TEXTS)
    captions = [caption.value for caption in app.caption]
    for name in THREE:
        assert f"Candidates of `{name}` alone" in captions
    # a sentence, one pipeline, three candidates
    assert len(drawn(app)) == 5


def test_a_policy_orders_three_ners(three: Path) -> None:
    app = submit(run(three, "compare"), ALL_TEXTS)
    app.selectbox(key="policy all").select("ner_policy.priority.v1").run()
    field = app.multiselect(key="components ner_policy.priority.v1 all")
    assert field.options == THREE == field.value
    field.set_value(["second_gene", "first_gene", "ner"]).run()
    reasons = set(app.dataframe[0].value["reason"])
    assert reasons
    assert all("ner goes before" not in reason for reason in reasons)


def test_a_policy_orders_the_labels_of_three_ners(three: Path) -> None:
    app = submit(run(three, "compare"), ALL_TEXTS)
    app.selectbox(key="policy all").select("ner_policy.label_priority.v1").run()
    field = app.multiselect(key="labels ner_policy.label_priority.v1 all")
    assert {"CELL", "GENE", "PERSON"} < set(field.options)


def test_entities_of_three_ners_are_named_after_theirs(three: Path) -> None:
    (found,) = served_of(three, "all").find([ALL_TEXTS])
    components = {ent.component for ent in found}
    assert len(components) > 1
    assert components <= set(THREE)


# ---------------------------------------------------------------- files


def upload(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes
) -> AppTest:
    """Open the page for files with a file in its field."""
    file = SimpleNamespace(name=name, file_id="1", getvalue=lambda: data)
    monkeypatch.setattr(st, "file_uploader", lambda *_, **__: file)
    return run(folder, "files")


def test_file_is_read_by_all_pipelines(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = upload(house, monkeypatch, "texts.txt", "\n\n".join(TEXTS).encode())
    table = app.dataframe[0].value
    names = ["first", "last", "resolved"]
    assert list(table.columns) == ["number", "text", "differ", *names]
    assert list(table["text"]) == TEXTS
    assert table["differ"].any()
    assert not app.info


def test_records_that_are_left_out_are_counted_on_the_page(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [{"text": "No.", "answer": "reject"}] * 3 + [{"text": "Yes."}]
    data = "\n".join(map(srsly.json_dumps, records)).encode()
    app = upload(house, monkeypatch, "TEXTS.JSONL", data)
    assert app.info[0].value == "3 records that were not accepted are left out."
    assert list(app.dataframe[0].value["text"]) == ["Yes."]


def test_unsound_file_gets_a_message(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = upload(house, monkeypatch, "texts.jsonl", b"<b>")
    assert "line 1: not JSON" in app.error[0].value
    assert not app.dataframe


# ---------------------------------------------------------------- serving


@pytest.mark.slow
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


def test_text_is_read_before_a_file_by_all_pipelines(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipelines, _ = load(house / "pipelines")
    file, text = "a long one " * 20, "a short one"
    really, order = Served.read, []

    def read(self: Served, texts: list[str], keep: Any) -> list[Any]:
        order.extend(texts)
        return really(self, texts, keep)

    def bring() -> None:
        list(pipelines[0].find([file]))

    def ask() -> None:
        analyse(pipelines, [one.key for one in pipelines], text)

    monkeypatch.setattr(Served, "read", read)
    with ThreadPoolExecutor() as threads, LINE.turn(0):
        for at, job in enumerate([bring, ask]):
            asking = threads.submit(job)
            while len(LINE.waiting) <= at and not asking.done():
                sleep(0)
        assert not order
    assert order == [text] * len(pipelines) + [file]


def test_words_are_forgotten_by_an_isolated_ner_too(isolated_pipelines: Path) -> None:
    served = Served(isolated_pipelines / "resolved")
    (isolated,) = [pipe for _, pipe in served.nlp.pipeline if hasattr(pipe, "listen")]
    list(served.find(TEXTS))
    before = len(isolated.nlp.vocab.strings)
    (found,) = served.find([f"{TEXTS[1]} Unheard{'of' * 20} words"])
    assert len(isolated.nlp.vocab.strings) == before
    assert isolated.name in {ent.component for ent in found}


def test_doc_keeps_all_that_the_page_shows(house: Path) -> None:
    served = served_of(house, "resolved")
    (found,) = served.find([ALL_TEXTS])
    (data,) = served.read([ALL_TEXTS], pack)
    doc = restore(data)
    assert to_entities(doc.ents, served.owners) == found
    assert {ent.component for ent in found} == {"ner", "first_gene"}
    assert all(ent.score for ent in found)
    assert set(doc._.ner_candidates) == {"ner", "first_gene"}
    assert doc._.ner_conflicts


def test_what_components_leave_in_a_doc_is_not_kept_for_the_page(house: Path) -> None:
    doc = served_of(house, "resolved").nlp(ALL_TEXTS)
    doc.user_data["vectors of another library"] = [0.0] * 1000
    again = restore(pack(doc))
    assert again._.ner_provenance == doc._.ner_provenance
    assert "vectors of another library" not in again.user_data
    assert not len(again.tensor)


def test_what_is_built_meanwhile_is_shown(house: Path, tmp_path: Path) -> None:
    app = run(tmp_path, "app")
    assert not app.text_area
    shutil.copytree(house / "pipelines" / "first", tmp_path / "pipelines" / "one")
    assert app.run().text_area


def test_pipeline_is_loaded_once_until_it_is_built_anew(
    house: Path, tmp_path: Path
) -> None:
    target = tmp_path / "one"
    shutil.copytree(house / "pipelines" / "first", target)
    ((before,), _) = load(tmp_path)
    ((same,), _) = load(tmp_path)
    shutil.rmtree(target)
    shutil.copytree(house / "pipelines" / "last", target)
    ((after,), _) = load(tmp_path)
    assert before is same is not after
    assert before.key != after.key
    assert after.order == ["ner", "first_gene"]


def test_only_what_was_built_anew_is_loaded_anew_and_the_former_is_released(
    house: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pipelines"
    for name in ("one", "two"):
        shutil.copytree(house / "pipelines" / "first", folder / name)
    app = run(tmp_path, "app")
    former, kept = map(weakref.ref, load(folder)[0])
    shutil.rmtree(folder / "one")
    shutil.copytree(house / "pipelines" / "last", folder / "one")
    app.run()
    (one, two), _ = load(folder)
    assert one.order == ["ner", "first_gene"]
    assert two is kept()
    gc.collect()
    assert former() is None


def test_pipeline_that_does_not_load_is_named_and_others_are_shown(
    house: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pipelines"
    shutil.copytree(house / "pipelines" / "first", folder / "sound")
    shutil.copytree(house / "pipelines" / "first", folder / "torn")
    shutil.rmtree(folder / "torn" / "ner")
    (folder / "unread").mkdir()
    (folder / "unread" / "config.cfg").write_text("[nlp\n")
    app = run(tmp_path, "app")
    messages = [warning.value for warning in app.warning]
    assert len(messages) == 2
    assert "torn" in messages[0]
    assert "unread" in messages[1]
    assert headings(app)[0] == "`sound`"


def test_what_is_no_pipeline_is_not_shown(house: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    shutil.copytree(house / "pipelines" / "first", folder / "sound")
    shutil.copytree(house / "pipelines" / "first", folder / ".unfinished-x" / "late")
    shutil.copytree(house / "pipelines" / "first", folder / ".unfinished-y")
    (folder / ".DS_Store").touch()
    (folder / "notes.txt").touch()
    (folder / "empty").mkdir()
    served, failures = load(folder)
    assert [one.name for one in served] == ["sound"]
    assert not failures


# ---------------------------------------------------------------- what is missing


def test_nothing_built_names_the_command(tmp_path: Path) -> None:
    app = run(tmp_path, "app")
    assert app.code[0].value == "python -m spacy project run all"


def test_nothing_that_loads_names_the_command(tmp_path: Path) -> None:
    (tmp_path / "pipelines" / "torn").mkdir(parents=True)
    (tmp_path / "pipelines" / "torn" / "config.cfg").touch()
    app = run(tmp_path, "app")
    assert "torn" in app.warning[0].value
    assert app.code[0].value == "python -m spacy project run all"


def test_no_data_names_the_command(house: Path, tmp_path: Path) -> None:
    app = run(tmp_path, "data")
    assert app.code[0].value == "python -m spacy project run convert"


def test_unreadable_data_names_the_command(house: Path, tmp_path: Path) -> None:
    shutil.copytree(house / "pipelines", tmp_path / "pipelines")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "test.spacy").write_bytes(b"torn")
    app = run(tmp_path, "data")
    assert "test.spacy" in app.error[0].value
    assert app.code[0].value == "python -m spacy project run convert"


# ---------------------------------------------------------------- data


def test_data_stands_next_to_predictions(house: Path) -> None:
    app = run(house, "data")
    assert app.selectbox[0].options == ["some/train", "test"]
    assert app.selectbox[0].value == "test"
    assert "16 of 16 texts" in app.caption[0].value
    # gold and prediction, ten texts a page
    assert len(drawn(app)) == 20
    app.number_input[0].set_value(2).run()
    assert len(drawn(app)) == 12


def test_leftovers_are_no_data(house: Path, tmp_path: Path) -> None:
    shutil.copytree(house, tmp_path / "house")
    corpus = tmp_path / "house" / "corpus"
    shutil.copytree(corpus / "some", corpus / ".unfinished-x" / "some")
    shutil.copy(corpus / "test.spacy", corpus / ".test.spacy")
    app = run(tmp_path / "house", "data")
    assert app.selectbox[0].options == ["some/train", "test"]


def test_data_can_be_filtered_by_conflict(house: Path) -> None:
    app = run(house, "data")
    app.checkbox[0].check().run()
    assert "4 of 16 texts" in app.caption[0].value


def test_data_can_be_filtered_by_what_is_wrong(house: Path) -> None:
    app = run(house, "data")
    app.checkbox[1].check().run()
    assert drawn(app)
    frames = zip(drawn(app)[::2], drawn(app)[1::2], strict=True)
    assert all("≠" in gold + predicted for gold, predicted in frames)
    # which the gold was made with
    app.selectbox[1].select("resolved").run()
    assert "0 of 16 texts" in app.caption[0].value


def test_data_can_be_filtered_by_label(house: Path) -> None:
    app = run(house, "data")
    app.selectbox[2].select("GENE").run()
    assert drawn(app)
    assert all("GENE" in html for html in drawn(app)[::2])


# ---------------------------------------------------------------- results


@pytest.fixture
def comparison() -> Comparison:
    """What `compare` writes of two sources and two combinations."""
    return compare(scores_of(first=(0.8, 1.0), last=(0.7, 2.0)))


def test_results_are_shown_as_they_were_measured(
    comparison: Comparison, tmp_path: Path
) -> None:
    write_json(tmp_path / "metrics" / "comparison.json", comparison)
    app = run(tmp_path, "results")
    assert not app.error
    assert app.markdown[0].value == comparison["advice"]
    assert app.dataframe[0].value.equals(table(comparison))
    assert app.caption[0].value == legend(comparison)
    assert headings(app) == [MAIN, *CHARTS, *TABLES]


def test_texts_that_decide_are_shown_and_taken_away(
    comparison: Comparison, tmp_path: Path
) -> None:
    span = {"start": 0, "end": 4, "label": "PERSON", "ways": ["first"]}
    record = {"text": "Benz <b>", "spans": [], "candidates": [span]}
    metrics = tmp_path / "metrics"
    write_json(metrics / "comparison.json", comparison)
    srsly.write_jsonl(metrics / "disagreements.jsonl", [record])
    app = run(tmp_path, "results")
    assert headings(app)[-1] == "The texts that decide"
    assert app.dataframe[-1].value["disputed"].tolist() == ["Benz PERSON (first)"]
    assert len(app.get("download_button")) == 1


def test_missing_results_name_the_command(tmp_path: Path) -> None:
    app = run(tmp_path, "results")
    assert app.code[0].value == "python -m spacy project run tradeoffs"


@pytest.mark.parametrize(
    "content",
    ["{", '{"advice": "Take one."}', "[]"],
    ids=["no JSON", "another shape", "list"],
)
def test_unreadable_results_name_the_command(tmp_path: Path, content: str) -> None:
    write_text(tmp_path / "metrics" / "comparison.json", content)
    app = run(tmp_path, "results")
    assert "is no comparison" in app.error[0].value
    assert app.code[0].value == "python -m spacy project run tradeoffs"
