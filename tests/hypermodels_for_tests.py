"""Hypermodels as people write them for KerasTuner; loaded by module path, in worker processes too."""

import keras
import keras_tuner


def lab(hp):
    """The hyperparameter lab of TensorFlow's tutorials, as it is."""
    model = keras.Sequential()
    model.add(keras.layers.Flatten(input_shape=(28, 28)))
    units = hp.Int("units", min_value=32, max_value=512, step=32)
    model.add(keras.layers.Dense(units=units, activation="relu"))
    model.add(keras.layers.Dense(10))
    learning_rate = hp.Choice("learning_rate", values=[1e-2, 1e-3, 1e-4])
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def _table(hp, hidden_of):
    numeric = keras.Input((3,), name="numeric")
    city = keras.Input((1,), dtype="int32", name="c_xf")
    parts = [numeric, keras.layers.Flatten()(keras.layers.Embedding(4, 2, name="cities")(city))]
    output = keras.layers.Dense(1, activation="sigmoid", name="answer")(hidden_of(keras.layers.Concatenate()(parts)))
    model = keras.Model([numeric, city], output)
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=[keras.metrics.AUC(), "accuracy"])
    return model


def conditional(hp):
    """Scopes within a scope, one name under two conditions, named layers, a loop, and a plain `if`."""

    def hidden_of(x):
        kind = hp.Choice("kind", ["mlp", "wide"])
        with hp.conditional_scope("kind", ["mlp"]):
            if kind == "mlp":
                for layer in range(hp.Int("layers", 1, 3)):
                    x = keras.layers.Dense(hp.Int(f"units_{layer}", 4, 8), "relu", name=f"hidden_{layer}")(x)
                dropped = hp.Boolean("dropout")
                with hp.conditional_scope("dropout", [True]):
                    if dropped:
                        x = keras.layers.Dropout(hp.Float("rate", 0.1, 0.5))(x)
        with hp.conditional_scope("kind", ["wide"]):
            if kind == "wide":
                x = keras.layers.Dense(hp.Choice("units_0", [64, 128]), "relu", name="hidden_0")(x)
        if hp.Choice("norm", ["none", "batch"]) == "batch":
            x = keras.layers.BatchNormalization(momentum=hp.Choice("momentum", [0.9, 0.99]), name="norm")(x)
        return x

    return _table(hp, hidden_of)


class BatchSize(keras_tuner.HyperModel):
    """The batch size is a hyperparameter of `fit`; dropout and shuffling need the same randomness again."""

    def build(self, hp):
        return _table(hp, lambda x: keras.layers.Dropout(0.3)(keras.layers.Dense(hp.Int("units", 4, 64), "relu")(x)))

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch_size", [16, 32]), shuffle=hp.Boolean("shuffle"), **kwargs)


class OwnLoop(keras_tuner.HyperModel):
    """A model that is not compiled, trained by hand; the objective is returned as a number."""

    def build(self, hp):
        return keras.Sequential([keras.layers.Dense(hp.Choice("units", [4, 8]), "relu"), keras.layers.Dense(1)])

    def fit(self, hp, model, x, y, validation_data, callbacks=None, **kwargs):
        import tensorflow as tf

        optimizer = keras.optimizers.SGD(hp.Float("learning_rate", 1e-3, 1e-2, sampling="log"))
        for start in range(0, len(y), 100):
            rows = slice(start, start + 100)
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(y[rows] - model(x[rows])))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        error = validation_data[1] - model(validation_data[0])
        return float(tf.reduce_mean(tf.square(error)))


def diverges(hp):
    """Its loss becomes NaN."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(hp.Float("learning_rate", 1e30, 1e32)), "mse")
    return model


def late(hp):
    """One value out of many leads to a hyperparameter that nobody could foresee."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(hp.Float("x", 0.0, 1e-3)), "mse")
    if 4 < hp.Int("n", 1, 9) < 9:
        hp.Int("late", 1, 2)
    return model


def unknown_input(hp):
    """An input of a name that the data has not."""
    hp.Boolean("any")
    age = keras.Input((1,), name="height_xf")
    model = keras.Model(age, keras.layers.Dense(1)(age))
    model.compile("sgd", "mse")
    return model


def wrong_shape(hp):
    """An input that is too wide."""
    hp.Boolean("any")
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def dense_labels(hp):
    """A loss that wants one-hot labels."""
    hp.Boolean("any")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy")
    return model


def breaks(hp):
    """Does not build."""
    raise ValueError(f"no such thing as {hp.Int('n', 1, 2)} layers")


def nothing(hp):
    """Has no hyperparameters."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def uncompiled(hp):
    """Forgets to compile."""
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 1, 2))])


class OwnEpochs(keras_tuner.HyperModel):
    """Wants to decide how long it trains, which is the search's business."""

    def build(self, hp):
        return lab(hp)

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, epochs=hp.Int("epochs", 5, 20), **kwargs)


not_a_model = 5


def people(hp):
    """For the table of the component tests: every feature that is a number, by itself."""
    age, income = keras.Input((1,), name="age_xf"), keras.Input((1,), name="income_xf")
    hidden = keras.layers.Concatenate()([age, income])
    hidden = keras.layers.Dense(hp.Int("units", 4, 32, sampling="log"), activation=hp.Choice("act", ["relu", "tanh"]))(
        hidden
    )
    hidden = keras.layers.Dropout(0.1)(hidden)
    model = keras.Model([age, income], keras.layers.Dense(1, activation="sigmoid")(hidden))
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
    return model
