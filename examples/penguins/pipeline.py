"""The penguin pipeline: read, train, evaluate, push. `build/compile_pipeline.py` compiles it."""

from collections.abc import Callable
from typing import Any

from kfp import dsl

import components
from build.config import MACHINES, Config

MIN_ACCURACY = 0.6
MAX_DROP = 0.05


def make_pipeline(config: Config) -> Callable[..., Any]:
    """Answer the pipeline for one image, one machine type and the locations of one project."""

    def component(function: Callable[..., Any]) -> Callable[..., Any]:
        # The image has kfp and everything else: nothing is installed while a task runs.
        return dsl.component(function, base_image=config.image_uri, packages_to_install=[], install_kfp_package=False)

    @dsl.pipeline(name=config.pipeline_name, pipeline_root=config.pipeline_root, description=__doc__)
    def penguins(
        num_epochs: int = 3,
        learning_rate: float = 0.01,
        data_root: str = config.data_root,
        module_file: str = config.module_file,
        serving_model_dir: str = config.serving_model_dir,
    ) -> None:
        data = dsl.importer(artifact_uri=data_root, artifact_class=dsl.Dataset, reimport=False)
        data.set_display_name("data")
        module = dsl.importer(artifact_uri=module_file, artifact_class=dsl.Artifact, reimport=False)
        module.set_display_name("module")
        examples = component(components.csv_example_gen)(data=data.output)
        examples.set_display_name("CsvExampleGen")
        hyperparameters = component(components.hyperparams_gen)(num_epochs=num_epochs, learning_rate=learning_rate)
        hyperparameters.set_display_name("HyperparamsGen")
        trained = component(components.trainer)(
            examples=examples.output,
            hyperparameters=hyperparameters.output,
            module=module.output,
            use_gpu=config.use_gpu,
        )
        trained.set_display_name("Trainer")
        request_machine(trained, config)
        evaluation = component(components.evaluator)(
            examples=examples.output,
            model=trained.outputs["model"],
            serving_model_dir=serving_model_dir,
            min_accuracy=MIN_ACCURACY,
            max_drop=MAX_DROP,
        )
        evaluation.set_display_name("Evaluator")
        pushed = component(components.pusher)(
            model=trained.outputs["model"], evaluation=evaluation.output, serving_model_dir=serving_model_dir
        )
        pushed.set_display_name("Pusher")

    return penguins


def request_machine(task: dsl.PipelineTask, config: Config) -> None:
    """Ask for the machine type's cores and memory: Vertex picks that machine; here they are upper limits."""
    cpus, memory = MACHINES[config.machine_type]
    task.set_cpu_limit(cpus).set_memory_limit(memory)
    if config.use_gpu:
        task.set_accelerator_type(config.accelerator_type).set_accelerator_limit(1)
