"""ExampleGen: files in, a standard Examples artifact out, column by column."""
