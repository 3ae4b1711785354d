"""Which click model is most like people: records of click tasks, and tables of them."""
