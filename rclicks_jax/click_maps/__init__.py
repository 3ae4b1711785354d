"""Click maps, drawings and sampled clicks of the objects of datasets."""
