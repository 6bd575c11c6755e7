"""Call stacks: interned once, joined to their events, keyed references resolved."""
