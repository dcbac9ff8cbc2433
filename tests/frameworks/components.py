"""Components that train for real, one a framework: two classes of points, a few seconds, figures that can be checked.

Each answers how its loss went, how well it tells the classes apart, and how long its framework took to import.
"""

from kfp import dsl


@dsl.component(base_image="python:3.11", packages_to_install=["torch==2.13.0", "numpy"])
def train_torch(seed: int) -> dict:
    import time

    begun = time.perf_counter()
    import torch

    imported = time.perf_counter() - begun
    torch.manual_seed(seed)
    labels = torch.randint(0, 2, (2000,))
    points = torch.randn(2000, 8) + labels[:, None] * 1.5
    model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(model(points[:1500]), labels[:1500])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    right = (model(points[1500:]).argmax(1) == labels[1500:]).float().mean()
    return {"losses": losses, "accuracy": float(right), "import_seconds": imported}


@dsl.component(base_image="python:3.11", packages_to_install=["tensorflow-cpu"])
def train_tensorflow(seed: int) -> dict:
    import time

    begun = time.perf_counter()
    import tensorflow as tf

    imported = time.perf_counter() - begun
    import numpy as np

    tf.keras.utils.set_random_seed(seed)
    made = np.random.default_rng(seed)
    labels = made.integers(0, 2, 2000)
    points = (made.normal(size=(2000, 8)) + labels[:, None] * 1.5).astype("float32")
    model = tf.keras.Sequential([tf.keras.layers.Dense(32, activation="relu"), tf.keras.layers.Dense(2)])
    model.compile(
        optimizer=tf.keras.optimizers.Adam(0.01),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(points[:1500], labels[:1500], epochs=5, verbose=2)
    _, right = model.evaluate(points[1500:], labels[1500:], verbose=0)
    return {"losses": history.history["loss"], "accuracy": float(right), "import_seconds": imported}


@dsl.component(base_image="python:3.11", packages_to_install=["scikit-learn"])
def train_sklearn(seed: int) -> dict:
    import time

    begun = time.perf_counter()
    import sklearn.ensemble

    imported = time.perf_counter() - begun
    import numpy as np
    from sklearn.metrics import log_loss

    made = np.random.default_rng(seed)
    labels = made.integers(0, 2, 2000)
    points = made.normal(size=(2000, 8)) + labels[:, None] * 1.5
    model = sklearn.ensemble.GradientBoostingClassifier(n_estimators=40).fit(points[:1500], labels[:1500])
    forest = sklearn.ensemble.RandomForestClassifier(n_estimators=50, n_jobs=2).fit(points[:1500], labels[:1500])
    losses = [float(log_loss(labels[:1500], stage)) for stage in model.staged_predict_proba(points[:1500])]
    right = min(each.score(points[1500:], labels[1500:]) for each in (model, forest))
    return {"losses": losses, "accuracy": float(right), "import_seconds": imported}


@dsl.component(base_image="python:3.11", packages_to_install=["xgboost-cpu"])
def train_xgboost(seed: int) -> dict:
    import time

    begun = time.perf_counter()
    import xgboost

    imported = time.perf_counter() - begun
    import numpy as np

    made = np.random.default_rng(seed)
    labels = made.integers(0, 2, 2000)
    points = made.normal(size=(2000, 8)) + labels[:, None] * 1.5
    data, held = (xgboost.DMatrix(points[part], labels[part]) for part in (slice(0, 1500), slice(1500, None)))
    seen = {}
    told = {"objective": "binary:logistic", "eval_metric": "logloss", "nthread": 2}
    model = xgboost.train(told, data, 40, evals=[(data, "train")], evals_result=seen, verbose_eval=False)
    right = ((model.predict(held) > 0.5) == labels[1500:]).mean()
    return {"losses": seen["train"]["logloss"], "accuracy": float(right), "import_seconds": imported}
