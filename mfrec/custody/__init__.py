"""Who says that a result is as it was: keys, signatures, time stamps, and a ledger of what was done.

* :mod:`mfrec.custody.keys` makes and opens the keys of a person, :mod:`mfrec.custody.trust` knows whose count here;
* :mod:`mfrec.custody.sign` signs a result folder, :mod:`mfrec.custody.verify` says of every file whether it is as it
  was;
* :mod:`mfrec.custody.pdf` signs the report (PAdES), :mod:`mfrec.custody.credentials` the pictures (C2PA), so that each
  can be checked where it travels alone;
* :mod:`mfrec.custody.time_stamp` asks an authority for the time by files (RFC 3161); nothing here uses a network;
* :mod:`mfrec.custody.ledger` is the list of a case to which entries are added only.

All of it needs the extra ``sign``; none of it loads a network or a picture.
"""

import importlib.util

from mfrec.errors import UsageError
from mfrec.runtime.extras import not_installed

for _module, _package in {
    "cryptography": "cryptography",
    "asn1crypto": "asn1crypto",
    "rfc8785": "rfc8785",
    "rfc3161_client": "rfc3161-client",
    "pyhanko": "pyHanko",
    "c2pa": "c2pa-python",
}.items():
    if importlib.util.find_spec(_module) is None:
        raise UsageError(not_installed("signing and verifying", _package, "sign"))
