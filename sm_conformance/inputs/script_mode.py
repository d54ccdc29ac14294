"""How an image that runs a user's program is told of it: the convention of AWS's toolkits.

The names and forms are those that the SageMaker Python SDK sends. In local mode it mounts the folder
at /opt/ml/code; for a job without network it hands the packed program over in a channel. A served
program lies in the folder ``code`` of the model.
"""

from __future__ import annotations

import json

from sm_conformance.declaration.values import Channel, Code
from sm_conformance.inputs.archive import CODE

CODE_FOLDER = f"/opt/ml/{CODE}"
CODE_CHANNEL = "code"
_SOURCEDIR = "sourcedir.tar.gz"


def hyperparameters(code: Code | None) -> dict[str, str]:
    """What a training is told; the SDK encodes each value as JSON."""
    if code is None:
        return {}
    packed = code.archive is not None
    where = f"/opt/ml/input/data/{CODE_CHANNEL}/{_SOURCEDIR}" if packed else CODE_FOLDER
    said = {"sagemaker_submit_directory": where}
    if code.entry_point is not None:
        said["sagemaker_program"] = code.entry_point
    return {name: json.dumps(value) for name, value in said.items()}


def files(code: Code | None) -> dict[str, bytes | None]:
    """What is placed below /opt/ml for a training."""
    if code is None or code.archive is not None:
        return {}
    return {CODE: None, **{f"{CODE}/{name}": content for name, content in code.files}}


def channels(code: Code | None) -> dict[str, Channel]:
    """The channel in which a training finds the packed program."""
    if code is None or code.archive is None:
        return {}
    held = ((_SOURCEDIR, code.archive),)
    return {CODE_CHANNEL: Channel(name=CODE_CHANNEL, content_type=None, files=held)}


def environment(code: Code | None) -> dict[str, str]:
    """What a server is told."""
    if code is None:
        return {}
    said = {"SAGEMAKER_SUBMIT_DIRECTORY": f"/opt/ml/model/{CODE}"}
    if code.entry_point is not None:
        said["SAGEMAKER_PROGRAM"] = code.entry_point
    return said
