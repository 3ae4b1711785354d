"""Array mechanisms without words of the field: distances, letterboxes, masks."""
