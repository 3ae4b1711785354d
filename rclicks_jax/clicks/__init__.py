"""Where a click falls: error regions, clicking groups, click models, strategies."""
