"""Read a YAML file into a pydantic model; what is wrong with it is said in one sentence."""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from load.errors import did_you_mean, listed
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

Model = TypeVar("Model", bound=BaseModel)
# the way to an entry: keys of mappings, and positions in lists
Place = tuple[str | int, ...]
# shows a value without what it nests: aliases can make that endless
SHORT = reprlib.Repr()
SHORT.maxlevel = 1


class YamlError(Exception):
    """A YAML file that cannot be used; the text names the file, the line, the entry and the fix."""


class Entries(BaseModel):
    """Base of models that are read from YAML: no unknown entries; null means not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def drop_nulls(cls, content: Any) -> Any:
        """Leave the default where an entry is null; a file or section may be empty."""
        if content is None:
            return {}
        if not isinstance(content, dict):
            return content
        return {key: value for key, value in content.items() if value is not None}


class UniqueLoader(yaml.SafeLoader):
    """Refuses an entry that stands twice: YAML would silently drop the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The entries of a mapping. Raises ConstructorError where one stands twice."""
        names = set()
        for name, _ in node.value:
            if not isinstance(name, yaml.ScalarNode) or name.value in names:
                shown = name.value if isinstance(name, yaml.ScalarNode) else None
                problem = f"the entry '{shown}' stands twice" if shown else "an entry needs a name"
                raise yaml.constructor.ConstructorError(None, None, problem, name.start_mark)
            names.add(name.value)
        return super().construct_mapping(node, deep)


class YamlFile:
    """The content of a YAML file, and on which line each entry stands."""

    def __init__(self, path: Path) -> None:
        """Read a file. Raises YamlError where it is no YAML or has an entry twice."""
        self.name = path.name
        try:
            loader = UniqueLoader(path.read_text(encoding="utf-8-sig"))
            self.root = loader.get_single_node()
            self.content = loader.construct_document(self.root) if self.root else None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1
            raise YamlError(f"{self.name} line {line} is not valid: {error.problem}.") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise YamlError(f"{self.name} cannot be read as YAML: {reason}.") from error

    def read(self, model: type[Model]) -> Model:
        """The content as a model. Raises YamlError for its first fault, and counts the others."""
        try:
            return model.model_validate(self.content)
        except ValidationError as error:
            faults = error.errors()
            place = faults[0]["loc"]
            raise self.error(place, in_words(faults[0], model), len(faults) - 1) from error

    def error(self, place: Place, fault: str, further: int = 0) -> YamlError:
        """The error for an entry; fault is the rest of a sentence that begins with its place."""
        entry = ".".join(str(key) for key in place) or "the file"
        more = f" (faults after this one: {further})" if further else ""
        return YamlError(f"{self.name} line {self.line(place)}: {entry} {fault}{more}.")

    def check_names(
        self, place: Place, names: Iterable[str], known: Collection[str], kind: str
    ) -> None:
        """Raise YamlError where a name at a place is not known; kind says what it should name."""
        for name in names:
            if name not in known:
                raise self.error((*place, name), unknown_name(name, known, kind))

    def line(self, place: Place) -> int:
        """The line of an entry, or of the innermost one around it that the file has."""
        node, line = self.root, 1
        for key in place:
            if isinstance(node, yaml.MappingNode):
                inner = {name.value: (name, value) for name, value in node.value}.get(str(key))
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
                inner = (node.value[key], node.value[key])
            else:
                inner = None
            if inner is None:
                break
            line, node = inner[0].start_mark.line + 1, inner[1]
        return line


def unknown_name(name: str, known: Collection[str], kind: str) -> str:
    """What is wrong with a name that is not known; kind says what it should name."""
    return f"is not {kind}{did_you_mean(name, known)}; known are {listed(known)}"


def in_words(fault: Any, model: type[BaseModel]) -> str:
    """A fault that pydantic found in a model's content, as the rest of a sentence on its place."""
    kind, found = fault["type"], SHORT.repr(fault["input"])
    if kind == "extra_forbidden":
        *around, name = fault["loc"]
        return unknown_name(str(name), entries_of(model, around), "a known entry")
    if kind in ("model_type", "dict_type"):
        return f"must hold entries (name: value), got {found}"
    if kind == "string_type":
        return f"must be a text, got {found}"
    if kind == "invalid_key":
        return "must have a text as its name"
    # pydantic says "Input should be ..."
    _, should, rest = fault["msg"].partition(" should ")
    return f"{f'must {rest}' if should else fault['msg']}, got {found}"


def entries_of(model: Any, place: Iterable[str | int]) -> list[str]:
    """The entries that the model at a place of a model can hold."""
    for key in place:
        is_model = isinstance(model, type) and issubclass(model, BaseModel)
        # else dict[str, Model]
        model = model.model_fields[key].annotation if is_model else get_args(model)[-1]
    return list(model.model_fields)
