"""The desk: a browser page for everything that an analyst does by the command line, on this computer.

Every choice that the page offers is a field of :class:`mfrec.options.Options`, every run is a child process ``mfrec
reconstruct ...`` whose command is shown and recorded, and a case is a folder that can be read without the desk.

* :mod:`mfrec.desk.serve` starts it, :mod:`mfrec.desk.routes` answers requests, :mod:`mfrec.desk.guard` refuses those of
  others, and :mod:`mfrec.desk.app` puts them together.
* :mod:`mfrec.desk.case` and :mod:`mfrec.desk.inputs` keep a case's folder, :mod:`mfrec.desk.jobs` its runs.
* :mod:`mfrec.desk.choices` knows what can be chosen, from the same declarations as the command line.
* :mod:`mfrec.desk.frames` shows frames, :mod:`mfrec.desk.results` results, :mod:`mfrec.desk.notes` draws on copies,
  :mod:`mfrec.desk.surveys` asks people, :mod:`mfrec.desk.invitations` by links of their own.
* ``words.json`` holds every text that is shown, ``page/`` the page: plain HTML, CSS and ES modules, nothing to build.
"""
