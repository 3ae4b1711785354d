"""Every setting and its default, once; checks beside the fields."""
