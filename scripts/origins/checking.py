"""What a pipeline must be able to do to serve as a source."""

import warnings
from pathlib import Path

import spacy
from spacy.language import Language
from wasabi import msg

from common.code import import_code
from common.inputs import reason
from common.ners import SAMPLE
from ner_components import finder, proposers


def check(folder: Path, wanted: str, *, notice: bool) -> Language:
    """Refuse a pipeline that cannot serve as a source.

    notice: tell it if the pipeline was made for another version of spaCy.
    RAISES ValueError: it does not load and run here, or proposes no entities.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            import_code(folder)
            nlp = spacy.load(folder)
            nlp(SAMPLE)
        except Exception as error:
            # E002 is a factory that nothing has registered
            fix = "; give its code with --vars.code FILE" * ("[E002]" in str(error))
            # where it was copied to is of no interest
            said = reason(error).replace(str(folder), wanted)
            raise ValueError(
                f"{wanted}: it does not load and run on spaCy {spacy.__version__} "
                f"({said}){fix}"
            ) from error
    try:
        last = finder(nlp)
    except ValueError as error:
        raise ValueError(
            f"{wanted}: {error}; enable what does, or let it say so: "
            'assigns=["doc.ents"]'
        ) from None
    if not proposers(nlp):
        raise ValueError(
            f"{wanted}: its {last} does not say which labels it proposes; train it, or "
            "give the component, which may be a function, an attribute `labels`"
        )
    if notice and any("[W095]" in str(warning.message) for warning in caught):
        msg.info(
            f"{wanted} was made for spaCy {nlp.meta['spacy_version']}; it loads and "
            f"runs on {spacy.__version__}"
        )
    return nlp
