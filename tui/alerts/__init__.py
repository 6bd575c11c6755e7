"""``--alert``: limits of the pool that somebody must hear of."""
