"""Click maps, drawings and sampled clicks for the objects of datasets."""
