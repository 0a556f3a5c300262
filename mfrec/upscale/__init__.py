"""A larger picture of every picture, folder or video: by interpolation, by a network of single pictures, or from the
neighbours of each frame.

* :mod:`mfrec.upscale.asked`: what is asked for;
* :mod:`mfrec.upscale.methods`: how one frame becomes a larger one, with what it may be called afterwards;
* :mod:`mfrec.upscale.sliding_window`: the multi-frame chain, each frame fused from its neighbours;
* :mod:`mfrec.upscale.steadying`: each picture averaged with those of the moments around it;
* :mod:`mfrec.upscale.followed_face`: the face of one person put back into enlarged frames;
* :mod:`mfrec.upscale.seam`: a part of a picture put back into it;
* :mod:`mfrec.upscale.film`, :mod:`mfrec.upscale.stills`: video piece by piece, and pictures;
* :mod:`mfrec.upscale.job`: the whole, published as a folder with its record.
"""
