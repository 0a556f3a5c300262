"""Training: degradation, data, losses, the learner and the export of weights. The only place that needs fastai."""
