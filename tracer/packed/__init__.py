"""Files packed in others, read piece by piece in bounded memory."""
