"""Many cases in one night, on one machine or on many, none lost and none done twice.

* :mod:`mfrec.batch.case`: a case is a command with typed options, and a name;
* :mod:`mfrec.batch.reconstruct_case`, :mod:`mfrec.batch.upscale_case`, :mod:`mfrec.batch.evaluate_case`,
  :mod:`mfrec.batch.bench_case`: the commands that a case can be;
* :mod:`mfrec.batch.measured`: the file of figures that the last two leave;
* :mod:`mfrec.batch.measuring`: the cases of these two, and their table;
* :mod:`mfrec.batch.manifest`: cases from folders, clips and CSV files, and what is wrong with them;
* :mod:`mfrec.batch.ledger`: which case is where, in SQLite; the truth after any crash;
* :mod:`mfrec.batch.child`: the process that works on cases, one after the other;
* :mod:`mfrec.batch.attempt`: one case on a worker: it gives it to such a process, and ends that at a limit;
* :mod:`mfrec.batch.cluster`: Dask's workers, here, behind an address, or from a queue such as Slurm's;
* :mod:`mfrec.batch.engine`: hands cases to workers, and what came of them to the ledger;
* :mod:`mfrec.batch.summary`: a page and a table of all cases;
* :mod:`mfrec.batch.night`: all of it in one call.

Needs the extra ``batch`` (Dask).
"""
