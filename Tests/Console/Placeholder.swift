// Replaced when the module is built.
