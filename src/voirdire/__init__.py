"""voirdire: metamorphic testing for LLM judges."""
