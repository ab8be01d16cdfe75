"""A help desk that lets a model choose between two drafts of an answer."""
