"""Of pandas: nothing; TranSalNet imports it for data sets that are not read here."""
