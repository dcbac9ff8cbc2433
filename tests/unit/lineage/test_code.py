from trainshed.lineage.code import code_of, source_text

SOURCE = "\nimport kfp\nfrom kfp import dsl\n\ndef train(epochs: int):\n    pass\n"


def lightweight(source=SOURCE, **more):
    install = 'python3 -m pip install \'kfp==2.14.3\' && "$0" "$@"'
    run = 'program_path=$(mktemp -d)\nprintf "%s" "$0" > "$program_path/ephemeral_component.py"'
    command = ["sh", "-c", install, "sh", "-ec", run, source]
    arguments = ["--executor_input", "{{$}}", "--function_to_execute", "train"]
    return {"container": {"image": "python:3.11", "command": command, "args": arguments, **more}}


def test_a_python_component_has_source_and_function():
    found = code_of(lightweight())

    assert (found["image"], found["function"]) == ("python:3.11", "train")
    assert len(found["component"]) == len(found["source"]) == 64
    assert source_text(lightweight()) == SOURCE


def test_other_source_is_other_code():
    one, two = code_of(lightweight()), code_of(lightweight(SOURCE + "\n# changed"))

    assert one["source"] != two["source"]
    assert one["component"] != two["component"]


def test_how_much_it_may_use_is_not_its_code():
    assert code_of(lightweight()) == code_of(lightweight(resources={"cpuLimit": 4}) | {"machineType": "n1"})


def test_another_image_is_another_component_with_the_same_source():
    one, two = code_of(lightweight()), code_of(lightweight(image="python:3.12"))

    assert one["source"] == two["source"]
    assert one["component"] != two["component"]


def test_a_container_has_no_source():
    found = code_of({"container": {"image": "alpine", "command": ["echo"], "args": [{"If": {}}]}})

    assert set(found) == {"component", "image"}
    assert set(code_of({"importer": {"artifactUri": {"constant": "gs://b"}}})) == {"component"}
