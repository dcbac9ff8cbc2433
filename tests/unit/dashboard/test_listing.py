from trainshed.dashboard.runs import listing


def test_parameters_stand_in_one_order_however_they_were_given():
    given = {"num_epochs": 3, "data_root": "gs://b/penguins", "learning_rate": 0.01, "module_file": "gs://b/trainer.py"}

    assert listing.brief(given) == "learning_rate=0.01, num_epochs=3, data_root=penguins and 1 more"
    assert listing.brief(dict(reversed(given.items()))) == listing.brief(given)
