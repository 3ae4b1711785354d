"""The tasks of a study, made of photographs and masks: pictures, regions, cells."""
