"""What a prior would draw: faces that a generator makes up within what the frames allow. NOT EVIDENCE.

Nothing that the recipes ``evidence`` and ``restore`` run imports this package. A recipe whose stamp is NOT EVIDENCE may
name the stages of :data:`mfrec.recipe.DRAWING_STAGES`, and they are looked up only then; the command line and the desk
may import it besides. Every picture that leaves it bears the words (:mod:`mfrec.image.stamp`).
"""
