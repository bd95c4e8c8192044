"""What can be trained: tasks, model inputs, model families, the compiled epoch, export."""
