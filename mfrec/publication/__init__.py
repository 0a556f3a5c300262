"""How a result comes to its name: whole, in one step, and without costing anybody a file.

* :mod:`mfrec.publication.folder` writes a result folder beside its name and exchanges it for what was there;
* :mod:`mfrec.publication.files` does the same for single files;
* :mod:`mfrec.publication.claims` decides what may be replaced: what mfrec wrote and nobody changed since;
* :mod:`mfrec.publication.signatures` knows what signing adds to a folder, and the seals of it;
* :mod:`mfrec.publication.originals` keeps outputs and originals apart;
* :mod:`mfrec.publication.partial` is the locked place where unfinished work lies, and what becomes of a dead run's;
* :mod:`mfrec.publication.unfinished` keeps the finished pieces of long work for the next run;
* :mod:`mfrec.publication.exchange` is the one step.
"""
