"""Runs the KerasTuner tuner of a stock `tuner_fn`, unchanged: in parallel, and on from where a killed run was.

`search` runs it. `user_code` calls the user's module. `host` holds the one oracle of the search, in the parent process,
and what is remembered of every trial; `snapshot` saves both. `service` answers the workers of the `pool`, which talk
over pipes (there is no socket), in `messages`; in every `worker` the user's tuner asks the oracle of the parent.
"""
