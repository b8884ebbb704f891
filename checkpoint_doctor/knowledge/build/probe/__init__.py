"""For maintainers: asks released tokenizers and safetensors themselves what they read, by running their wheels.

Their readers are compiled, so no source says it. Each wheel is unpacked into a temporary folder and run by the Python
that it was built for, in a process of its own, on tiny documents of ours; the answers become rows of overrides.tsv:

    python -m checkpoint_doctor.knowledge.build.probe FOLDER_OF_WHEELS --python PATH [--python PATH ...] [--write]

Give an interpreter for every Python that the wheels are built for; a release without one is named and left out.
Wheels of releases come with `pip download --no-deps --only-binary=:all: --python-version 39 --abi cp39 …`. For
safetensors the interpreters need numpy; torch's types cannot be seen without torch.
"""
