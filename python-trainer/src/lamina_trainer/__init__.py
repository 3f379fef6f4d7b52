"""The trainer of Lamina: runs one trial and measures it.

Packages, from the bottom up; one imports only those below it (`[tool.importlinter]` in pyproject.toml):

- contract: documents that the scheduler and the trainer exchange, and the tables both judge by
- host: files, signals, threads, the device and the environment of the machine
- data: from records to blocks of tokens
- distributed: ranks, the process group, sharding, supervision of several processes
- llama: llama.cpp, built, fed and measured
- quantizers: weights in few bits, one module per library
- model: loading, cutting layers, precision, the forward pass, adapters
- measure: loss, speed of generation, memory, energy, storage, tasks (speed of training: training)
- training: the loop, optimizers, checkpoints, methods
- events: progress reports to the scheduler and to TensorBoard
- trial: one trial from a request to a result
- generate: a data set written by a language model
- memory_trace: peak memory of a step, followed without a GPU
- tuner: the worker that suggests a search's next trials
- attempt: the processes that run a trial, up to the exit code; the warm server
"""
