"""Names for addresses: where symbol files are found, who reads them, and what they say of an address in an image."""
