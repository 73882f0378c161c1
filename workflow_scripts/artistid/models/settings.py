"""Types of settings, each with the part of the configuration's schema that checks it.

A field of the `Settings` of a model or of an augmentation has one of these types and a default.
``schemas/models.schema.yaml`` and ``augmentations.schema.yaml`` are generated from them (`make
schema`).
"""

import dataclasses
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints


def schema(description: str, **checks: Any) -> dict[str, Any]:
    """Return a part of a JSON schema, for `typing.Annotated`.

    Args:
        description: completes "write ..." in the message on a wrong value.
        checks: keywords of JSON schema, such as ``minimum``.
    """
    return {"description": description} | checks


_POSITIVE = schema("A number above 0", type="number", exclusiveMinimum=0)

Count = Annotated[int, schema("A whole number, 1 or more", type="integer", minimum=1)]
Dropout = Annotated[
    float, schema("A share from 0 to below 1", type="number", minimum=0, exclusiveMaximum=1)
]
Positive = Annotated[float, _POSITIVE]
NonNegative = Annotated[float, schema("A number, 0 or more", type="number", minimum=0)]
Share = Annotated[float, schema("A share from 0 to 1", type="number", minimum=0, maximum=1)]
Whole = Annotated[int, schema("A whole number, 0 or more", type="integer", minimum=0)]
Positives = Annotated[
    tuple[float, ...],
    schema("A list of one or more numbers above 0", type="array", minItems=1, items=_POSITIVE),
]
FramesPerTrack = Annotated[
    int | None,
    schema("A whole number of frames, or null", type=["integer", "null"], minimum=1),
]


def settings_schema(settings_type: type) -> dict[str, Any]:
    """Return the JSON schema of a model's settings, defaults included.

    Args:
        settings_type: a dataclass whose fields have a type of this module, another `Annotated` one,
            or a `Literal`.

    Raises:
        TypeError: a field has another type.
    """
    hints = get_type_hints(settings_type, include_extras=True)
    return {
        "description": "a mapping of settings",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            field.name: _checks(field.name, hints[field.name]) | {"default": _plain(field.default)}
            for field in dataclasses.fields(settings_type)
        },
    }


def _checks(name: str, hint: Any) -> dict[str, Any]:
    if get_origin(hint) is Annotated:
        return dict(get_args(hint)[1])
    if get_origin(hint) is Literal:
        *most, last = map(str, get_args(hint))
        return schema(f"{', '.join(most)} or {last}", enum=list(get_args(hint)))
    raise TypeError(f"{name}: has no type of artistid.models.settings")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
