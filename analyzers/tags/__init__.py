"""What pool tags stand for: whose they are, and what is kept under them."""

from analyzers.tags.names import TagName, TagNames, TagsFile

__all__ = ["TagName", "TagNames", "TagsFile"]
