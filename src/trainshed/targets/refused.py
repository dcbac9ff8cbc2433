"""Commands that Google Cloud has nothing for, and what to do instead. Data."""

# Command, or a group of them → why, and the way out.
REFUSED: dict[str, str] = {
    "receipts": "Google keeps no receipts of events; `functions logs read --target gcp` shows what a function did",
    "explain": "it tells the account that this server keeps; Google keeps none",
    "models": "they are versions in a serving directory of this server; Vertex AI has a registry of models of its own",
    "lineage": "it reads the lineage of this server; Vertex AI shows its own in the console",
    "images": "it says what image names mean without a container engine; on Google Cloud an image is one in a registry",
    "builds plan": "it looks at your files alone; leave --target away",
    "builds triggers import": "a workflow is turned into a trigger of this server; make it with `builds triggers create`",
    "pipelines plan": "Vertex AI cannot say beforehand what it would reuse; plan with the server of this machine",
    "pipelines compile": "compiling is done on this machine; leave --target away",
    "pipelines retry": "Vertex AI has no retry of a run; run it again: with caching, what succeeded is not run again",
    "pipelines clone": "Vertex AI has no clone of a run; run the same file again with `pipelines run`",
    "pipelines label": "Vertex AI keeps the labels that a run began with; give them to `pipelines run --label`",
    "pipelines graph": "Vertex AI draws the graph in its console",
    "pipelines triggers": (
        "Google has no trigger without code; `apply --target gcp` makes the function that stands for one"
    ),
    "scheduler jobs preview": "Cloud Scheduler tells the next time alone: `scheduler jobs describe`",
}


def why_refused(command: str) -> str:
    """Answer why a command (`pipelines plan`) is refused on Google Cloud; empty when it is not."""
    words = command.split()
    starts = (" ".join(words[:count]) for count in range(1, len(words) + 1))
    return next((REFUSED[start] for start in starts if start in REFUSED), "")
