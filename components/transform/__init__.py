"""Transform: plans the features from statistics and schema at run time, then transforms all splits."""
