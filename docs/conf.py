"""How the documentation site is built: ``make docs``, then open ``docs/_build/html/index.html``.

Everything that a page loads lies beside it: no font, no script and no picture comes from elsewhere, so the site and its
search work from a folder on a machine without a network.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_extensions"))
sys.path.insert(0, str(HERE.parent))

from mfrec import __version__  # noqa: E402  (found by the line above)

# Stubs of modules that have moved since would be pages about nothing.
for stub in (HERE / "api" / "generated").glob("mfrec*.rst"):
    place = HERE.parent.joinpath(*stub.stem.split("."))
    if not (place.is_dir() or place.with_suffix(".py").is_file()):
        stub.unlink()

project = "mfrec"
author = "the authors of mfrec"
copyright = author  # Sphinx wants this name
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_design",
    "myst_nb",
    "mathml",
    "reexports",
]
exclude_patterns = ["_build", "_extensions", "_templates", "**.ipynb_checkpoints"]
templates_path = ["_templates"]

# Markdown, and notebooks with the outputs that they were committed with: a test runs them, the site never does.
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "substitution"]
myst_substitutions = {"version": __version__}
myst_heading_anchors = 3
myst_update_mathjax = False
nb_execution_mode = "off"
nb_merge_streams = True

# The API from the docstrings. What rooms import at their top need not be installed to read about it.
autosummary_generate = True
autodoc_mock_imports = [
    "fastai",
    "fastcore",
    "torchvision",
    "accelerate",
    "tensorboard",
    "tomlkit",
    "onnx",
    "onnxruntime",
    "cryptography",
    "asn1crypto",
    "rfc8785",
    "rfc3161_client",
    "pyhanko",
    "pyhanko_certvalidator",
    "c2pa",
    "dask",
    "dask_jobqueue",
    "distributed",
    "tornado",
    "psutil",
    "starlette",
    "uvicorn",
]
autodoc_member_order = "bysource"
autodoc_default_options = {"ignore-module-all": True}  # what is re-exported is described where it is defined
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"FloatArray": "mfrec.types.FloatArray"}  # else it is written out
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # the signature has them, and as text "bool_" would be a link
napoleon_use_rtype = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

viewcode_follow_imported_members = False  # everything is described in the module that defines it

# A reference to one of our own names that leads nowhere is an error; Python's and other packages' have no page here.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!mfrec\.).*"), (r"py:class", r"mfrec\..*\.T")]  # T: a type variable

html_theme = "pydata_sphinx_theme"
html_title = "mfrec"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_search_summary = False  # it would read pages from a script, which browsers forbid in a folder
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_nav_level": 1,
    # As deep as modules lie: the theme builds the navigation of a page that it does not reach all over again.
    "navigation_depth": 4,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
}
